"""The differences between two environments, in the keys of app.yaml and of the stacks' files.

It compares all fields of the model, new ones too.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Self, cast

from seaway.manifests import preview
from seaway.model import application, settings
from seaway.project import environments, release
from seaway.syntax import decode

EXCLUDED_SETTINGS = frozenset({"stack", "overlay"})
"""Settings that are not compared: the name, and the overlay, which is merged into the application."""

HASH_DIGITS = 12
"""Hexadecimal digits of a file's hash."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentView:
    """What one environment deploys."""

    environment: environments.Environment
    image_contents: Mapping[str, str]
    """The tag of each built image, by name of its service, store or job."""

    @classmethod
    def create(cls, environment: environments.Environment) -> Self:
        """Read the build contexts: it needs no cluster, no Docker and no Pulumi."""
        contents = {name: image.content for name, image in preview.find_images(environment).items()}
        return cls(environment=environment, image_contents=contents)

    @property
    def release_id(self) -> str:
        """The id of its release."""
        return release.compute_id(self.environment.base, self.image_contents)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """A field that differs. None: not set."""

    section: str
    """``release``, ``services.web``, ``settings``."""
    field: str
    """``scale.min``; empty: the whole section."""
    left: Any
    right: Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All differences, and the number of equal fields."""

    rows: tuple[FieldDifference, ...]
    equal: int


def compare(left: EnvironmentView, right: EnvironmentView) -> Comparison:
    """Compare the release, then services, stores and jobs, then the settings."""
    before, after = _list_sections(left), _list_sections(right)
    rows: list[FieldDifference] = []
    equal = 0
    for section in dict.fromkeys([*before, *after]):
        if section not in before or section not in after:
            exists = {"left": section in before or None, "right": section in after or None}
            rows.append(FieldDifference(section=section, field="", **exists))
            continue
        old, new = before[section], after[section]
        for field in dict.fromkeys([*old, *new]):
            if old.get(field) == new.get(field):
                equal += 1
            else:
                rows.append(FieldDifference(section=section, field=field, left=old.get(field), right=new.get(field)))
    return Comparison(rows=tuple(rows), equal=equal)


def list_declared_fields(view: EnvironmentView) -> Iterator[FieldDifference]:
    """What an environment declares beyond the defaults, as differences from nothing."""
    for field, value in _list_release_facts(view):
        yield FieldDifference(section="release", field=field, left=None, right=value)
    for path, workload in view.environment.declared.get_workloads().items():
        defaults = dict(_list_fields(type(workload)(workload.name), without={"name"}))
        for field, value in _list_workload_fields(workload, view):
            if value is not None and value != defaults.get(field):
                yield FieldDifference(section=path, field=field, left=None, right=value)


def _list_sections(view: EnvironmentView) -> dict[str, dict[str, Any]]:
    sections = {"release": dict(_list_release_facts(view))}
    for path, workload in view.environment.app.get_workloads().items():
        sections[path] = dict(_list_workload_fields(workload, view))
    sections["settings"] = dict(_list_fields(view.environment.settings, without=EXCLUDED_SETTINGS))
    return sections


def _list_release_facts(view: EnvironmentView) -> Iterator[tuple[str, Any]]:
    lock, pinned = view.environment.lock, view.environment.release
    yield "id", view.release_id
    if pinned is None:
        yield "source", "the working tree"
    elif pinned.provenance.revision:
        uncommitted = ", with uncommitted changes" if pinned.provenance.dirty else ""
        yield "source", f"commit {pinned.provenance.revision}{uncommitted}"
    if lock.is_rollback:
        yield "rollback", "pinned by a rollback: the jobs of the release do not run"
    for held in lock.held:
        yield f"held.{held.release}", held.because
    if lock.fallback:
        yield f"failed.{lock.fallback.held}", f"{lock.fallback.release} runs instead: {lock.fallback.because}"


def _list_workload_fields(workload: application.AnyWorkload, view: EnvironmentView) -> Iterator[tuple[str, Any]]:
    uses = workload.uses if isinstance(workload, application.Job) else None
    # The tag of a built image covers all inputs of its build.
    contents = view.image_contents
    yield "image", contents.get(workload.name) or (contents.get(uses) if uses else None) or workload.image
    yield from _list_fields(workload, without={"name", "build", "image", "secrets", "files"})
    known = {*view.environment.secret_names, *view.environment.file_secrets}
    for secret in workload.secrets:
        in_environment = ", in the environment" if secret.env else ""
        yield f"secrets.{secret.name}", _describe_source(secret, known) + in_environment
    for file in workload.files:
        yield from _flatten(f"files.{file.path}", file)


def _describe_source(secret: application.Secret, secret_names: Collection[str]) -> str:
    if secret.existing is not None:
        return f"{secret.key or secret.name} of the Secret {secret.existing}"
    if secret.name in secret_names:
        return "set"
    return "not set" if secret.generate is None else f"generated, {secret.generate} characters"


def _list_fields(value: Any, *, without: Collection[str]) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(value):
        if field.name not in without:
            yield from _flatten(decode.to_camel_case(field.name), getattr(value, field.name))


def _flatten(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value as pairs of path and text, number or list, without empty values."""
    match value:
        case Mapping():
            for key, inner in cast(Mapping[str, Any], value).items():
                yield from _flatten(f"{path}.{key}".removeprefix("."), inner)
        case settings.Waiver():
            workloads = f"of {', '.join(value.workloads)} " if value.workloads else ""
            yield path, f"{workloads}until {value.until}, {value.owner}: {value.reason}"
        case application.File():
            yield path, hashlib.sha256(value.read_bytes()).hexdigest()[:HASH_DIGITS]
        case None | ():
            return
        case tuple():
            members = list(cast(tuple[Any, ...], value))
            if not dataclasses.is_dataclass(members[0]):
                yield path, members
                return
            for member in members:
                name_field = _find_name_field(member)
                yield from _flatten(f"{path}.{getattr(member, name_field)}" if name_field else path, member)
        case _ if dataclasses.is_dataclass(cast(object, value)):
            for field, inner in _list_fields(value, without={_find_name_field(value) or ""}):
                yield f"{path}.{field}", inner
        case _:
            yield path, value


def _find_name_field(member: object) -> str | None:
    return decode.get_name_field(type(member))
