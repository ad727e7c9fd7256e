"""The containers of a pod, restricted by default. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""

from typing import Annotated, Any

from seaway.manifests import availability, inputs, network, probes, resources, secrets, volumes
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
    workload: application.AnyWorkload, container_inputs: inputs.ContainerInputs, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    """The main container of a workload."""
    container = _build_common_fields(workload, workload.name, container_inputs)
    if ports := network.build_container_ports(workload):
        container["ports"] = ports
    container["resources"] = resources.build_resources(workload.resources)
    if isinstance(workload, application.Service | application.Store):
        container |= probes.build_probes(workload.health, network.get_main_port(workload))
    if isinstance(workload, application.Service) and accepts_requests(workload) and workload.pre_stop_delay:
        container["lifecycle"] = availability.build_pre_stop_sleep(workload.pre_stop_delay)
    return container | {"securityContext": _build_security_context(workload, workload), "volumeMounts": mounts}


def build_sidecar(
    workload: application.AnyWorkload,
    container_spec: application.ExtraContainer,
    container_inputs: inputs.ContainerInputs,
    mounts: list[dict[str, Any]],
) -> dict[str, Any]:
    """A container that starts before the main one, and stops after it.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    container = _build_common_fields(container_spec, container_spec.name, container_inputs)
    container["restartPolicy"] = "Always"
    port = None
    if container_spec.port is not None:
        container["ports"] = [{"containerPort": container_spec.port, "protocol": "TCP"}]
        # Probes use its number: the port names are those of the main container, for its Service.
        port = application.Port("", port=container_spec.port)
    container["resources"] = resources.build_resources(container_spec.resources)
    if container_spec.health is not None or port is not None:
        container |= probes.build_probes(container_spec.health or application.Health(), port)
    return container | {"securityContext": _build_security_context(workload, container_spec), "volumeMounts": mounts}


def build_init_container(
    workload: application.AnyWorkload,
    container_spec: application.ExtraContainer,
    container_inputs: inputs.ContainerInputs,
    mounts: list[dict[str, Any]],
) -> dict[str, Any]:
    """A container that must succeed before the main one starts."""
    return _build_common_fields(container_spec, container_spec.name, container_inputs) | {
        "resources": resources.build_resources(container_spec.resources),
        "securityContext": _build_security_context(workload, container_spec),
        "volumeMounts": mounts,
    }


def _build_common_fields(
    container_spec: application.ContainerSpec, name: str, container_inputs: inputs.ContainerInputs
) -> dict[str, Any]:
    """The fields that every container begins with."""
    container: dict[str, Any] = {
        "name": name,
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
    env = secrets.build_env(container_spec.secrets, container_inputs.secret)
    env += [{"name": key, "value": text} for key, text in sorted(container_inputs.env.items())]
    if env:
        container["env"] = env
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
