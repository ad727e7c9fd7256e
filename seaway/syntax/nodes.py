"""Nodes of strict YAML with their locations. ``yaml_parser`` makes them.

Scalars follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema) and keep their text:
``no``, ``22:22``, ``0755`` and dates are text, and ``1.10`` is still "1.10" where text is wanted. One difference: a
number with a leading zero is text, since Docker, YAML 1.1 and YAML 1.2 read it as three different numbers.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from seaway.syntax import diagnosis

ScalarKind = Literal["text", "int", "float", "bool", "null"]

_SCALAR_PATTERNS: tuple[tuple[ScalarKind, re.Pattern[str]], ...] = (
    ("null", re.compile(r"null|Null|NULL|~|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?(0|[1-9][0-9]{0,17})|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")),
    (
        "float",
        re.compile(
            r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
        ),
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class ScalarNode:
    """A scalar: its text as it is written, and its kind in YAML."""

    location: diagnosis.SourceLocation
    text: str
    kind: ScalarKind = "text"


@dataclasses.dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    location: diagnosis.SourceLocation
    items: tuple["Node", ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """A value of a mapping, with the location of its key."""

    location: diagnosis.SourceLocation
    node: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping, in the order of the file."""

    location: diagnosis.SourceLocation
    pairs: Mapping[str, Pair] = dataclasses.field(default_factory=dict[str, Pair])


@dataclasses.dataclass(frozen=True, slots=True)
class EncryptedNode:
    """A secret value of a stack. The node has only its location."""

    location: diagnosis.SourceLocation


Node = ScalarNode | SequenceNode | MappingNode | EncryptedNode


def parse_scalar(text: str, location: diagnosis.SourceLocation) -> ScalarNode:
    """An unquoted scalar."""
    return ScalarNode(location, text, _infer_kind(text))


def _infer_kind(text: str) -> ScalarKind:
    for kind, pattern in _SCALAR_PATTERNS:
        if pattern.fullmatch(text):
            return kind
    return "text"


def to_int(node: ScalarNode) -> int:
    """The number of a scalar of kind "int"."""
    return int(node.text, 0 if node.text.startswith(("0o", "0x")) else 10)


def describe_node(node: Node) -> str:
    """The value as a message shows it: short, and text in quotes."""
    match node:
        case ScalarNode(kind="text"):
            return diagnosis.quote(node.text)
        case ScalarNode():
            return (node.text if len(node.text) <= 60 else f"{node.text[:60]}...") or "an empty value"
        case SequenceNode():
            return "a list"
        case MappingNode():
            return "a mapping"
        case EncryptedNode():
            return "an encrypted value"


def get_pairs(node: Node | None, key: str) -> Mapping[str, Pair]:
    """The pairs of the mapping below ``key``; empty if there is no such mapping."""
    pair = node.pairs.get(key) if isinstance(node, MappingNode) else None
    return pair.node.pairs if pair and isinstance(pair.node, MappingNode) else {}


def join_path(path: str, key: str) -> str:
    """The path of a key, or of the index of an element: ``services.web``, ``seaway:registry``."""
    return f"{path}{key}" if not path or path.endswith(":") else f"{path}.{key}"


def list_parts(node: Node, path: str) -> Iterator[tuple[str, diagnosis.SourceLocation, Node]]:
    """The values of a mapping or the elements of a list, with their paths and the locations of their keys."""
    match node:
        case MappingNode(pairs=pairs):
            yield from ((join_path(path, key), pair.location, pair.node) for key, pair in pairs.items())
        case SequenceNode(items=items):
            yield from ((join_path(path, str(number)), part.location, part) for number, part in enumerate(items))
        case _:
            pass


def list_locations(node: Node, path: str) -> Iterator[tuple[str, diagnosis.SourceLocation]]:
    """The paths of all values below a node, with their locations."""
    for part_path, location, part in list_parts(node, path):
        yield part_path, location
        yield from list_locations(part, part_path)


def remove_key(node: Node, key: str) -> Node:
    """The mapping without one of its keys; any other node unchanged."""
    if not isinstance(node, MappingNode):
        return node
    return MappingNode(node.location, {name: pair for name, pair in node.pairs.items() if name != key})


def list_names(node: Node, key: str) -> list[str]:
    """The names below one key of a mapping, which has a mapping or a list of names as its value."""
    pair = node.pairs.get(key) if isinstance(node, MappingNode) else None
    match pair and pair.node:
        case MappingNode(pairs=pairs):
            return list(pairs)
        case SequenceNode(items=names):
            return [name.text for name in names if isinstance(name, ScalarNode)]
        case _:
            return []


def to_plain(node: Node) -> Any:  # noqa: PLR0911 - one return a kind
    """The node as a plain Python value. An encrypted value is None."""
    match node:
        case ScalarNode(kind="int"):
            return to_int(node)
        case ScalarNode(kind="float"):
            return float(node.text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        case ScalarNode(kind="bool"):
            return node.text.lower() == "true"
        case ScalarNode(kind="text"):
            return node.text
        case SequenceNode():
            return [to_plain(element) for element in node.items]
        case MappingNode():
            return {key: to_plain(pair.node) for key, pair in node.pairs.items()}
        case _:
            return None


def from_plain(value: Any, location: diagnosis.SourceLocation | str) -> Node:
    """Nodes from a plain Python value (of JSON's types), all at one location; a text is the name of a file."""
    location = diagnosis.SourceLocation(location) if isinstance(location, str) else location
    match value:
        case Mapping():
            inner = cast("Mapping[str, Any]", value)
            pairs = {str(key): Pair(location, from_plain(plain, location)) for key, plain in inner.items()}
            return MappingNode(location, pairs)
        case list() | tuple():
            elements = cast("Sequence[Any]", value)
            return SequenceNode(location, tuple(from_plain(plain, location) for plain in elements))
        case None:
            return ScalarNode(location, "null", "null")
        case bool():
            return ScalarNode(location, str(value).lower(), "bool")
        case int() | float():
            return ScalarNode(location, str(value), "int" if isinstance(value, int) else "float")
        case _:
            return ScalarNode(location, str(value))


def merge(base: Node, overlay: Node) -> Node:
    """``base`` with the changes of ``overlay``; each value keeps its location.

    Mappings merge key by key, and ``null`` in the overlay removes a key. Any other value replaces the one in the base.
    A mapping over a list of names is merged with the mapping of these names to nothing, so ``secrets: [A]`` and
    ``secrets: {B: {generate: 32}}`` give both; a list over a mapping or a list replaces it.
    """
    if not isinstance(overlay, MappingNode):
        return overlay
    if isinstance(base, SequenceNode) and all(isinstance(name, ScalarNode) for name in base.items):
        names = [name for name in base.items if isinstance(name, ScalarNode)]
        pairs = {name.text: Pair(name.location, parse_scalar("", name.location)) for name in names}
        base = MappingNode(base.location, pairs)
    if not isinstance(base, MappingNode):
        return overlay
    merged = dict(base.pairs)
    for key, pair in overlay.pairs.items():
        if key not in merged:
            merged[key] = pair
        elif isinstance(pair.node, ScalarNode) and pair.node.kind == "null":
            del merged[key]
        else:
            location = merged[key].location if isinstance(pair.node, MappingNode) else pair.location
            merged[key] = Pair(location, merge(merged[key].node, pair.node))
    return MappingNode(base.location, merged)


def remove_pairs_at(node: Node, locations: Collection[diagnosis.SourceLocation]) -> Node:
    """The node without the pairs of mappings that are at these locations."""
    if not isinstance(node, MappingNode):
        return node
    pairs = {
        key: Pair(pair.location, remove_pairs_at(pair.node, locations))
        for key, pair in node.pairs.items()
        if pair.location not in locations
    }
    return MappingNode(node.location, pairs)
