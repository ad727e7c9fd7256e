"""The source of a value: a line of the application's file, or of the stack's overlay."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from seaway.model import application
from seaway.syntax import decode, diagnosis, nodes

_SHORTHAND_CLASSES: Mapping[str, type[Any]] = {
    "build": application.Build,
    "health": application.Health,
    "scale": application.Scale,
}
"""Fields that can be written as one value, which sets some of their fields."""


def find_locations(node: nodes.Node, path: str) -> tuple[diagnosis.SourceLocation, ...]:
    """Where a path (``services.web.scale.min``) is written; empty: the field has its default.

    A mapping may be in both files and then has a location in each.
    """
    location = None
    parent = ""
    for part in path.split("."):
        match node:
            case nodes.MappingNode() if part in node.pairs:
                location, node = node.pairs[part].location, node.pairs[part].node
            case nodes.MappingNode():
                return ()
            case _ if location and parent in _SHORTHAND_CLASSES:
                return (location,) if _shorthand_sets(_SHORTHAND_CLASSES[parent], part) else ()
            case _:
                return ()
        parent = part
    if location is None:
        return ()
    by_file = {location.file: location}
    for pair in node.pairs.values() if isinstance(node, nodes.MappingNode) else ():
        by_file.setdefault(pair.location.file, pair.location)
    return tuple(by_file.values())


def _shorthand_sets(cls: type[Any], field: str) -> bool:
    """Whether the short form of a class sets the field."""
    marker = ("the short form",)
    decoded = cls.shorthand(marker)
    names = (declared.name for declared in dataclasses.fields(cls) if getattr(decoded, declared.name) is marker)
    return field in map(decode.to_camel_case, names)
