"""One file: its YAML, with merges (`<<`) resolved, and what `!reset` and `!override` say of earlier files."""

import dataclasses
from collections.abc import Mapping

from seaway.syntax import diagnosis, nodes

Path = tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """``forget``: the paths at which nothing of what it is merged with stays."""

    root: nodes.Table
    forget: frozenset[Path] = frozenset()


def parse(data: bytes, shown: str) -> Document:
    """Raises problems.Invalid, as nodes.parse does."""
    tags: dict[diagnosis.Place, str] = {}
    root = nodes.parse(data, shown, tags=tags)
    reader = _Reader(tags)
    node = reader.resolved(root, ())
    if reader.found:
        raise diagnosis.Invalid(reader.found)
    if not isinstance(node, nodes.Table):
        wrong = f"{nodes.shown(root)} is no Compose file"
        raise diagnosis.Invalid([diagnosis.Problem(root.place, "", wrong, "write `services:`, and the services below")])
    return Document(node, frozenset(reader.forget))


class _Reader:
    def __init__(self, tags: dict[diagnosis.Place, str]) -> None:
        self.tags = tags
        self.forget: set[Path] = set()
        self.found: list[diagnosis.Problem] = []

    def resolved(self, node: nodes.Node, path: Path) -> nodes.Node | None:
        """None: it is to be forgotten, and nothing is in its place."""
        if len(path) > nodes.MAX_DEPTH:
            # An alias in an alias goes deeper than the text does.
            wrong = f"is nested more than {nodes.MAX_DEPTH} deep"
            raise diagnosis.Invalid([diagnosis.Problem(node.place, "", wrong, "flatten it")])
        tag = self.tags.get(node.place) if self.tags else None
        if tag:
            self.forget.add(path)
            if tag == "!reset":
                return None
        match node:
            case nodes.Table(entries=entries):
                return nodes.Table(node.place, self._entries(entries, path))
            case nodes.Items(items=items):
                inner = [self.resolved(item, (*path, str(number))) for number, item in enumerate(items)]
                return nodes.Items(node.place, tuple(item for item in inner if item is not None))
            case _:
                return node

    def _entries(self, entries: Mapping[str, nodes.Entry], path: Path) -> dict[str, nodes.Entry]:
        after: dict[str, nodes.Entry] = {}
        for name, entry in entries.items():
            if name == "<<":
                for source in self._sources(entry.node, path):
                    for inner, value in source.entries.items():
                        if inner not in entries:
                            after.setdefault(inner, value)
            else:
                node = self.resolved(entry.node, (*path, name))
                if node is not None:
                    after[name] = nodes.Entry(entry.place, node)
        return after

    def _sources(self, node: nodes.Node, path: Path) -> list[nodes.Table]:
        listed = node.items if isinstance(node, nodes.Items) else (node,)
        sources: list[nodes.Table] = []
        for one in listed:
            resolved = self.resolved(one, path)
            if isinstance(resolved, nodes.Table):
                sources.append(resolved)
            elif resolved is not None:
                wrong = f"{nodes.shown(one)} cannot be merged"
                remedy = "write `<<: *name`, where &name is a mapping"
                self.found.append(diagnosis.Problem(one.place, ".".join((*path, "<<")), wrong, remedy))
        return sources


def forgotten(node: nodes.Node, forget: frozenset[Path], path: Path = ()) -> nodes.Node:
    """The node without what is at these paths, but for items of lists, which have no names."""
    if not forget or not isinstance(node, nodes.Table):
        return node
    kept = {name: entry for name, entry in node.entries.items() if (*path, name) not in forget}
    entries = {
        name: nodes.Entry(entry.place, forgotten(entry.node, forget, (*path, name))) for name, entry in kept.items()
    }
    return nodes.Table(node.place, entries)
