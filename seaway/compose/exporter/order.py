"""Exports the start order. Each phase of a rollout waits for the one before it."""

from collections.abc import Iterable
from typing import Any

from seaway.compose.exporter import container
from seaway.compose.importer import convert as importer
from seaway.model import application, rollout_order

COMPLETED = {"condition": "service_completed_successfully"}


def convert(export: container.Export) -> None:
    """Set `depends_on` in all services."""
    app = export.app
    positions = rollout_order.plan_positions(app)
    manual_jobs = [job.name for job in app.jobs if not job.is_release_job()]
    previous: list[str] = []
    for phase in rollout_order.Phase:
        names = [name for name, position in positions.items() if position.phase == phase and name not in manual_jobs]
        _add_dependencies(export, names, previous)
        if phase is rollout_order.Phase.store:
            _add_dependencies(export, manual_jobs, names)
        previous = names or previous
    workloads = [workload for workload in app.get_workloads().values() if workload.name in export.services]
    for workload in workloads:
        _add_dependencies(export, [workload.name], workload.depends_on)
    for workload in workloads:
        _order_extra_containers(export, workload)


def sort_services(export: container.Export) -> list[str]:
    """The services in start order, each followed by its additional services.

    A store precedes other services with its disk: an import makes the first service the owner.
    """
    phases = {store.name: 0 for store in export.app.stores} | {service.name: 2 for service in export.app.services}
    for job in export.app.jobs:
        phases[job.name] = 4 if not job.is_release_job() else 1 if job.run == "before-rollout" else 3
    return sorted(export.services, key=lambda name: phases[export.owners.get(name, name)])


def _add_dependencies(export: container.Export, names: Iterable[str], dependencies: Iterable[str]) -> None:
    jobs = {job.name for job in export.app.jobs}
    dependencies = [other for other in dependencies if other in export.services]
    for name in names:
        depends_on: dict[str, Any] = export.services[name].setdefault("depends_on", {})
        for other in dependencies:
            condition = "service_healthy" if export.services[other].get("healthcheck") else "service_started"
            depends_on[other] = COMPLETED if other in jobs else {"condition": condition}


def _order_extra_containers(export: container.Export, workload: application.AnyWorkload) -> None:
    """Init containers run one after the other; the first has the dependencies of the workload."""
    extra = [name for name, owner in export.owners.items() if owner == workload.name]
    generated = [name for name in extra if importer.EXTENSION in export.services[name]]
    sidecars = [name for name in extra if export.services[name].get("network_mode") == f"service:{workload.name}"]
    init = [name for name in extra if name not in (*generated, *sidecars)]
    volumes_ready = dict.fromkeys(generated, COMPLETED)
    for name in sidecars if generated else ():
        export.services[name]["depends_on"] = volumes_ready
    depends_on = {**export.services[workload.name].get("depends_on", {}), **volumes_ready}
    for name in (*init, workload.name):
        export.services[name]["depends_on"] = depends_on or None
        depends_on = {name: COMPLETED}
