"""Where a value comes from: a line of the application's file, one of the stack's overlay, or nobody's."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seaway.files import roots
from seaway.model import application
from seaway.project import load, stack_file
from seaway.release import project, release
from seaway.syntax import decode, diagnosis, nodes

_SHORT: Mapping[str, type[Any]] = {
    "build": application.Build,
    "health": application.Health,
    "scale": application.Scale,
}
"""What may be written as one value, which then says some of its fields."""


def written(one: project.Project, folder: Path) -> nodes.Node:
    """The application as the files have it, the overlay merged on: each value still knows its file and line.

    Raises:
        problems.Invalid: a file is wrong.
    """
    if one.release:
        node = release.application_of(release.parsed(folder, one.release.id, one.lock.sha256))
    else:
        root = roots.find_root(folder, one.settings.root)
        node = load.parsed(folder / one.settings.app, one.settings.app, root, one.settings.profiles)
    if not one.settings.overlay:
        return node
    overlay = stack_file.overlay(stack_file.read(folder / f"Pulumi.{one.settings.stack}.yaml"))
    return nodes.merge(node, overlay) if isinstance(overlay, nodes.Table) else node


def places(node: nodes.Node, path: str) -> tuple[diagnosis.Place, ...]:
    """Where a path (``services.web.scale.min``) is written; none: it has its default.

    A mapping may stand in both files, and then has a place in each.
    """
    at = None
    above = ""
    for part in path.split("."):
        match node:
            case nodes.Table() if part in node.entries:
                at, node = node.entries[part].place, node.entries[part].node
            case nodes.Table():
                return ()
            case _ if at and above in _SHORT:
                return (at,) if _says(_SHORT[above], part) else ()
            case _:
                return ()
        above = part
    if at is None:
        return ()
    files = {at.file: at}
    for entry in node.entries.values() if isinstance(node, nodes.Table) else ():
        files.setdefault(entry.place.file, entry.place)
    return tuple(files.values())


def _says(cls: type[Any], field: str) -> bool:
    """Whether the short form of a class says the field."""
    value = ("what is written",)
    made = cls.shorthand(value)
    said = (one.name for one in dataclasses.fields(cls) if getattr(made, one.name) is value)
    return field in map(decode.camel, said)
