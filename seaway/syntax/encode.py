"""Dataclasses to plain values, which ``decode`` reads as equal objects. Defaults are left out.

A class may have a method ``normalize`` that returns the instance to encode, without facts of one checkout.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from seaway.syntax import decode, nodes


def to_plain(value: Any) -> Any:
    """A dataclass as a mapping with the keys of YAML; texts, numbers, lists and mappings unchanged."""
    match value:
        case Mapping():
            return {key: to_plain(inner) for key, inner in cast(Mapping[str, Any], value).items()}
        case list() | tuple():
            return _encode_sequence(cast(Sequence[Any], value))
        case _ if dataclasses.is_dataclass(value):
            return _encode_fields(value)
        case _:
            return value


to_node = nodes.from_plain
"""Plain values as nodes for ``decode``."""


def _encode_fields(value: Any) -> dict[str, Any]:
    if normalize := getattr(value, "normalize", None):
        value = normalize()
    return {
        decode.to_camel_case(field.name): to_plain(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != get_default(field)
    }


def get_default(field: "dataclasses.Field[Any]") -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _encode_sequence(values: Sequence[Any]) -> Any:
    """A list; dataclasses become a mapping from name to body, as it is written by hand."""
    bodies: dict[str, Any] = {}
    for instance in values:
        if not dataclasses.is_dataclass(instance) or isinstance(instance, type):
            return [to_plain(value) for value in values]
        body = to_plain(instance)
        bodies[body.pop(decode.get_name_field(type(instance)))] = body
    return bodies or []
