"""Rules by where they hold in a Compose document: ``services.*.ports``, with ``*`` for any one name or item."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from seaway.syntax import diagnosis, nodes

T = TypeVar("T")

Rule = Callable[[nodes.Node, str, list[diagnosis.Diagnostic]], nodes.Node]
"""What a node is to be, from the node and its path; what is wrong with it goes to the list."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tree(Generic[T]):
    """The rules that hold at a path, and below it."""

    rule: T | None = None
    children: Mapping[str, "Tree[T]"] = dataclasses.field(default_factory=dict[str, "Tree[T]"])

    def get_child(self, name: str) -> "Tree[T] | None":
        return self.children.get(name) or self.children.get("*")


def build(rules: Mapping[str, T]) -> Tree[T]:
    """The rules, in an order in which a path finds its own without a look at the others."""
    below: dict[str, dict[str, T]] = {}
    own: T | None = None
    for path, rule in rules.items():
        first, _, rest = path.partition(".")
        if first:
            below.setdefault(first, {})[rest] = rule
        else:
            own = rule
    return Tree(own, {name: build(inner) for name, inner in below.items()})


def join(path: str, name: str | int) -> str:
    return f"{path}.{name}" if path else str(name)


def apply(node: nodes.Node, rules: Tree[Rule] | None, found: list[diagnosis.Diagnostic], path: str = "") -> nodes.Node:
    """The node after all rules: a rule comes before those that hold below it. What no rule changes is the same."""
    if rules is None:
        return node
    if rules.rule:
        node = rules.rule(node, path, found)
    if not rules.children:
        return node
    match node:
        case nodes.MappingNode(pairs=entries):
            after: dict[str, nodes.Pair] = {}
            same = True
            for name, entry in entries.items():
                inner = apply(entry.node, rules.get_child(name), found, join(path, name))
                same = same and inner is entry.node
                after[name] = entry if inner is entry.node else nodes.Pair(entry.location, inner)
            return node if same else nodes.MappingNode(node.location, after)
        case nodes.SequenceNode(items=items):
            inner = tuple(
                apply(item, rules.get_child(str(number)), found, join(path, number))
                for number, item in enumerate(items)
            )
            return (
                node
                if all(a is b for a, b in zip(inner, items, strict=True))
                else nodes.SequenceNode(node.location, inner)
            )
        case _:
            return node


def get_text(node: nodes.Node, name: str) -> str | None:
    """The text of an entry of a mapping; None where there is none."""
    entry = node.pairs.get(name) if isinstance(node, nodes.MappingNode) else None
    return entry.node.text if entry and isinstance(entry.node, nodes.ScalarNode) and entry.node.kind != "null" else None


def make_mapping(
    location: diagnosis.SourceLocation, values: Mapping[str, nodes.Node | str | None]
) -> nodes.MappingNode:
    """A mapping of nodes, and of texts that are written at its own place; None is left out."""
    entries: dict[str, nodes.Pair] = {}
    for name, value in values.items():
        if value is not None:
            node = nodes.ScalarNode(location, value) if isinstance(value, str) else value
            entries[name] = nodes.Pair(node.location, node)
    return nodes.MappingNode(location, entries)


def replace_keys(node: nodes.MappingNode, values: Mapping[str, nodes.Node | None]) -> nodes.MappingNode:
    """The mapping with other values for these names; None takes a name away."""
    entries = dict(node.pairs)
    for name, value in values.items():
        if value is None:
            entries.pop(name, None)
        else:
            entries[name] = nodes.Pair(entries[name].location if name in entries else value.location, value)
    return nodes.MappingNode(node.location, entries)
