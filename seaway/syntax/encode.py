"""Dataclasses to plain values, the way back from ``decode``: what is written here is read there as an equal object.

Defaults are left out. A file that was read keeps its text and forgets where it came from: that is a fact of a checkout.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from seaway.model import application
from seaway.syntax import decode, diagnosis, nodes


def plain(value: Any) -> Any:
    """A dataclass as a mapping in the words of YAML; texts, numbers, lists and mappings as they are."""
    match value:
        case application.File(content=str()):
            return _fields(dataclasses.replace(value, source=None))
        case Mapping():
            return {key: plain(inner) for key, inner in cast(Mapping[str, Any], value).items()}
        case list() | tuple():
            return _items(cast(Sequence[Any], value))
        case _ if dataclasses.is_dataclass(value):
            return _fields(value)
        case _:
            return value


def node(value: Any, place: diagnosis.Place) -> nodes.Node:  # noqa: PLR0911 - one return a kind
    """Plain values as what ``decode`` reads, all of them at one place."""
    match value:
        case Mapping():
            items = cast(Mapping[str, Any], value).items()
            return nodes.Table(place, {key: nodes.Entry(place, node(inner, place)) for key, inner in items})
        case list() | tuple():
            return nodes.Items(place, tuple(node(item, place) for item in cast(Sequence[Any], value)))
        case bool():
            return nodes.Scalar(place, str(value).lower(), "bool")
        case int():
            return nodes.Scalar(place, str(value), "int")
        case float():
            return nodes.Scalar(place, str(value), "float")
        case None:
            return nodes.Scalar(place, "null", "null")
        case _:
            return nodes.Scalar(place, str(value), "text")


def _fields(value: Any) -> dict[str, Any]:
    return {
        decode.camel(field.name): plain(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != default(field)
    }


def default(field: "dataclasses.Field[Any]") -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _items(values: Sequence[Any]) -> Any:
    """A list; of what has a name, a mapping from name to body, as it is written by hand."""
    found: dict[str, Any] = {}
    for one in values:
        if not dataclasses.is_dataclass(one) or isinstance(one, type):
            return [plain(each) for each in values]
        body = plain(one)
        found[body.pop(decode.named_by(type(one)))] = body
    return found or []
