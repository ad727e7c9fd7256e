"""The names of resources in the state: those of a further application begin with its name, and two may be equal then.

Pulumi would report a duplicate URN when it has registered the resources of the first application.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from seaway.explain import origin
from seaway.manifests import preview
from seaway.model import secrets
from seaway.project import environments
from seaway.syntax import diagnosis

from . import stack_config

_Names = Mapping[tuple[str, str], str]
"""The path of what a resource belongs to, by kind and logical name."""


def find_duplicates(stack_inputs: stack_config.StackInputs) -> Iterator[diagnosis.Diagnostic]:
    """The parts of an application whose resources have the logical name of one of another application of the stack."""
    environment = stack_inputs.environment
    beginnings = {environment.add_prefix(""), f"{environment.namespace}-", *list_beginnings(environment)}
    for application in stack_inputs.other_applications:
        prefix = environments.add_prefix("", application or None)
        if any(beginning.startswith(prefix) for beginning in beginnings):
            # Its own component reports the errors of the other application.
            with contextlib.suppress(diagnosis.InvalidInput):
                yield from _compare(environment, stack_config.read_inputs(Path.cwd(), application).environment)


def list_beginnings(environment: environments.Environment) -> set[str]:
    """The beginnings of all logical names of an application."""
    workloads = environment.app.get_workloads().values()
    names = {workload.name for workload in workloads} | {*secrets.list_managed_names(environment.app)}
    names |= {alias for workload in (*environment.app.services, *environment.app.stores) for alias in workload.aliases}
    return {f"{environment.add_prefix(name)}-" for name in names}


def _compare(environment: environments.Environment, other: environments.Environment) -> Iterator[diagnosis.Diagnostic]:
    own, names = _list_names(environment), _list_names(other)
    duplicates = {own[key]: (names[key], key[1]) for key in own.keys() & names.keys()}
    for path, (other_path, name) in sorted(duplicates.items()):
        place = _find_location(other, other_path)
        message = f"has the same name in the state as {other_path} of application {other.base.name} ({place}): {name}"
        hint = "rename one of the two, or the application: the names of a further application begin with its own"
        yield diagnosis.Diagnostic(_find_location(environment, path), path, message, hint, "duplicate-name")


def _list_names(environment: environments.Environment) -> _Names:
    workloads = {workload.name: path for path, workload in environment.app.get_workloads().items()}
    names: dict[tuple[str, str], str] = {("Namespace", environment.namespace): "name"}
    names |= {("Workload", environment.add_prefix(name)): path for name, path in workloads.items()}
    for release_object in preview.render_objects(environment):
        if release_object.owner is not None:
            key = (release_object.kind, environment.add_prefix(release_object.name))
            names[key] = workloads[release_object.owner]
    for path, workload in environment.app.get_workloads().items():
        for secret in workload.secrets:
            key = ("GeneratedSecret", environment.add_prefix(secret.name))
            names.setdefault(key, f"{path}.secrets.{secret.name}")
    return names


def _find_location(environment: environments.Environment, path: str) -> diagnosis.SourceLocation:
    places = origin.find_locations(environment.node, path)
    return places[0] if places else diagnosis.SourceLocation(environment.settings.app)
