"""Where a value comes from: a line of the application's file, one of the stack's overlay, or nobody's."""

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
"""What may be written as one value, which then says some of its fields."""


def find_locations(node: nodes.Node, path: str) -> tuple[diagnosis.SourceLocation, ...]:
    """Where a path (``services.web.scale.min``) is written; none: it has its default.

    A mapping may stand in both files, and then has a place in each.
    """
    at = None
    above = ""
    for part in path.split("."):
        match node:
            case nodes.MappingNode() if part in node.pairs:
                at, node = node.pairs[part].location, node.pairs[part].node
            case nodes.MappingNode():
                return ()
            case _ if at and above in _SHORTHAND_CLASSES:
                return (at,) if _shorthand_sets(_SHORTHAND_CLASSES[above], part) else ()
            case _:
                return ()
        above = part
    if at is None:
        return ()
    files = {at.file: at}
    for entry in node.pairs.values() if isinstance(node, nodes.MappingNode) else ():
        files.setdefault(entry.location.file, entry.location)
    return tuple(files.values())


def _shorthand_sets(cls: type[Any], field: str) -> bool:
    """Whether the short form of a class says the field."""
    value = ("what is written",)
    made = cls.shorthand(value)
    said = (one.name for one in dataclasses.fields(cls) if getattr(made, one.name) is value)
    return field in map(decode.to_camel_case, said)
