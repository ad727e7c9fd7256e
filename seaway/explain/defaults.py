"""All defaults with their reasons."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any

from seaway.explain import fields
from seaway.manifests import preview
from seaway.model import application, settings
from seaway.model.defaults import resolve
from seaway.project import environments
from seaway.syntax import decode, encode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """One default. ``seaway.cli.explain`` documents the attributes."""

    of: str
    field: str
    value: Any
    means: str
    why: str
    check: str | None = None


ALL_WORKLOADS = "services, stores, jobs"
STACK_FILE = "Pulumi.<stack>.yaml"

_REPEATED = {
    "init": ("", "the fields of the workload's own container, with the same defaults"),
    "sidecars": ("init.<name>.", "the fields of init.<name>, with the same defaults"),
}
"""By field of extra containers: the prefix of the fields that it repeats, and the line that replaces them."""


def list_defaults() -> list[Default]:
    """The defaults of app.yaml, of a stack's file, and of the objects."""
    common = {field.name for field in dataclasses.fields(application.WorkloadSpec)}
    defaults = list(_list_model_defaults(application.WorkloadSpec, ALL_WORKLOADS, ""))
    for owner, cls in (("services", application.Service), ("stores", application.Store), ("jobs", application.Job)):
        defaults += _list_model_defaults(cls, owner, "", common)
    defaults += _list_model_defaults(settings.Settings, STACK_FILE, "seaway:")
    return [*_merge_repeated(defaults), *_list_object_defaults()]


def _merge_repeated(defaults: list[Default]) -> Iterator[Default]:
    """Replace the fields of an extra container that equal another container's by one line."""
    # `of` of a service is set to that of the others: its probes are also those of extra containers.
    by_field = {
        default.field: dataclasses.replace(default, of=ALL_WORKLOADS)
        for default in defaults
        if default.of in (ALL_WORKLOADS, "services")
    }
    merged: set[str] = set()
    for default in defaults:
        name, _, suffix = default.field.partition(".<name>.")
        other, means = _REPEATED.get(name, ("", ""))
        same = by_field.get(f"{other}{suffix}") if means else None
        if same is None or dataclasses.replace(default, field=same.field) != same:
            yield default
        elif name not in merged:
            merged.add(name)
            yield Default(of=default.of, field=f"{name}.<name>.*", value=None, means=means, why="")


def _list_model_defaults(
    cls: type, owner: str, prefix: str, excluded: typing.Collection[str] = ()
) -> Iterator[Default]:
    hints = decode.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.name in excluded or field.name == decode.get_name_field(cls):
            continue
        path = f"{prefix}{decode.to_camel_case(field.name)}"
        nested, is_collection = _find_nested_class(hints[field.name])
        default = encode.get_default(field)
        if default is not dataclasses.MISSING and not (nested and dataclasses.is_dataclass(default)):
            help_text, rationale = fields.read_notes(hints[field.name])
            yield Default(of=owner, field=path, value=encode.to_plain(default), means=help_text, why=rationale)
        if nested:
            name = f".<{decode.get_name_field(nested)}>" if is_collection else ""
            yield from _list_model_defaults(nested, owner, f"{path}{name}.")


def _find_nested_class(hint: Any) -> tuple[type | None, bool]:
    """The dataclass of a field, and whether the field is a collection."""
    match typing.get_origin(hint):
        case typing.Annotated:
            return _find_nested_class(typing.get_args(hint)[0])
        case types.UnionType:
            nested = map(_find_nested_class, typing.get_args(hint))
            return next((match for match in nested if match[0]), (None, False))
        case origin if origin is tuple:
            return _find_nested_class(typing.get_args(hint)[0])[0], True
        case _:
            return (hint, False) if dataclasses.is_dataclass(hint) and isinstance(hint, type) else (None, False)


def _list_object_defaults() -> Iterator[Default]:
    """The fields of the objects that do not depend on app.yaml, with the values of a minimal application."""
    manifests = _render_minimal_manifests()
    for field in fields.FIELDS:
        if not field.rationale:
            continue
        matches = (fields.find_value(manifest, field.path) for manifest in manifests if manifest["kind"] in field.kinds)
        yield Default(
            of=field.owner,
            field=field.short_path,
            value=next(match for match in matches if match is not None),
            means=field.help_text,
            why=field.rationale,
            check=field.check,
        )


def _render_minimal_manifests() -> list[dict[str, Any]]:
    """At least one object of each kind."""
    volume = application.Volume(path="/data", size="1Gi")
    app = application.Application(
        "app",
        services=(
            application.Service("web", image="web:1", port=8000, files=(application.File("/etc/web", content="x"),)),
            application.Service("worker", image="worker:1", scale=application.Scale(max=4)),
        ),
        stores=(application.Store("db", image="db:1", port=5432, volume=volume),),
        jobs=(application.Job("migrate", image="migrate:1"),),
    )
    stack_settings = settings.Settings(stack="dev", context="dev")
    environment = environments.Environment.create(resolve.resolve_application(app), stack_settings)
    rendered = preview.render_objects(environment)
    return [release_object.manifest for release_object in rendered]
