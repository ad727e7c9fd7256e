"""One file: its YAML, with merges (`<<`) resolved, and what `!reset` and `!override` say of earlier files."""

import dataclasses
from collections.abc import Mapping

from seaway.syntax import diagnosis, nodes

KeyPath = tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """``forget``: the paths at which nothing of what it is merged with stays."""

    root: nodes.MappingNode
    reset_paths: frozenset[KeyPath] = frozenset()


def parse(data: bytes, display_name: str) -> Document:
    """Raises diagnosis.InvalidInput, as nodes.parse does."""
    tags: dict[diagnosis.SourceLocation, str] = {}
    root = nodes.parse(data, display_name, compose_tags=tags)
    reader = _Reader(tags)
    node = reader.resolve(root, ())
    if reader.found:
        raise diagnosis.InvalidInput(reader.found)
    if not isinstance(node, nodes.MappingNode):
        wrong = f"{nodes.describe_node(root)} is no Compose file"
        raise diagnosis.InvalidInput(
            [diagnosis.Diagnostic(root.location, "", wrong, "write `services:`, and the services below")]
        )
    return Document(node, frozenset(reader.reset_paths))


class _Reader:
    def __init__(self, tags: dict[diagnosis.SourceLocation, str]) -> None:
        self.tags = tags
        self.reset_paths: set[KeyPath] = set()
        self.found: list[diagnosis.Diagnostic] = []

    def resolve(self, node: nodes.Node, path: KeyPath) -> nodes.Node | None:
        """None: it is to be forgotten, and nothing is in its place."""
        if len(path) > nodes.MAX_DEPTH:
            # An alias in an alias goes deeper than the text does.
            wrong = f"is nested more than {nodes.MAX_DEPTH} deep"
            raise diagnosis.InvalidInput([diagnosis.Diagnostic(node.location, "", wrong, "flatten it")])
        tag = self.tags.get(node.location) if self.tags else None
        if tag:
            self.reset_paths.add(path)
            if tag == "!reset":
                return None
        match node:
            case nodes.MappingNode(pairs=entries):
                return nodes.MappingNode(node.location, self._merge_keys(entries, path))
            case nodes.SequenceNode(items=items):
                inner = [self.resolve(item, (*path, str(number))) for number, item in enumerate(items)]
                return nodes.SequenceNode(node.location, tuple(item for item in inner if item is not None))
            case _:
                return node

    def _merge_keys(self, entries: Mapping[str, nodes.Pair], path: KeyPath) -> dict[str, nodes.Pair]:
        after: dict[str, nodes.Pair] = {}
        for name, entry in entries.items():
            if name == "<<":
                for source in self._merge_sources(entry.node, path):
                    for inner, value in source.pairs.items():
                        if inner not in entries:
                            after.setdefault(inner, value)
            else:
                node = self.resolve(entry.node, (*path, name))
                if node is not None:
                    after[name] = nodes.Pair(entry.location, node)
        return after

    def _merge_sources(self, node: nodes.Node, path: KeyPath) -> list[nodes.MappingNode]:
        listed = node.items if isinstance(node, nodes.SequenceNode) else (node,)
        sources: list[nodes.MappingNode] = []
        for one in listed:
            resolved = self.resolve(one, path)
            if isinstance(resolved, nodes.MappingNode):
                sources.append(resolved)
            elif resolved is not None:
                wrong = f"{nodes.describe_node(one)} cannot be merged"
                remedy = "write `<<: *name`, where &name is a mapping"
                self.found.append(diagnosis.Diagnostic(one.location, ".".join((*path, "<<")), wrong, remedy))
        return sources


def drop_paths(node: nodes.Node, reset_paths: frozenset[KeyPath], path: KeyPath = ()) -> nodes.Node:
    """The node without what is at these paths, but for items of lists, which have no names."""
    if not reset_paths or not isinstance(node, nodes.MappingNode):
        return node
    kept = {name: entry for name, entry in node.pairs.items() if (*path, name) not in reset_paths}
    entries = {
        name: nodes.Pair(entry.location, drop_paths(entry.node, reset_paths, (*path, name)))
        for name, entry in kept.items()
    }
    return nodes.MappingNode(node.location, entries)
