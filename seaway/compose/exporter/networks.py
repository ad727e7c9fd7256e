"""Who may call whom, as networks: a service and its callers share one. Closed egress is a network without a way out."""

from collections.abc import Collection, Mapping
from typing import Any

from seaway.compose.exporter import container
from seaway.model import application

MAX_NETWORKS = 20
"""Docker has addresses for about 30 networks. https://docs.docker.com/engine/network/#subnet-allocation"""

OUTSIDE = "outside"
"""The network of those that share only closed ones, and reach the internet all the same."""


def assign_networks(
    app: application.Application, host_ports: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """By name of a service, store or job its networks, and the networks. One without any has Docker's own `default`.

    ``published``: those with a port on the host, which a closed network would not open.
    """
    workloads = {one.name: one for one in app.get_workloads().values()}
    closed = {name for name, one in workloads.items() if not one.egress and name not in host_ports}
    kept = _group_by_shared_calls(workloads) or _group_by_callee(workloads)
    if len(kept) == 1 and not closed and next(iter(kept.values())) == workloads.keys():
        return {}, {}
    inner = {name for name, members in kept.items() if members & closed}
    found: dict[str, list[str]] = {}
    for name in workloads:
        own = [network for network, members in kept.items() if name in members]
        if own and name not in closed and inner.issuperset(own):
            own.append(OUTSIDE if OUTSIDE not in kept else f"{OUTSIDE}-2")
        if own:
            found[name] = own
    listed = sorted({network for own in found.values() for network in own})
    return found, {name: {"internal": True} if name in inner else None for name in listed}


def find_isolated(
    app: application.Application, networks: Mapping[str, list[str]], host_ports: Collection[str]
) -> set[str]:
    """Those that call nobody, are called by nobody and reach nothing outside."""
    return {
        one.name
        for one in app.get_workloads().values()
        if not one.egress and one.name not in networks and one.name not in host_ports
    }


def _group_by_callee(workloads: Mapping[str, application.AnyWorkload]) -> dict[str, frozenset[str]]:
    """What is called and its callers, each by its name. Who shares a bigger one needs no smaller one."""
    groups = {
        name: frozenset({name, *(one.name for one in workloads.values() if name in one.calls)}) for name in workloads
    }
    found: dict[str, frozenset[str]] = {}
    for name, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(members) > 1 and not any(members <= other for other in found.values()):
            found[name] = members
    return found


def _group_by_shared_calls(workloads: Mapping[str, application.AnyWorkload]) -> dict[str, frozenset[str]]:
    """The networks that an import was made of: all in one call each other. Nothing, where the calls are not an
    import's, which gives no variables, or where there are too many."""
    callers = [one for one in workloads.values() if one.calls]
    if any(one.link_variables for one in callers):
        return {}
    near: dict[str, set[str]] = {name: set() for name in workloads}
    for one in callers:
        for other in one.calls:
            near[one.name].add(other)
            near[other].add(one.name)
    found: list[list[str]] = []

    def grow(members: list[str], able: set[str], done: set[str]) -> None:
        """https://en.wikipedia.org/wiki/Bron-Kerbosch_algorithm"""
        if not able and not done and len(members) > 1:
            found.append(sorted(members))
        pivot = near[max(sorted(able | done), key=lambda name: len(near[name] & able))] if able else set[str]()
        for name in sorted(able - pivot):
            if len(found) > MAX_NETWORKS:
                return
            grow([*members, name], able & near[name], done & near[name])
            able = able - {name}
            done = done | {name}

    grow([], set(workloads), set())
    if len(found) > MAX_NETWORKS:
        return {}
    named: dict[str, frozenset[str]] = {}
    for members in sorted(found):
        named[container.find_free_name("-".join(members[:2]), named)] = frozenset(members)
    return named
