"""One container of a pod, closed by default. https://kubernetes.io/docs/concepts/security/pod-security-standards/"""

import dataclasses
from typing import Annotated, Any

from seaway.manifests import availability, network, probes, resources, secrets, volumes
from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

PULL_POLICY: Annotated[
    str,
    Help("when the image is pulled"),
    Rationale("what is built is referred to by digest: the node's copy is the same, and a restart needs no registry"),
] = "IfNotPresent"

TERMINATION_MESSAGE_POLICY: Annotated[
    str,
    Help("where the reason of an end is taken from"),
    Rationale(
        "the last words of a program that failed stand in the pod's status: a rollout tells them within a second"
    ),
] = "FallbackToLogsOnError"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerInputs:
    """What a container takes from outside its own description."""

    image: Any
    env: dict[str, str]
    config_map: str | None
    secret: str | None
    """That of the whole pod."""


def build_container(
    workload: application.WorkloadSpec, name: str, container_inputs: ContainerInputs, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    """The main container of a service, a store or a job."""
    made = _build_common_fields(workload, name, container_inputs)
    if ports := network.build_container_ports(workload):
        made["ports"] = ports
    made["resources"] = resources.build_resources(workload.resources)
    if isinstance(workload, application.Service | application.Store):
        main = next((one for one in network.list_ports(workload) if one.name == network.MAIN_PORT_NAME), None)
        made |= probes.build_probes(workload.health, main)
    if isinstance(workload, application.Service) and accepts_requests(workload) and workload.pre_stop_delay:
        made["lifecycle"] = availability.build_pre_stop_sleep(workload.pre_stop_delay)
    return made | {"securityContext": build_security_context(workload), "volumeMounts": mounts}


def build_sidecar(
    workload: application.WorkloadSpec,
    container_spec: application.ExtraContainer,
    container_inputs: ContainerInputs,
    mounts: list[dict[str, Any]],
) -> dict[str, Any]:
    """A container that starts before the main one, and is ended after it.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    made = _build_common_fields(container_spec, container_spec.name, container_inputs) | {"restartPolicy": "Always"}
    if container_spec.port is not None:
        made["ports"] = [{"containerPort": container_spec.port, "protocol": "TCP"}]
    made["resources"] = resources.build_resources(container_spec.resources)
    if container_spec.health is not None or container_spec.port is not None:
        # By number: names of ports are those of the main container, which the Service asks for.
        port = None if container_spec.port is None else application.Port("", port=container_spec.port)
        made |= probes.build_probes(container_spec.health or application.Health(), port)
    return made | {"securityContext": _build_extra_security_context(workload, container_spec), "volumeMounts": mounts}


def build_init_container(
    workload: application.WorkloadSpec,
    container_spec: application.ExtraContainer,
    container_inputs: ContainerInputs,
    mounts: list[dict[str, Any]],
) -> dict[str, Any]:
    """A container that must end well before the main one starts."""
    made = _build_common_fields(container_spec, container_spec.name, container_inputs) | {
        "resources": resources.build_resources(container_spec.resources)
    }
    return made | {"securityContext": _build_extra_security_context(workload, container_spec), "volumeMounts": mounts}


def _build_common_fields(
    container_spec: application.ContainerSpec, name: str, container_inputs: ContainerInputs
) -> dict[str, Any]:
    """What every container begins with."""
    made: dict[str, Any] = {
        "name": name,
        "image": container_inputs.image,
        "imagePullPolicy": PULL_POLICY,
        "terminationMessagePolicy": TERMINATION_MESSAGE_POLICY,
    }
    if container_spec.command:
        made["command"] = list(container_spec.command)
    if container_spec.args:
        made["args"] = list(container_spec.args)
    if container_spec.working_dir is not None:
        made["workingDir"] = container_spec.working_dir
    if env := _build_env(container_spec, container_inputs):
        made["env"] = env
    return made


def _build_extra_security_context(
    workload: application.WorkloadSpec, container_spec: application.ExtraContainer
) -> dict[str, Any]:
    """As closed as the main container; another image may have another user."""
    own = (
        {}
        if container_spec.user in (workload.user, None)
        else {"runAsUser": container_spec.user, "runAsGroup": container_spec.user}
    )
    return own | build_security_context(workload, container_spec)


def _build_env(container_spec: application.ContainerSpec, container_inputs: ContainerInputs) -> list[dict[str, Any]]:
    """Secrets first: a later value may then use one, as in ``postgres://user:$(PASSWORD)@db``.

    https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return secrets.build_env(container_spec.secrets, container_inputs.secret) + [
        {"name": key, "value": container_inputs.env[key]} for key in sorted(container_inputs.env)
    ]


def accepts_requests(workload: application.WorkloadSpec) -> bool:
    """Does it wait before its end, until nobody sends it requests?"""
    return isinstance(workload, application.Service) and bool(network.list_ports(workload))


def build_security_context(
    workload: application.WorkloadSpec, container_spec: application.ContainerSpec | None = None
) -> dict[str, Any]:
    """What the process may do; ``one``: that of a companion."""
    context: dict[str, Any] = {"readOnlyRootFilesystem": volumes.ROOT_PATH not in (container_spec or workload).writable}
    if workload.security == "restricted":
        context |= {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return context
