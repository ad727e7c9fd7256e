"""Every container of an application, one way: services, stores and jobs, and the companions in their pods."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from seaway.model import application

W = TypeVar("W", application.Service, application.Store, application.Job)
Change = Callable[[str, application.Process], Mapping[str, Any]]
"""From a container and its path (`services.web`, `services.web.sidecars.proxy`) to the fields that become others."""


def changed(app: application.Application, change: Change) -> application.Application:
    """The application with these fields of each of its containers."""
    return dataclasses.replace(
        app,
        services=tuple(_changed(f"services.{one.name}", one, change) for one in app.services),
        stores=tuple(_changed(f"stores.{one.name}", one, change) for one in app.stores),
        jobs=tuple(_changed(f"jobs.{one.name}", one, change) for one in app.jobs),
    )


def _changed(path: str, one: W, change: Change) -> W:
    return dataclasses.replace(
        one,
        init=tuple(dataclasses.replace(each, **change(f"{path}.init.{each.name}", each)) for each in one.init),
        sidecars=tuple(
            dataclasses.replace(each, **change(f"{path}.sidecars.{each.name}", each)) for each in one.sidecars
        ),
        **change(path, one),
    )
