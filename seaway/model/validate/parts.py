"""The workloads and the containers of an application, each with its part of the application's file."""

from collections.abc import Iterator

from seaway.model import application
from seaway.syntax import diagnosis

KINDS = ("services", "stores", "jobs")


def list_workloads(
    app: application.Application, locations: diagnosis.SourceLocations
) -> Iterator[tuple[application.AnyWorkload, diagnosis.Part]]:
    """All services, stores and jobs."""
    for path, workload in app.get_workloads().items():
        yield workload, locations.at(path)


def list_containers(
    app: application.Application, locations: diagnosis.SourceLocations
) -> Iterator[tuple[application.ContainerSpec, diagnosis.Part]]:
    """All containers of all pods."""
    for path, container_spec in app.get_containers().items():
        yield container_spec, locations.at(path)


def has_undecoded_workload(
    locations: diagnosis.SourceLocations, name: str, *kinds: str, keys: tuple[str, ...] = ()
) -> bool:
    """Whether a workload of these kinds, or one of these keys of it, was written but could not be decoded."""
    paths = [f"{kind}.{name}" for kind in kinds]
    return locations.has_undecoded(*kinds, *paths, *(f"{path}.{key}" for path in paths for key in keys))
