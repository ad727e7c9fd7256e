"""What starts before what: stores, then the jobs before a rollout, then services, then the jobs after it.

Each waits for the wave before it. What waits for somebody who waits himself, need not say more.
"""

from collections.abc import Iterable
from typing import Any

from seaway.compose.exporter import container
from seaway.compose.importer import convert as back
from seaway.model import application
from seaway.model.validate import jobs

DONE = {"condition": "service_completed_successfully"}


def convert(out: container.Out) -> None:
    """Write `depends_on` into the services."""
    app = out.app
    first = [one.name for one in app.jobs if jobs.released(one) and one.run == "before-rollout"]
    stores = [one.name for one in app.stores]
    _after(out, first, stores)
    _after(out, [one.name for one in app.jobs if not jobs.released(one)], stores)
    _after(out, [one.name for one in app.services], first or stores)
    for one in app.services:
        _after(out, [one.name], one.after)
    last = [one.name for one in app.jobs if jobs.released(one) and one.run == "after-rollout"]
    _after(out, last, [one.name for one in app.services] or first or stores)
    for one in (*app.stores, *app.services, *app.jobs):
        _beside(out, one)


def sorted_(out: container.Out) -> list[str]:
    """The services in the order in which they start, what is beside one behind it.

    So a store comes before who else mounts its disk, and an import takes the first for the owner.
    """
    kinds: dict[str, int] = {one.name: 0 for one in out.app.stores} | {one.name: 2 for one in out.app.services}
    for one in out.app.jobs:
        kinds[one.name] = 4 if not jobs.released(one) else 1 if one.run == "before-rollout" else 3
    return sorted(out.services, key=lambda name: kinds[out.companions.get(name, name)])


def _after(out: container.Out, those: Iterable[str], others: Iterable[str]) -> None:
    listed, done = list(others), {one.name for one in out.app.jobs}
    for name in those:
        waits: dict[str, Any] = out.services[name].setdefault("depends_on", {})
        waits |= {other: _condition(out.services[other], job=other in done) for other in listed}


def _condition(service: dict[str, Any], *, job: bool) -> dict[str, str]:
    if job:
        return DONE
    return {"condition": "service_healthy" if service.get("healthcheck") else "service_started"}


def _beside(out: container.Out, each: application.Service | application.Store | application.Job) -> None:
    """What runs first, runs one after the other; the first of them waits for what the service waits for."""
    own = [name for name, owner in out.companions.items() if owner == each.name]
    given = [name for name in own if back.EXTENSION in out.services[name]]
    beside = [name for name in own if out.services[name].get("network_mode") == f"service:{each.name}"]
    init = [name for name in own if name not in (*given, *beside)]
    for name in beside if given else ():
        out.services[name]["depends_on"] = dict.fromkeys(given, DONE)
    waits = {**out.services[each.name].get("depends_on", {}), **dict.fromkeys(given, DONE)}
    for name in (*init, each.name):
        out.services[name]["depends_on"] = waits or None
        waits = {name: DONE}
