"""The pod template: who it is, what it may do, where it runs; its containers are container.py's."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from seaway.manifests import availability, container, names, network, placement, volumes
from seaway.model import application
from seaway.syntax.field_help import Doc, Why

SERVICE_LINKS: Annotated[
    bool,
    Doc("variables for every Service of the namespace"),
    Why("they would collide with those of the links: API_PORT=tcp://10.0.0.7:80"),
] = False

GROUP_CHANGE: Annotated[
    str,
    Doc("when the files of a volume are given to the group"),
    Why("a large volume that is the group's already is not walked at each start"),
] = "OnRootMismatch"

AGAIN: Annotated[
    str,
    Doc("what comes after a failed try of a job"),
    Why("a new pod: the old one and its log stay readable"),
] = "Never"

UNPRIVILEGED_PORTS = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets a user that is not root listen below 1024, as Docker does; a safe sysctl, allowed under `restricted`."""


def template(  # noqa: PLR0917 - the last two are for few
    scope: names.Scope,
    each: application.Container,
    name: str,
    parts: Mapping[str, container.Parts],
    groups: Sequence[int] = (),
    sharers: Sequence[str] = (),
) -> dict[str, Any]:
    """The pods of a service, a store or a job. ``parts`` by container; the main one is called as the pod.

    ``groups``: those that the files of shared disks belong to; ``sharers``: who else mounts its own.
    """
    found, mounts = volumes.volumes(
        each, name, {called: one.config_map for called, one in parts.items()}, parts[name].secret
    )
    spec: dict[str, Any] = {
        "serviceAccountName": name,
        "automountServiceAccountToken": bool(each.kubernetes_api),
        "enableServiceLinks": SERVICE_LINKS,
        "securityContext": _security(each, groups),
        "terminationGracePeriodSeconds": _grace(each),
        **placement.placement(each),
        **placement.beside(scope, each, name, sharers),
    }
    if isinstance(each, application.Service) and not each.each_node:
        spec["topologySpreadConstraints"] = availability.spread(scope, each)
    if isinstance(each, application.Job):
        spec["restartPolicy"] = AGAIN
    # Kubernetes starts them in this order, each sidecar as soon as the one before is up: so an init may use them.
    first = [container.sidecar(each, one, parts[one.name], mounts[one.name]) for one in each.sidecars]
    first += [container.init(each, one, parts[one.name], mounts[one.name]) for one in each.init]
    if first:
        spec["initContainers"] = first
    spec |= {"containers": [container.container(each, name, parts[name], mounts[name])], "volumes": found}
    return {"metadata": {"labels": names.labels(scope, name)}, "spec": spec}


def _grace(each: application.Container) -> int:
    match each:
        case application.Service():
            return each.grace + (each.drain if container.drains(each) else 0)
        case application.Store():
            return each.grace
        case _:
            return availability.JOB_GRACE


def _security(each: application.Container, groups: Sequence[int]) -> dict[str, Any]:
    own_group = each.user or names.GROUP
    own = {} if each.user is None else {"runAsUser": each.user, "runAsGroup": each.user}
    context: dict[str, Any] = own | {
        # Whoever the image's user is, he is in this group, and so may write to the volumes.
        # The group of a shared disk is its store's: two that each give it to their own would undo each other.
        "fsGroup": groups[0] if groups and not isinstance(each, application.Store) else own_group,
        "fsGroupChangePolicy": GROUP_CHANGE,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if groups:
        context["supplementalGroups"] = sorted({own_group, *groups})
    if each.security == "restricted":
        context["runAsNonRoot"] = True
    if _needs_low_port(each):
        context["sysctls"] = [dict(UNPRIVILEGED_PORTS)]
    return context


def _needs_low_port(each: application.Container) -> bool:
    found = [one.port for one in network.ports(each)] + [one.port for one in each.sidecars if one.port is not None]
    return any(port < 1024 for port in found)
