"""Everything that is as it is because nobody said otherwise, with its reason."""

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
    """One default."""

    of: str
    """Whose: ``services``, ``Pulumi.<stack>.yaml``, ``Deployment``."""
    field: str
    value: Any
    """In plain values; None, an empty list or mapping: there is none."""
    means: str
    why: str
    """Empty where the absence of something needs no reason."""
    check: str | None = None
    """The id of the check that asks for it."""


ALL_WORKLOADS = "services, stores, jobs"
STACK_FILE = "Pulumi.<stack>.yaml"


def list_defaults() -> list[Default]:
    """All defaults: those of app.yaml, those of a stack's file, and what the objects have that neither can say."""
    common = {field.name for field in dataclasses.fields(application.WorkloadSpec)}
    found = list(_list_model_defaults(application.WorkloadSpec, ALL_WORKLOADS, ""))
    for of, cls in (("services", application.Service), ("stores", application.Store), ("jobs", application.Job)):
        found += _list_model_defaults(cls, of, "", common)
    return [*found, *_list_model_defaults(settings.Settings, STACK_FILE, "seaway:"), *_list_object_defaults()]


def _list_model_defaults(cls: type, of: str, prefix: str, excluded: typing.Collection[str] = ()) -> Iterator[Default]:
    hints = decode.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.name in excluded or field.name == decode.get_name_field(cls):
            continue
        path = f"{prefix}{decode.to_camel_case(field.name)}"
        inner, many = _find_nested_class(hints[field.name])
        given = encode.get_default(field)
        if given is not dataclasses.MISSING and not (inner and dataclasses.is_dataclass(given)):
            means, why = fields.read_notes(hints[field.name])
            yield Default(of=of, field=path, value=encode.to_plain(given), means=means, why=why)
        if inner:
            yield from _list_model_defaults(
                inner, of, f"{path}.<{decode.get_name_field(inner)}>." if many else f"{path}."
            )


def _find_nested_class(hint: Any) -> tuple[type | None, bool]:
    """The dataclass that a field holds, and whether it holds many."""
    match typing.get_origin(hint):
        case typing.Annotated:
            return _find_nested_class(typing.get_args(hint)[0])
        case types.UnionType:
            found = [_find_nested_class(one) for one in typing.get_args(hint)]
            return next((one for one in found if one[0]), (None, False))
        case origin if origin is tuple:
            return _find_nested_class(typing.get_args(hint)[0])[0], True
        case _:
            return (hint, False) if dataclasses.is_dataclass(hint) and isinstance(hint, type) else (None, False)


def _list_object_defaults() -> Iterator[Default]:
    """What the objects of the least that can be said have, without what the model says."""
    manifests = _render_minimal_manifests()
    for field in fields.FIELDS:
        if not field.rationale:
            continue
        found = (fields.find_value(one, field.path) for one in manifests if one["kind"] in field.kinds)
        value = next(one for one in found if one is not None)
        yield Default(
            of=field.owner,
            field=field.short_path,
            value=value,
            means=field.help_text,
            why=field.rationale,
            check=field.check,
        )


def _render_minimal_manifests() -> list[dict[str, Any]]:
    """One of each kind."""
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
    stack = settings.Settings(stack="dev", context="dev")
    return [
        one.manifest
        for one in preview.render_objects(environments.Environment.create(resolve.resolve_application(app), stack))
    ]
