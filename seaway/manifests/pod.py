"""The pod template: who it is, what it may do, where it runs; its containers are container.py's."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from seaway.manifests import availability, container, names, network, placement, volumes
from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

ENABLE_SERVICE_LINKS: Annotated[
    bool,
    Help("variables for every Service of the namespace"),
    Rationale("they would collide with those of the links: API_PORT=tcp://10.0.0.7:80"),
] = False

FS_GROUP_CHANGE_POLICY: Annotated[
    str,
    Help("when the files of a volume are given to the group"),
    Rationale("a large volume that is the group's already is not walked at each start"),
] = "OnRootMismatch"

JOB_RESTART_POLICY: Annotated[
    str,
    Help("what comes after a failed try of a job"),
    Rationale("a new pod: the old one and its log stay readable"),
] = "Never"

UNPRIVILEGED_PORTS_SYSCTL = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets a user that is not root listen below 1024, as Docker does; a safe sysctl, allowed under `restricted`."""


def build_pod_template(  # noqa: PLR0917 - the last two are for few
    scope: names.Scope,
    workload: application.WorkloadSpec,
    name: str,
    container_inputs: Mapping[str, container.ContainerInputs],
    groups: Sequence[int] = (),
    sharers: Sequence[str] = (),
) -> dict[str, Any]:
    """The pods of a service, a store or a job. ``parts`` by container; the main one is called as the pod.

    ``groups``: those that the files of shared disks belong to; ``sharers``: who else mounts its own.
    """
    found, mounts = volumes.build_volumes(
        workload,
        name,
        {called: one.config_map for called, one in container_inputs.items()},
        container_inputs[name].secret,
    )
    spec: dict[str, Any] = {
        "serviceAccountName": name,
        "automountServiceAccountToken": bool(workload.kubernetes_api),
        "enableServiceLinks": ENABLE_SERVICE_LINKS,
        "securityContext": _build_security_context(workload, groups),
        "terminationGracePeriodSeconds": _compute_grace_period(workload),
        **placement.build_placement(workload),
        **placement.build_pod_affinity(scope, workload, name, sharers),
    }
    if isinstance(workload, application.Service) and not workload.daemon_set:
        spec["topologySpreadConstraints"] = availability.build_topology_spread(scope, workload)
    if isinstance(workload, application.Job):
        spec["restartPolicy"] = JOB_RESTART_POLICY
    # Kubernetes starts them in this order, each sidecar as soon as the one before is up: so an init may use them.
    first = [
        container.build_sidecar(workload, one, container_inputs[one.name], mounts[one.name])
        for one in workload.sidecars
    ]
    first += [
        container.build_init_container(workload, one, container_inputs[one.name], mounts[one.name])
        for one in workload.init
    ]
    if first:
        spec["initContainers"] = first
    spec |= {
        "containers": [container.build_container(workload, name, container_inputs[name], mounts[name])],
        "volumes": found,
    }
    return {"metadata": {"labels": names.build_labels(scope, name)}, "spec": spec}


def _compute_grace_period(workload: application.WorkloadSpec) -> int:
    match workload:
        case application.Service():
            return workload.stop_grace_period + (workload.pre_stop_delay if container.accepts_requests(workload) else 0)
        case application.Store():
            return workload.stop_grace_period
        case _:
            return availability.JOB_GRACE_SECONDS


def _build_security_context(workload: application.WorkloadSpec, groups: Sequence[int]) -> dict[str, Any]:
    own_group = workload.user or names.DEFAULT_GROUP_ID
    own = {} if workload.user is None else {"runAsUser": workload.user, "runAsGroup": workload.user}
    context: dict[str, Any] = own | {
        # Whoever the image's user is, he is in this group, and so may write to the volumes.
        # The group of a shared disk is its store's: two that each give it to their own would undo each other.
        "fsGroup": groups[0] if groups and not isinstance(workload, application.Store) else own_group,
        "fsGroupChangePolicy": FS_GROUP_CHANGE_POLICY,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if groups:
        context["supplementalGroups"] = sorted({own_group, *groups})
    if workload.security == "restricted":
        context["runAsNonRoot"] = True
    if _listens_on_low_port(workload):
        context["sysctls"] = [dict(UNPRIVILEGED_PORTS_SYSCTL)]
    return context


def _listens_on_low_port(workload: application.WorkloadSpec) -> bool:
    found = [one.port for one in network.list_ports(workload)] + [
        one.port for one in workload.sidecars if one.port is not None
    ]
    return any(port < 1024 for port in found)
