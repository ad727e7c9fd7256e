"""Everything that is as it is because nobody said otherwise, with its reason."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any

from seaway.explain import fields
from seaway.manifests import preview
from seaway.model import application, settings
from seaway.project import load
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


ANY = "services, stores, jobs"
STACK = "Pulumi.<stack>.yaml"


def everything() -> list[Default]:
    """All defaults: those of app.yaml, those of a stack's file, and what the objects have that neither can say."""
    common = {field.name for field in dataclasses.fields(application.Container)}
    found = list(_model(application.Container, ANY, ""))
    for of, cls in (("services", application.Service), ("stores", application.Store), ("jobs", application.Job)):
        found += _model(cls, of, "", common)
    return [*found, *_model(settings.Settings, STACK, "seaway:"), *_objects()]


def _model(cls: type, of: str, above: str, but: typing.Collection[str] = ()) -> Iterator[Default]:
    hints = decode.hints(cls)
    for field in dataclasses.fields(cls):
        if field.name in but or field.name == decode.named_by(cls):
            continue
        path = f"{above}{decode.camel(field.name)}"
        inner, many = _nested(hints[field.name])
        given = encode.default(field)
        if given is not dataclasses.MISSING and not (inner and dataclasses.is_dataclass(given)):
            means, why = fields.notes(hints[field.name])
            yield Default(of=of, field=path, value=encode.plain(given), means=means, why=why)
        if inner:
            yield from _model(inner, of, f"{path}.<{decode.named_by(inner)}>." if many else f"{path}.")


def _nested(hint: Any) -> tuple[type | None, bool]:
    """The dataclass that a field holds, and whether it holds many."""
    match typing.get_origin(hint):
        case typing.Annotated:
            return _nested(typing.get_args(hint)[0])
        case types.UnionType:
            found = [_nested(one) for one in typing.get_args(hint)]
            return next((one for one in found if one[0]), (None, False))
        case origin if origin is tuple:
            return _nested(typing.get_args(hint)[0])[0], True
        case _:
            return (hint, False) if dataclasses.is_dataclass(hint) and isinstance(hint, type) else (None, False)


def _objects() -> Iterator[Default]:
    """What the objects of the least that can be said have, without what the model says."""
    manifests = _least()
    for field in fields.FIELDS:
        if not field.why:
            continue
        found = (fields.value(one, field.path) for one in manifests if one["kind"] in field.kinds)
        value = next(one for one in found if one is not None)
        yield Default(of=field.of, field=field.shown, value=value, means=field.means, why=field.why, check=field.check)


def _least() -> list[dict[str, Any]]:
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
    return [one.manifest for one in preview.rendered(load.resolve(app), stack)]
