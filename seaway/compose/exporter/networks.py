"""Exports calls as networks: a service and its callers share one. A network without egress is internal."""

from collections.abc import Collection, Mapping
from typing import Any

from seaway.compose.exporter import container
from seaway.model import application

MAX_NETWORKS = 20
"""Docker has addresses for about 30 networks. https://docs.docker.com/engine/network/#subnet-allocation"""

OUTSIDE = "outside"
"""The network with egress for services that otherwise have internal networks only."""

Groups = Mapping[str, frozenset[str]]
"""Members by network."""


def assign_networks(
    app: application.Application, published: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, Any], set[str]]:
    """Networks by workload, their definitions, and the workloads without calls, callers and egress.

    A workload without networks has Docker's `default`.
    ``published``: workloads with a host port, which an internal network would not open.
    """
    workloads = {workload.name: workload for workload in app.get_workloads().values()}
    closed = {name for name, workload in workloads.items() if not workload.egress and name not in published}
    groups = _group_by_shared_calls(workloads) or _group_by_callee(workloads)
    if len(groups) == 1 and not closed and next(iter(groups.values())) == workloads.keys():
        return {}, {}, set()
    internal = {network for network, members in groups.items() if members & closed}
    assigned: dict[str, list[str]] = {}
    for name in workloads:
        networks = [network for network, members in groups.items() if name in members]
        if networks and name not in closed and internal.issuperset(networks):
            networks.append(container.find_free_name(OUTSIDE, groups))
        if networks:
            assigned[name] = networks
    names = sorted({network for networks in assigned.values() for network in networks})
    definitions = {name: {"internal": True} if name in internal else None for name in names}
    return assigned, definitions, closed - assigned.keys()


def _group_by_callee(workloads: Mapping[str, application.AnyWorkload]) -> Groups:
    """One network per called workload, with its callers. A network within a bigger one is omitted."""
    groups = {
        name: frozenset({name, *(caller.name for caller in workloads.values() if name in caller.calls)})
        for name in workloads
    }
    largest: dict[str, frozenset[str]] = {}
    for name, members in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        if len(members) > 1 and not any(members <= other for other in largest.values()):
            largest[name] = members
    return largest


def _group_by_shared_calls(workloads: Mapping[str, application.AnyWorkload]) -> Groups:
    """The networks from which an import made the calls: all members of one call each other.

    Empty if the calls are not imported (an import sets no link variables), or if there are too many networks.
    """
    callers = [workload for workload in workloads.values() if workload.calls]
    if any(caller.link_variables for caller in callers):
        return {}
    pairs = sorted({(*sorted((caller.name, callee)),) for caller in callers for callee in caller.calls})
    neighbours: dict[str, set[str]] = {name: set() for name in workloads}
    for name, other in pairs:
        neighbours[name].add(other)
        neighbours[other].add(name)
    covers: list[set[str]] = []
    for pair in pairs:
        if not any(cover.issuperset(pair) for cover in covers):
            cover = set(pair)
            for name in sorted(neighbours):
                if cover <= neighbours[name]:
                    cover.add(name)
            covers.append(cover)
    if len(covers) > MAX_NETWORKS:
        return {}
    groups: dict[str, frozenset[str]] = {}
    for members in sorted(map(sorted, covers)):
        groups[container.find_free_name("-".join(members[:2]), groups)] = frozenset(members)
    return groups
