"""Every container of an application, one way: services, stores and jobs, and the companions in their pods."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from seaway.model import application

WorkloadT = TypeVar("WorkloadT", application.Service, application.Store, application.Job)
Change = Callable[[str, application.ContainerSpec], Mapping[str, Any]]
"""From a container and its path (`services.web`, `services.web.sidecars.proxy`) to the fields that become others."""


def replace_fields(app: application.Application, change: Change) -> application.Application:
    """The application with these fields of each of its containers."""
    return dataclasses.replace(
        app,
        services=tuple(_replace_workload_fields(f"services.{one.name}", one, change) for one in app.services),
        stores=tuple(_replace_workload_fields(f"stores.{one.name}", one, change) for one in app.stores),
        jobs=tuple(_replace_workload_fields(f"jobs.{one.name}", one, change) for one in app.jobs),
    )


def _replace_workload_fields(path: str, workload: WorkloadT, change: Change) -> WorkloadT:
    return dataclasses.replace(
        workload,
        init=tuple(dataclasses.replace(each, **change(f"{path}.init.{each.name}", each)) for each in workload.init),
        sidecars=tuple(
            dataclasses.replace(each, **change(f"{path}.sidecars.{each.name}", each)) for each in workload.sidecars
        ),
        **change(path, workload),
    )
