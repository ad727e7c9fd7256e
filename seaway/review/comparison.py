"""What differs between two environments, in the words of app.yaml and of the stacks' files.

Pure, and general: every field of the model is compared, so one that is added is never forgotten here.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

from seaway.model import application, settings
from seaway.syntax import decode

EXCLUDED_SETTINGS = frozenset({"stack", "overlay"})
"""Settings that are no difference: the name, and what stands in the application already."""

HASH_DIGITS = 12
"""Hexadecimal digits of a file's hash."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentView:
    """One environment."""

    app: application.Application
    """Resolved, with the environment's overlay."""
    settings: settings.Settings
    image_contents: Mapping[str, str]
    """What stands for the source of each image that is built, by the name of its service, store or job."""
    secret_names: frozenset[str] = frozenset()
    """The names of those that have a value in the stack's file."""
    release: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """What there is to say of the release: its id, where it comes from, what is held back."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """A field that is not the same. None: there is none, or nothing is said."""

    section: str
    """``release``, ``services.web``, ``settings``."""
    field: str
    """``scale.min``; empty: the whole part."""
    left: Any
    right: Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that differs, and how many fields do not."""

    rows: tuple[FieldDifference, ...]
    equal: int


def compare(left: EnvironmentView, right: EnvironmentView) -> Comparison:
    """What differs: the release, then services, stores and jobs, then the settings."""
    before, after = _list_sections(left), _list_sections(right)
    rows: list[FieldDifference] = []
    equal = 0
    for part in dict.fromkeys([*before, *after]):
        if part not in before or part not in after:
            rows.append(
                FieldDifference(section=part, field="", left=part in before or None, right=part in after or None)
            )
            continue
        one, other = before[part], after[part]
        for field in dict.fromkeys([*one, *other]):
            if one.get(field) == other.get(field):
                equal += 1
            else:
                rows.append(FieldDifference(section=part, field=field, left=one.get(field), right=other.get(field)))
    return Comparison(rows=tuple(rows), equal=equal)


def _list_sections(side: EnvironmentView) -> dict[str, dict[str, Any]]:
    parts = {"release": dict(_flatten("", side.release))}
    for path, one in side.app.get_workloads().items():
        parts[path] = dict(_list_workload_fields(one, side))
    parts["settings"] = dict(_list_fields(side.settings, without=EXCLUDED_SETTINGS))
    return parts


def _list_workload_fields(one: application.AnyWorkload, side: EnvironmentView) -> Iterator[tuple[str, Any]]:
    uses = one.uses if isinstance(one, application.Job) else None
    # What it is built from stands for how it is built.
    image = side.image_contents.get(one.name) or (side.image_contents.get(uses) if uses else None) or one.image
    yield "image", image
    yield from _list_fields(one, without={"name", "build", "image", "secrets", "files"})
    for secret in one.secrets:
        yield (
            f"secrets.{secret.name}",
            _describe_source(secret, side.secret_names) + (", in the environment" if secret.env else ""),
        )
    for file in one.files:
        yield f"files.{file.path}", hashlib.sha256((file.content or "").encode()).hexdigest()[:HASH_DIGITS]


def _describe_source(secret: application.Secret, given: Collection[str]) -> str:
    """How its value comes about."""
    if secret.existing is not None:
        return f"{secret.key or secret.name} of the Secret {secret.existing}"
    if secret.name in given:
        return "given"
    return "not given" if secret.generate is None else f"generated, {secret.generate} characters"


def _list_fields(value: Any, *, without: Collection[str]) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(value):
        if field.name not in without:
            yield from _flatten(decode.to_camel_case(field.name), getattr(value, field.name))


def _flatten(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value as pairs of path and text, number or list; what is empty is not said."""
    match value:
        case Mapping():
            for key, inner in cast(Mapping[str, Any], value).items():
                yield from _flatten(f"{path}.{key}".removeprefix("."), inner)
        case settings.Waiver():
            of = f"of {', '.join(value.workloads)} " if value.workloads else ""
            yield path, f"{of}until {value.until}, {value.owner}: {value.reason}"
        case application.File():
            yield path, hashlib.sha256((value.content or "").encode()).hexdigest()[:HASH_DIGITS]
        case tuple() if not value:
            return
        case tuple():
            items = list(cast(tuple[Any, ...], value))
            if not dataclasses.is_dataclass(items[0]):
                yield path, items
                return
            for inner in items:
                yield from _flatten(
                    f"{path}.{getattr(inner, named)}" if (named := _find_key_field(inner)) else path, inner
                )
        case _ if dataclasses.is_dataclass(cast(object, value)):
            for inner, found in _list_fields(value, without={_find_key_field(value) or ""}):
                yield f"{path}.{inner}", found
        case None:
            return
        case _:
            yield path, value


def _find_key_field(one: object) -> str | None:
    return decode.get_name_field(type(one))
