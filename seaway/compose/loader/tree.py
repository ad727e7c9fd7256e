"""Rules by where they hold in a Compose document: ``services.*.ports``, with ``*`` for any one name or item."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from seaway.syntax import diagnosis, nodes

T = TypeVar("T")

Rule = Callable[[nodes.Node, str, list[diagnosis.Problem]], nodes.Node]
"""What a node is to be, from the node and its path; what is wrong with it goes to the list."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tree(Generic[T]):
    """The rules that hold at a path, and below it."""

    rule: T | None = None
    below: Mapping[str, "Tree[T]"] = dataclasses.field(default_factory=dict[str, "Tree[T]"])

    def at(self, name: str) -> "Tree[T] | None":
        return self.below.get(name) or self.below.get("*")


def tree(rules: Mapping[str, T]) -> Tree[T]:
    """The rules, in an order in which a path finds its own without a look at the others."""
    below: dict[str, dict[str, T]] = {}
    own: T | None = None
    for path, rule in rules.items():
        first, _, rest = path.partition(".")
        if first:
            below.setdefault(first, {})[rest] = rule
        else:
            own = rule
    return Tree(own, {name: tree(inner) for name, inner in below.items()})


def join(path: str, name: str | int) -> str:
    return f"{path}.{name}" if path else str(name)


def changed(node: nodes.Node, rules: Tree[Rule] | None, found: list[diagnosis.Problem], path: str = "") -> nodes.Node:
    """The node after all rules: a rule comes before those that hold below it. What no rule changes is the same."""
    if rules is None:
        return node
    if rules.rule:
        node = rules.rule(node, path, found)
    if not rules.below:
        return node
    match node:
        case nodes.Table(entries=entries):
            after: dict[str, nodes.Entry] = {}
            same = True
            for name, entry in entries.items():
                inner = changed(entry.node, rules.at(name), found, join(path, name))
                same = same and inner is entry.node
                after[name] = entry if inner is entry.node else nodes.Entry(entry.place, inner)
            return node if same else nodes.Table(node.place, after)
        case nodes.Items(items=items):
            inner = tuple(
                changed(item, rules.at(str(number)), found, join(path, number)) for number, item in enumerate(items)
            )
            return node if all(a is b for a, b in zip(inner, items, strict=True)) else nodes.Items(node.place, inner)
        case _:
            return node


def text(node: nodes.Node, name: str) -> str | None:
    """The text of an entry of a mapping; None where there is none."""
    entry = node.entries.get(name) if isinstance(node, nodes.Table) else None
    return entry.node.text if entry and isinstance(entry.node, nodes.Scalar) and entry.node.kind != "null" else None


def table(place: diagnosis.Place, values: Mapping[str, nodes.Node | str | None]) -> nodes.Table:
    """A mapping of nodes, and of texts that are written at its own place; None is left out."""
    entries: dict[str, nodes.Entry] = {}
    for name, value in values.items():
        if value is not None:
            node = nodes.Scalar(place, value) if isinstance(value, str) else value
            entries[name] = nodes.Entry(node.place, node)
    return nodes.Table(place, entries)


def replaced(node: nodes.Table, values: Mapping[str, nodes.Node | None]) -> nodes.Table:
    """The mapping with other values for these names; None takes a name away."""
    entries = dict(node.entries)
    for name, value in values.items():
        if value is None:
            entries.pop(name, None)
        else:
            entries[name] = nodes.Entry(entries[name].place if name in entries else value.place, value)
    return nodes.Table(node.place, entries)
