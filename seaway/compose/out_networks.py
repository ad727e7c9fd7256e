"""Who may call whom, as networks: a service and its callers share one. Closed egress is a network without a way out."""

from collections.abc import Collection, Mapping
from typing import Any

from seaway.model import application, rules

OUTSIDE = "outside"
"""The network of those that share only closed ones, and reach the internet all the same."""


def networks(app: application.Application, published: Collection[str]) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """By name of a service, store or job its networks, and the networks. One without any has Docker's own `default`.

    ``published``: those with a port on the host, which a closed network would not open.
    """
    workloads = {one.name: one for one in rules.workloads(app).values()}
    closed = {name for name, one in workloads.items() if not one.egress and name not in published}
    groups: dict[str, frozenset[str]] = {}
    for name in workloads:
        members = frozenset({name, *(one.name for one in workloads.values() if name in one.calls)})
        if len(members) > 1:
            groups[name] = members
    # Who shares a bigger one needs no smaller one; of two that are the same, the first stays.
    order = list(groups)
    kept = {
        name: members
        for number, (name, members) in enumerate(groups.items())
        if not any(members < other or (members == other and order.index(key) < number) for key, other in groups.items())
    }
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


def alone(app: application.Application, found: Mapping[str, list[str]], published: Collection[str]) -> set[str]:
    """Those that call nobody, are called by nobody and reach nothing outside."""
    return {
        one.name
        for one in rules.workloads(app).values()
        if not one.egress and one.name not in found and one.name not in published
    }
