"""Rules by path in a compose document: ``services.*.ports``, where ``*`` is any name or number."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeGuard, TypeVar

from seaway.compose import report
from seaway.syntax import diagnosis, nodes

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Errors:
    """The diagnostics of one pass over a document, and the outcomes of keys that it changes."""

    diagnostics: list[diagnosis.Diagnostic] = dataclasses.field(default_factory=list[diagnosis.Diagnostic])
    outcomes: list[report.KeyOutcome] = dataclasses.field(default_factory=list[report.KeyOutcome])

    def add(self, node: nodes.Node | nodes.Pair, path: str, code: str, message: str, hint: str) -> None:
        self.diagnostics.append(diagnosis.Diagnostic(node.location, path, message, hint, code))

    def raise_if_any(self) -> None:
        if self.diagnostics:
            raise diagnosis.InvalidInput(self.diagnostics)


Rule = Callable[[nodes.Node, str, Errors], nodes.Node]
"""Returns what replaces a node, from the node and its path."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tree(Generic[T]):
    """The rule of a path, and those below it."""

    rule: T | None = None
    children: Mapping[str, "Tree[T]"] = dataclasses.field(default_factory=dict[str, "Tree[T]"])

    def get_child(self, name: str) -> "Tree[T] | None":
        return self.children.get(name) or self.children.get("*")


def build(rules: Mapping[str, T]) -> Tree[T]:
    """The rules as a tree: a path finds its rule without a search."""
    children: dict[str, dict[str, T]] = {}
    for path, rule in rules.items():
        first, _, rest = path.partition(".")
        if first:
            children.setdefault(first, {})[rest] = rule
    return Tree(rules.get(""), {name: build(child) for name, child in children.items()})


def for_keys(rule: T, names: str, prefix: str = "services.*") -> dict[str, T]:
    """The rule for several keys below a path, separated by blanks."""
    return dict.fromkeys((f"{prefix}.{name}" for name in names.split()), rule)


def join(path: str, name: str | int) -> str:
    return f"{path}.{name}" if path else str(name)


def apply(node: nodes.Node, rules: Tree[Rule] | None, errors: Errors, path: str = "") -> nodes.Node:
    """Apply all rules, those of parents first."""
    if rules is None:
        return node
    if rules.rule:
        node = rules.rule(node, path, errors)
    if not rules.children:
        return node

    def recurse(child: nodes.Node, name: str | int) -> nodes.Node:
        return apply(child, rules.get_child(str(name)), errors, join(path, name))

    return map_children(node, recurse)


def map_children(node: nodes.Node, change: Callable[[nodes.Node, str | int], nodes.Node]) -> nodes.Node:
    """Replace the children of a node, by name or number."""
    match node:
        case nodes.MappingNode(pairs=pairs):
            changed = {name: nodes.Pair(pair.location, change(pair.node, name)) for name, pair in pairs.items()}
            return nodes.MappingNode(node.location, changed)
        case nodes.SequenceNode(items=children):
            return nodes.SequenceNode(node.location, tuple(change(child, n) for n, child in enumerate(children)))
        case _:
            return node


def apply_to_mapping(root: nodes.MappingNode, rules: Tree[Rule], errors: Errors | None = None) -> nodes.MappingNode:
    """Apply the rules to a whole document."""
    return as_mapping(apply(root, rules, errors or Errors()))


def as_mapping(node: nodes.Node) -> nodes.MappingNode:
    """The mapping that the schema requires here; empty for any other node."""
    return node if isinstance(node, nodes.MappingNode) else nodes.MappingNode(node.location)


def is_null(node: nodes.Node) -> bool:
    return isinstance(node, nodes.ScalarNode) and node.kind == "null"


def is_scalar(node: nodes.Node) -> TypeGuard[nodes.ScalarNode]:
    """Whether it is a scalar other than null."""
    return isinstance(node, nodes.ScalarNode) and node.kind != "null"


def make_null(location: diagnosis.SourceLocation) -> nodes.ScalarNode:
    return nodes.ScalarNode(location, "null", "null")


def make_true(location: diagnosis.SourceLocation) -> nodes.ScalarNode:
    return nodes.ScalarNode(location, "true", "bool")


def get_pair(node: nodes.Node, path: str) -> nodes.Pair | None:
    """The pair at a path of keys."""
    pair: nodes.Pair | None = None
    for key in path.split("."):
        pair = node.pairs.get(key) if isinstance(node, nodes.MappingNode) else None
        if pair is None:
            return None
        node = pair.node
    return pair


def get_node(node: nodes.Node, path: str) -> nodes.Node | None:
    pair = get_pair(node, path)
    return pair.node if pair else None


def get_text(node: nodes.Node, key: str) -> str | None:
    """The text of a key; None: it is missing, null, or not a scalar."""
    child = get_node(node, key)
    return child.text if child is not None and is_scalar(child) else None


def list_items(node: nodes.Node | None) -> tuple[nodes.Node, ...]:
    """The children of a list; empty for any other node."""
    return node.items if isinstance(node, nodes.SequenceNode) else ()


def get_sequence(node: nodes.Node, path: str) -> tuple[nodes.Node, ...]:
    """The children of the list at a path; empty if there is none."""
    return list_items(get_node(node, path))


def list_scalars(node: nodes.Node, path: str) -> list[nodes.ScalarNode]:
    """The scalars of the list at a path."""
    return [child for child in get_sequence(node, path) if isinstance(child, nodes.ScalarNode)]


def make_sequence(location: diagnosis.SourceLocation, texts: Iterable[str]) -> nodes.SequenceNode:
    return nodes.SequenceNode(location, tuple(nodes.ScalarNode(location, text) for text in texts))


def make_mapping(
    location: diagnosis.SourceLocation, fields: Mapping[str, nodes.Node | str | None]
) -> nodes.MappingNode:
    """A mapping of nodes, and of texts at the location. None is omitted."""
    pairs: dict[str, nodes.Pair] = {}
    for name, field in fields.items():
        if field is not None:
            node = nodes.ScalarNode(location, field) if isinstance(field, str) else field
            pairs[name] = nodes.Pair(node.location, node)
    return nodes.MappingNode(location, pairs)


def replace_keys(node: nodes.MappingNode, fields: Mapping[str, nodes.Node | None]) -> nodes.MappingNode:
    """The mapping with other nodes for these keys. None removes a key."""
    pairs = dict(node.pairs)
    for name, field in fields.items():
        if field is None:
            pairs.pop(name, None)
        else:
            pairs[name] = nodes.Pair(pairs[name].location if name in pairs else field.location, field)
    return nodes.MappingNode(node.location, pairs)
