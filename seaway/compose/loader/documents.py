"""Parses one file: resolves YAML merges (`<<`), and collects the paths of `!reset` and `!override`."""

import codecs
import dataclasses
import re
from collections.abc import Mapping

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes, yaml_parser

KeyPath = tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """``reset_paths``: paths that are removed from earlier files before the merge."""

    root: nodes.MappingNode
    reset_paths: frozenset[KeyPath] = frozenset()


def parse(content: bytes, display_name: str) -> Document:
    """Raises diagnosis.InvalidInput, like yaml_parser.parse."""
    tags: dict[diagnosis.SourceLocation, str] = {}
    root = yaml_parser.parse(content, display_name, compose_tags=tags)
    resolver = _Resolver(tags)
    node = resolver.resolve(root, ())
    resolver.errors.raise_if_any()
    if not re.search(rb"^[ \t]*[^#\s]", content.removeprefix(codecs.BOM_UTF8), re.MULTILINE):
        return Document(nodes.MappingNode(root.location))  # as with Docker Compose, an override may be only comments
    if not isinstance(node, nodes.MappingNode):
        message = f"{nodes.describe_node(root)} is not a Compose file"
        raise diagnosis.reject(root.location, "", "invalid-type", message, "write `services:` with services below")
    return Document(node, frozenset(resolver.reset_paths))


class _Resolver:
    def __init__(self, tags: Mapping[diagnosis.SourceLocation, str]) -> None:
        self.tags = tags
        self.reset_paths: set[KeyPath] = set()
        self.errors = tree.Errors()

    def resolve(self, node: nodes.Node, path: KeyPath) -> nodes.Node | None:
        """The node without merges; None: it is reset."""
        if len(path) > yaml_parser.MAX_DEPTH:
            # Aliases nest deeper than the text.
            message = f"is nested more than {yaml_parser.MAX_DEPTH} levels deep"
            raise diagnosis.reject(node.location, "", "nested-too-deep", message, "flatten it")
        tag = self.tags.get(node.location) if self.tags else None
        if tag:
            self.reset_paths.add(path)
            if tag == "!reset":
                return None
        match node:
            case nodes.MappingNode(pairs=pairs):
                return nodes.MappingNode(node.location, self._merge_keys(pairs, path))
            case nodes.SequenceNode(items=children):
                resolved = [self.resolve(child, (*path, str(number))) for number, child in enumerate(children)]
                return nodes.SequenceNode(node.location, tuple(child for child in resolved if child is not None))
            case _:
                return node

    def _merge_keys(self, pairs: Mapping[str, nodes.Pair], path: KeyPath) -> dict[str, nodes.Pair]:
        merged: dict[str, nodes.Pair] = {}
        for name, pair in pairs.items():
            if name == "<<":
                for source in self._merge_sources(pair.node, path):
                    for key, child in source.pairs.items():
                        if key not in pairs:
                            merged.setdefault(key, child)
            else:
                node = self.resolve(pair.node, (*path, name))
                if node is not None:
                    merged[name] = nodes.Pair(pair.location, node)
        return merged

    def _merge_sources(self, node: nodes.Node, path: KeyPath) -> list[nodes.MappingNode]:
        sources: list[nodes.MappingNode] = []
        for source in node.items if isinstance(node, nodes.SequenceNode) else (node,):
            resolved = self.resolve(source, path)
            if isinstance(resolved, nodes.MappingNode):
                sources.append(resolved)
            elif resolved is not None:
                message = f"{nodes.describe_node(source)} cannot be merged"
                hint = "write `<<: *name`, where &name is a mapping"
                self.errors.add(source, ".".join((*path, "<<")), "invalid-type", message, hint)
        return sources


def drop_paths(node: nodes.Node, reset_paths: frozenset[KeyPath], path: KeyPath = ()) -> nodes.Node:
    """The node without these paths. Entries of lists have no names, so they stay."""
    if not reset_paths or not isinstance(node, nodes.MappingNode):
        return node
    pairs = {
        name: nodes.Pair(pair.location, drop_paths(pair.node, reset_paths, (*path, name)))
        for name, pair in node.pairs.items()
        if (*path, name) not in reset_paths
    }
    return nodes.MappingNode(node.location, pairs)
