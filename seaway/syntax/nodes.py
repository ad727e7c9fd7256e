"""Strict YAML as nodes with their locations.

Scalars follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema) and keep their text:
``no``, ``22:22``, ``0755`` and dates are text, and ``1.10`` is still "1.10" where text is wanted. One difference: a
number with a leading zero is text, since Docker, YAML 1.1 and YAML 1.2 read it as three different numbers.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

import yaml

from seaway.syntax import diagnosis

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 40
MAX_NODES = 100_000
"""Far beyond any application: a bigger file is a mistake or an attack (each alias counts as a copy)."""

_COMPOSE_TAGS = ("!reset", "!override")
_STR_TAG = "tag:yaml.org,2002:str"
_CORE_TAGS = (
    _STR_TAG,
    *(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "map", "seq", "merge")),
)

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
# libyaml if it is available: the parser in Python gives the same result ten times slower.
_LOADER = cast(Any, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


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


def parse(
    text: str | bytes,
    file: str,
    *,
    location: diagnosis.SourceLocation | None = None,
    compose_tags: dict[diagnosis.SourceLocation, str] | None = None,
    limit_factor: int = 1,
) -> Node:
    """The document of a file.

    Args:
        text: the content of the file.
        file: its name in messages.
        location: the location of all nodes, for a text inside another file.
        compose_tags: collects the tags of Docker Compose, by the location of their value. None: each tag is an error.
        limit_factor: how many times the usual number of characters and values it may have.

    Raises diagnosis.InvalidInput: not UTF-8, not YAML, a duplicate key, a tag, a second document, too big, too deep.
    """
    start = location or diagnosis.SourceLocation(file, 1, 1)
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text.encode().decode("utf-8-sig")
    except UnicodeError as error:
        message = f"is not UTF-8 text (byte {getattr(error, 'start', 0)})"
        raise diagnosis.reject(start, "", "invalid-encoding", message, "save it as UTF-8") from None
    if len(text) > (limit := MAX_CHARACTERS * limit_factor):
        hint = f"keep it under {limit}; long texts belong in files of their own"
        raise diagnosis.reject(start, "", "file-too-large", f"has {len(text)} characters", hint)
    builder = _Builder(file, location, compose_tags, MAX_NODES * limit_factor)
    try:
        root = builder.build_document(cast(Any, yaml).parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        reason = " ".join(part for part in (error.context, error.problem) if part)
        mark = builder.locate(error.problem_mark)
        message, hint = f"is not valid YAML: {reason}", _suggest_syntax_fix(reason)
        raise diagnosis.reject(mark, "", "invalid-yaml", message, hint) from None
    except yaml.YAMLError as error:
        message = f"is not valid YAML: {getattr(error, 'reason', 'it cannot be read')}"
        raise diagnosis.reject(start, "", "invalid-yaml", message, "remove the control characters") from None
    if builder.diagnostics:
        raise diagnosis.InvalidInput(builder.diagnostics)
    return root or ScalarNode(start, "", "null")


def _suggest_syntax_fix(parser_message: str) -> str:
    if "\\t" in parser_message or "tab" in parser_message or "cannot start any token" in parser_message:
        return "indent with spaces, and quote a value that begins with a special character"
    return "check the indentation, the brackets and the quotes here and in the line before"


@dataclasses.dataclass(slots=True)
class _OpenNode:
    """A list or mapping whose end has not been reached."""

    location: diagnosis.SourceLocation
    anchor: str | None
    items: list[Node] | None
    """The elements of a list. None: it is a mapping."""
    pairs: dict[str, Pair] = dataclasses.field(default_factory=dict[str, Pair])
    key: tuple[str, diagnosis.SourceLocation] | None = None
    size: int = 1

    def expects_key(self) -> bool:
        return self.items is None and self.key is None

    def close(self) -> Node:
        if self.items is None:
            return MappingNode(self.location, self.pairs)
        return SequenceNode(self.location, tuple(self.items))


class _Builder:
    """Builds nodes from the parser's events without recursion: depth needs no stack, and a limit is a comparison."""

    def __init__(
        self,
        file: str,
        location: diagnosis.SourceLocation | None,
        tags: dict[diagnosis.SourceLocation, str] | None,
        limit: int,
    ) -> None:
        self.file = file
        self.limit = limit
        self.fixed_location = location
        self.compose_tags = tags
        self.diagnostics: list[diagnosis.Diagnostic] = []
        self.anchors: dict[str, tuple[Node | None, int]] = {}
        """The node of an anchor and its size. None: its end has not been reached."""
        self.open_nodes: list[_OpenNode] = []
        self.root: Node | None = None

    def locate(self, mark: Any) -> diagnosis.SourceLocation:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return self.fixed_location or diagnosis.SourceLocation(self.file, line, column)

    def build_document(self, events: Iterator[Any]) -> Node | None:
        documents = 0
        for event in events:
            location = self.locate(event.start_mark)
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        hint = "keep one document per file; remove `---`"
                        raise diagnosis.reject(location, "", "invalid-yaml", "begins a second document", hint)
                case yaml.ScalarEvent():
                    self._check_tag(event, location)
                    is_plain = not event.style and event.tag != _STR_TAG
                    node = parse_scalar(event.value, location) if is_plain else ScalarNode(location, event.value)
                    self._add_node(node, 1, event.anchor)
                case yaml.AliasEvent():
                    node, size = self._resolve_alias(event.anchor, location)
                    self._add_node(node, size, None)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._check_tag(event, location)
                    items: list[Node] | None = [] if isinstance(event, yaml.SequenceStartEvent) else None
                    self._open_node(_OpenNode(location, event.anchor, items))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    closed = self.open_nodes.pop()
                    self._add_node(closed.close(), closed.size, closed.anchor)
                case _:
                    pass
        return self.root

    def _check_tag(self, event: Any, location: diagnosis.SourceLocation) -> None:
        if event.tag is None or (self.compose_tags is not None and event.tag in _CORE_TAGS):
            return
        is_key = bool(self.open_nodes) and self.open_nodes[-1].expects_key()
        if self.compose_tags is not None and event.tag in _COMPOSE_TAGS and not is_key:
            self.compose_tags[location] = event.tag
        else:
            message, hint = f"the tag {event.tag} is not supported", "remove it; quote a value to make it text"
            self.diagnostics.append(diagnosis.Diagnostic(location, "", message, hint, "unsupported-tag"))

    def _open_node(self, node: _OpenNode) -> None:
        if len(self.open_nodes) >= MAX_DEPTH:
            message = f"is nested more than {MAX_DEPTH} deep"
            raise diagnosis.reject(node.location, "", "file-too-large", message, "flatten it")
        if self.open_nodes and self.open_nodes[-1].expects_key():
            message, hint = "a list or mapping is not a key", "write a name; quote it if it contains brackets"
            raise diagnosis.reject(node.location, "", "invalid-yaml", message, hint)
        if node.anchor:
            self.anchors[node.anchor] = (None, 0)
        self.open_nodes.append(node)

    def _resolve_alias(self, anchor: str, location: diagnosis.SourceLocation) -> tuple[Node, int]:
        if anchor not in self.anchors:
            message, hint = f"there is no anchor {anchor}", f"define &{anchor} above it, or quote the value"
            raise diagnosis.reject(location, "", "unknown-anchor", message, hint)
        node, size = self.anchors[anchor]
        if node is None:
            raise diagnosis.reject(location, "", "invalid-yaml", f"*{anchor} contains itself", "write the value out")
        return node, size

    def _add_node(self, node: Node, size: int, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = (node, size)
        if not self.open_nodes:
            self.root = node
            return
        parent = self.open_nodes[-1]
        parent.size += size
        if parent.size > self.limit:
            message, hint = f"has more than {self.limit} values", "split it; each alias counts as a copy"
            raise diagnosis.reject(node.location, "", "file-too-large", message, hint)
        if parent.items is not None:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._read_key(node, parent)
        else:
            name, location = parent.key
            parent.pairs[name] = Pair(location, node)
            parent.key = None

    def _read_key(self, node: Node, mapping: _OpenNode) -> tuple[str, diagnosis.SourceLocation]:
        """A key is its text: ``8000`` and ``no`` are names like any other."""
        name = node.text if isinstance(node, ScalarNode) else ""
        if not name:
            message = f"{describe_node(node)} is not a key"
            raise diagnosis.reject(node.location, "", "invalid-yaml", message, "write a name before the colon")
        if name in mapping.pairs:
            message = f"the key {diagnosis.quote(name)} is in line {mapping.pairs[name].location.line} too"
            self.diagnostics.append(
                diagnosis.Diagnostic(node.location, "", message, "remove one of the two", "duplicate-key")
            )
        return name, node.location
