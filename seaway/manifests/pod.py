"""The pod template: identity, permissions, placement, volumes and containers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from seaway.manifests import availability, container, inputs, names, network, placement, volumes
from seaway.model import application
from seaway.model import volumes as model_volumes
from seaway.project import environments
from seaway.syntax.field_help import Help, Rationale

ENABLE_SERVICE_LINKS: Annotated[
    bool,
    Help("environment variables for every Service of the namespace"),
    Rationale("they would collide with the variables of `calls`: API_PORT=tcp://10.0.0.7:80"),
] = False

FS_GROUP_CHANGE_POLICY: Annotated[
    str,
    Help("when the files of a volume are assigned to the group"),
    Rationale("a large volume that already belongs to the group is not walked at each start"),
] = "OnRootMismatch"

JOB_RESTART_POLICY: Annotated[
    str,
    Help("restart policy of a job's pod"),
    Rationale("a retry creates a new pod: the failed one and its log stay available"),
] = "Never"

UNPRIVILEGED_PORTS_SYSCTL = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets a user other than root listen below 1024, as Docker does. A safe sysctl, allowed under `restricted`."""


def build_pod_template(
    environment: environments.Environment,
    workload: application.AnyWorkload,
    container_inputs: Mapping[str, inputs.ContainerInputs],
) -> dict[str, Any]:
    """The pods of a workload. ``container_inputs`` by container; the main one has the name of the workload."""
    pod_volumes, mounts = volumes.build_volumes(workload, container_inputs)
    spec: dict[str, Any] = {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": bool(workload.kubernetes_api),
        "enableServiceLinks": ENABLE_SERVICE_LINKS,
        "securityContext": _build_security_context(environment, workload),
        "terminationGracePeriodSeconds": _compute_grace_period(workload),
        **placement.build_placement(workload),
        **placement.build_pod_affinity(environment, workload),
    }
    if isinstance(workload, application.Service) and not workload.daemon_set:
        spec["topologySpreadConstraints"] = availability.build_topology_spread(environment, workload)
    if isinstance(workload, application.Job):
        spec["restartPolicy"] = JOB_RESTART_POLICY
    containers = {
        container_spec.name: container.build_container(
            workload, container_spec, container_inputs[container_spec.name], mounts[container_spec.name]
        )
        for container_spec in workload.list_containers()
    }
    main = containers.pop(workload.name)
    # Kubernetes starts them in this order and waits for each sidecar: so an init container may use the sidecars.
    if containers:
        spec["initContainers"] = list(containers.values())
    spec["containers"] = [main]
    spec["volumes"] = pod_volumes
    return {"metadata": {"labels": names.build_labels(environment, workload.name)}, "spec": spec}


def _compute_grace_period(workload: application.AnyWorkload) -> int:
    match workload:
        case application.Service():
            return workload.stop_grace_period + (workload.pre_stop_delay if container.accepts_requests(workload) else 0)
        case application.Store():
            return workload.stop_grace_period
        case _:
            return availability.JOB_GRACE_SECONDS


def _build_security_context(environment: environments.Environment, workload: application.AnyWorkload) -> dict[str, Any]:
    own_group = workload.user or names.DEFAULT_GROUP_ID
    groups = _list_shared_groups(environment, workload)
    context: dict[str, Any] = {}
    if workload.user is not None:
        context = {"runAsUser": workload.user, "runAsGroup": workload.user}
    # Every user of the image is in this group, so it can write to the volumes. A shared volume keeps the group of its
    # store: two pods that each assign their own would undo each other.
    context["fsGroup"] = groups[0] if groups and not isinstance(workload, application.Store) else own_group
    context["fsGroupChangePolicy"] = FS_GROUP_CHANGE_POLICY
    context["seccompProfile"] = {"type": "RuntimeDefault"}
    if groups:
        context["supplementalGroups"] = sorted({own_group, *groups})
    if workload.security == "restricted":
        context["runAsNonRoot"] = True
    ports = [port for container_spec in workload.list_containers() for port in network.list_ports(container_spec)]
    if any(port.port < 1024 for port in ports):
        context["sysctls"] = [dict(UNPRIVILEGED_PORTS_SYSCTL)]
    return context


def _list_shared_groups(environment: environments.Environment, workload: application.AnyWorkload) -> Sequence[int]:
    """The groups of the files on the volumes that it shares with other stores."""
    return [
        model_volumes.find_group_id(environment.app, shared_volume) or names.DEFAULT_GROUP_ID
        for shared_volume in workload.shared_volumes
        if shared_volume.store != workload.name
    ]
