"""The containers of a pod, restricted by default. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""

from typing import Annotated, Any

from seaway.kubernetes.api import references
from seaway.manifests import inputs, network, probes, resources, secrets, volumes
from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

PULL_POLICY: Annotated[
    str,
    Help("when the image is pulled"),
    Rationale("built images are named by digest: the copy on the node is the same, and a restart needs no registry"),
] = "IfNotPresent"

TERMINATION_MESSAGE_POLICY: Annotated[
    str,
    Help("source of the reason why a container ended"),
    Rationale("the status of the pod has the last log lines of a failed program, and the rollout shows them at once"),
] = "FallbackToLogsOnError"


def build_container(
    workload: application.AnyWorkload,
    container_spec: application.ContainerSpec,
    container_inputs: inputs.ContainerInputs,
    mounts: list[dict[str, Any]],
) -> dict[str, Any]:
    """A container of a pod: the main one, an init container that must succeed before it, or a sidecar.

    A sidecar starts before the main container, and stops after it.
    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    container: dict[str, Any] = {
        "name": container_spec.name,
        "image": container_inputs.image,
        "imagePullPolicy": PULL_POLICY,
        "terminationMessagePolicy": TERMINATION_MESSAGE_POLICY,
    }
    if container_spec.command:
        container["command"] = list(container_spec.command)
    if container_spec.args:
        container["args"] = list(container_spec.args)
    if container_spec.working_dir is not None:
        container["workingDir"] = container_spec.working_dir
    # Secrets first: a later variable may refer to one, as in postgres://user:$(PASSWORD)@db.
    # https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    env = secrets.build_env(container_spec, container_inputs.secret)
    variables = references.sort_variables(container_inputs.env)
    env += [{"name": name, "value": text} for name, text in variables.items()]
    if env:
        container["env"] = env
    if container_spec in workload.sidecars:
        container["restartPolicy"] = "Always"
    if ports := network.build_container_ports(container_spec):
        container["ports"] = ports
    container["resources"] = resources.build_resources(container_spec)
    container |= probes.build_probes(container_spec)
    if isinstance(container_spec, application.Service) and accepts_requests(workload) and container_spec.pre_stop_delay:
        # The kubelet waits before SIGTERM, so the image needs no shell. Requires Kubernetes 1.30.
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": container_spec.pre_stop_delay}}}
    container["securityContext"] = _build_security_context(workload, container_spec)
    container["volumeMounts"] = mounts
    return container


def accepts_requests(workload: application.AnyWorkload) -> bool:
    """Whether it must wait before it stops, until load balancers send no more requests."""
    return isinstance(workload, application.Service) and bool(network.list_ports(workload))


def _build_security_context(
    workload: application.AnyWorkload, container_spec: application.ContainerSpec
) -> dict[str, Any]:
    """The security context of a container. An extra container with another image may have another user."""
    context: dict[str, Any] = {}
    if isinstance(container_spec, application.ExtraContainer) and container_spec.user not in (workload.user, None):
        context = {"runAsUser": container_spec.user, "runAsGroup": container_spec.user}
    context["readOnlyRootFilesystem"] = volumes.ROOT_PATH not in container_spec.writable
    if workload.security == "restricted":
        context |= {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return context
