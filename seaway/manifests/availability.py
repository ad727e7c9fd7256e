"""What keeps a service answering while nodes are drained, zones are lost and pods are replaced."""

from typing import Annotated, Any

from seaway.manifests import names
from seaway.model.describe import Doc, Why

DRAIN: Annotated[
    int,
    Doc('seconds between "you are going" and SIGTERM'),
    Why("the time until proxies and load balancers send no new requests"),
] = 5

GRACE: Annotated[
    int,
    Doc("seconds from SIGTERM to SIGKILL, and before it the wait of what takes requests"),
    Why("the requests in flight are answered"),
] = 25

STORE_GRACE: Annotated[
    int,
    Doc("seconds from SIGTERM to SIGKILL"),
    Why("a database writes its last checkpoint; a kill is safe, but makes the next start slow"),
] = 60


def disruption_budget(scope: names.Scope, name: str) -> dict[str, Any]:
    """One pod at a time may be evicted, and a broken one always: it must not hold up a node's drain.

    https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": names.metadata(scope, name),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": names.selector(scope, name)},
        },
    }


def spread(scope: names.Scope, name: str) -> list[dict[str, Any]]:
    """Pods go to different zones, then to different nodes, where there are some; a full cluster still runs them.

    It stands in every service's template, one pod or ten: otherwise the first change of the scale would roll all pods.
    """
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": names.selector(scope, name)},
            # Counts the pods of one version: the old ones, soon gone, would push the new ones together.
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def farewell() -> dict[str, Any]:
    """The wait before SIGTERM, done by the kubelet: the image needs no shell. Kubernetes 1.30 and later."""
    return {"preStop": {"sleep": {"seconds": DRAIN}}}
