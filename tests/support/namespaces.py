"""What the tests made in the cluster goes the short way; test_shop asserts that `pulumi destroy` takes it too."""

from tests.support import kubectl

CONTROLLERS = "deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs"


def remove(*names: str) -> None:
    """Delete these namespaces, where they are there; a moment after the call they are gone."""
    for name in names:
        empty(name)
    kubectl.run("delete", "namespace", *names, "--ignore-not-found", "--wait=false")


def empty(name: str) -> None:
    """Delete a namespace's pods and what makes them, without the time that they may take to end.

    A namespace that is deleted with pods in it is only looked at again after half of that time: 31 s with a store.
    https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/controller/namespace/namespace_controller.go
    """
    kubectl.run("delete", f"{CONTROLLERS},pods", "--all", "--namespace", name, "--grace-period=1")
