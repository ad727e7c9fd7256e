"""What starts before what: stores, then the jobs before a rollout, then services, then the jobs after it.

Each waits for the wave before it. What waits for somebody who waits himself, need not say more.
"""

from collections.abc import Iterable
from typing import Any

from seaway.compose.exporter import container
from seaway.compose.importer import convert as back
from seaway.model import application

COMPLETED = {"condition": "service_completed_successfully"}


def convert(export: container.Export) -> None:
    """Write `depends_on` into the services."""
    app = export.app
    first = [one.name for one in app.jobs if one.is_release_job() and one.run == "before-rollout"]
    stores = [one.name for one in app.stores]
    _add_dependencies(export, first, stores)
    _add_dependencies(export, [one.name for one in app.jobs if not one.is_release_job()], stores)
    _add_dependencies(export, [one.name for one in app.services], first or stores)
    for one in app.services:
        _add_dependencies(export, [one.name], one.depends_on)
    last = [one.name for one in app.jobs if one.is_release_job() and one.run == "after-rollout"]
    _add_dependencies(export, last, [one.name for one in app.services] or first or stores)
    for one in (*app.stores, *app.services, *app.jobs):
        _order_extra_containers(export, one)


def sort_services(export: container.Export) -> list[str]:
    """The services in the order in which they start, what is beside one behind it.

    So a store comes before who else mounts its disk, and an import takes the first for the owner.
    """
    kinds: dict[str, int] = {one.name: 0 for one in export.app.stores} | {one.name: 2 for one in export.app.services}
    for one in export.app.jobs:
        kinds[one.name] = 4 if not one.is_release_job() else 1 if one.run == "before-rollout" else 3
    return sorted(export.services, key=lambda name: kinds[export.owners.get(name, name)])


def _add_dependencies(export: container.Export, names: Iterable[str], dependencies: Iterable[str]) -> None:
    listed, done = list(dependencies), {one.name for one in export.app.jobs}
    for name in names:
        waits: dict[str, Any] = export.services[name].setdefault("depends_on", {})
        waits |= {other: _choose_condition(export.services[other], job=other in done) for other in listed}


def _choose_condition(service: dict[str, Any], *, job: bool) -> dict[str, str]:
    if job:
        return COMPLETED
    return {"condition": "service_healthy" if service.get("healthcheck") else "service_started"}


def _order_extra_containers(
    export: container.Export, workload: application.Service | application.Store | application.Job
) -> None:
    """What runs first, runs one after the other; the first of them waits for what the service waits for."""
    own = [name for name, owner in export.owners.items() if owner == workload.name]
    given = [name for name in own if back.EXTENSION in export.services[name]]
    beside = [name for name in own if export.services[name].get("network_mode") == f"service:{workload.name}"]
    init = [name for name in own if name not in (*given, *beside)]
    for name in beside if given else ():
        export.services[name]["depends_on"] = dict.fromkeys(given, COMPLETED)
    waits = {**export.services[workload.name].get("depends_on", {}), **dict.fromkeys(given, COMPLETED)}
    for name in (*init, workload.name):
        export.services[name]["depends_on"] = waits or None
        waits = {name: COMPLETED}
