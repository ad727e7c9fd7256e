"""Dataclasses to plain values, the way back from ``decode``: what is written here is read there as an equal object.

Defaults are left out. A file that was read keeps its text and forgets where it came from: that is a fact of a checkout.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, cast

from seaway.model import application
from seaway.syntax import decode, diagnosis, nodes


def to_plain(value: Any) -> Any:
    """A dataclass as a mapping in the words of YAML; texts, numbers, lists and mappings as they are."""
    match value:
        case application.File(content=str()):
            return _encode_fields(dataclasses.replace(value, source=None))
        case Mapping():
            return {key: to_plain(inner) for key, inner in cast(Mapping[str, Any], value).items()}
        case list() | tuple():
            return _encode_sequence(cast(Sequence[Any], value))
        case _ if dataclasses.is_dataclass(value):
            return _encode_fields(value)
        case _:
            return value


def to_node(value: Any, location: diagnosis.SourceLocation) -> nodes.Node:  # noqa: PLR0911 - one return a kind
    """Plain values as what ``decode`` reads, all of them at one place."""
    match value:
        case Mapping():
            items = cast(Mapping[str, Any], value).items()
            return nodes.MappingNode(
                location, {key: nodes.Pair(location, to_node(inner, location)) for key, inner in items}
            )
        case list() | tuple():
            return nodes.SequenceNode(location, tuple(to_node(item, location) for item in cast(Sequence[Any], value)))
        case bool():
            return nodes.ScalarNode(location, str(value).lower(), "bool")
        case int():
            return nodes.ScalarNode(location, str(value), "int")
        case float():
            return nodes.ScalarNode(location, str(value), "float")
        case None:
            return nodes.ScalarNode(location, "null", "null")
        case _:
            return nodes.ScalarNode(location, str(value), "text")


def _encode_fields(value: Any) -> dict[str, Any]:
    return {
        decode.to_camel_case(field.name): to_plain(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != get_default(field)
    }


def get_default(field: "dataclasses.Field[Any]") -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _encode_sequence(values: Sequence[Any]) -> Any:
    """A list; of what has a name, a mapping from name to body, as it is written by hand."""
    found: dict[str, Any] = {}
    for one in values:
        if not dataclasses.is_dataclass(one) or isinstance(one, type):
            return [to_plain(each) for each in values]
        body = to_plain(one)
        found[body.pop(decode.get_name_field(type(one)))] = body
    return found or []
