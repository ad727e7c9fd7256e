"""Strict YAML as nodes that know where they were written.

Scalars follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema) and keep their text:
``no``, ``22:22``, ``0755`` and dates are text, and ``1.10`` is still "1.10" where text is wanted. One difference:
a number with a leading zero is text, since Docker, YAML 1.1 and YAML 1.2 read three different numbers from it.
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
"""Far beyond any application; what is bigger is a mistake or an attack (an alias may multiply what it names)."""

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
# libyaml when it is there: the pure Python parser reads the same, ten times slower.
_LOADER = cast(Any, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@dataclasses.dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value: its text, as written, and what YAML takes it for."""

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
    """A value of a mapping, with the place of its key."""

    location: diagnosis.SourceLocation
    node: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping, in the order that it was written."""

    location: diagnosis.SourceLocation
    pairs: Mapping[str, Pair] = dataclasses.field(default_factory=dict[str, Pair])


@dataclasses.dataclass(frozen=True, slots=True)
class EncryptedNode:
    """A secret value of a stack: it is there, and it is not here."""

    location: diagnosis.SourceLocation


Node = ScalarNode | SequenceNode | MappingNode | EncryptedNode


def parse_scalar(text: str, location: diagnosis.SourceLocation) -> ScalarNode:
    """An unquoted value."""
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
    """A value as a message shows it: short, and text in quotes."""
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
    """The entries of the mapping under ``key``; none where there is no such thing."""
    entry = node.pairs.get(key) if isinstance(node, MappingNode) else None
    return entry.node.pairs if entry and isinstance(entry.node, MappingNode) else {}


def remove_key(node: Node, key: str) -> Node:
    """A mapping without one of its keys; any other node as it is."""
    if not isinstance(node, MappingNode):
        return node
    return MappingNode(node.location, {name: entry for name, entry in node.pairs.items() if name != key})


def list_names(node: Node, key: str) -> list[str]:
    """The names under one key of a mapping, which holds a mapping or a list of names."""
    entry = node.pairs.get(key) if isinstance(node, MappingNode) else None
    match entry and entry.node:
        case MappingNode(pairs=entries):
            return list(entries)
        case SequenceNode(items=items):
            return [item.text for item in items if isinstance(item, ScalarNode)]
        case _:
            return []


def to_plain(node: Node) -> Any:  # noqa: PLR0911 - one return a kind
    """The node as a plain Python value. A secret value is None."""
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
            return [to_plain(item) for item in node.items]
        case MappingNode():
            return {key: to_plain(entry.node) for key, entry in node.pairs.items()}
        case _:
            return None


def from_plain(value: Any, file: str) -> Node:
    """Nodes without lines from a plain Python value (of JSON's types)."""
    place = diagnosis.SourceLocation(file)
    match value:
        case None:
            return ScalarNode(place, "null", "null")
        case bool():
            return ScalarNode(place, str(value).lower(), "bool")
        case int() | float():
            return parse_scalar(str(value), place)
        case Mapping():
            table = cast("Mapping[str, Any]", value)
            return MappingNode(place, {str(key): Pair(place, from_plain(inner, file)) for key, inner in table.items()})
        case list() | tuple():
            return SequenceNode(place, tuple(from_plain(item, file) for item in cast("Sequence[Any]", value)))
        case _:
            return ScalarNode(place, str(value))


def merge(base: Node, overlay: Node) -> Node:
    """``overlay`` laid over ``base``; each value keeps its place.

    Mappings merge key by key, and ``null`` in the overlay takes a key away. Anything else replaces what is there.
    A list of names meets a mapping as the mapping of those names to nothing, so ``secrets: [A]`` and
    ``secrets: {B: {generate: 32}}`` give both; a list over a mapping or a list replaces it.
    """
    if not isinstance(overlay, MappingNode):
        return overlay
    if isinstance(base, SequenceNode) and all(isinstance(item, ScalarNode) for item in base.items):
        listed = [item for item in base.items if isinstance(item, ScalarNode)]
        base = MappingNode(
            base.location, {item.text: Pair(item.location, parse_scalar("", item.location)) for item in listed}
        )
    if not isinstance(base, MappingNode):
        return overlay
    merged = dict(base.pairs)
    for key, entry in overlay.pairs.items():
        if key not in merged:
            merged[key] = entry
        elif isinstance(entry.node, ScalarNode) and entry.node.kind == "null":
            del merged[key]
        else:
            inner = merge(merged[key].node, entry.node)
            merged[key] = Pair(merged[key].location if isinstance(entry.node, MappingNode) else entry.location, inner)
    return MappingNode(base.location, merged)


def remove_pairs_at(node: Node, locations: Collection[diagnosis.SourceLocation]) -> Node:
    """The node without the entries of mappings that were written at these places."""
    if not isinstance(node, MappingNode):
        return node
    kept = {key: entry for key, entry in node.pairs.items() if entry.location not in locations}
    return MappingNode(
        node.location,
        {key: Pair(entry.location, remove_pairs_at(entry.node, locations)) for key, entry in kept.items()},
    )


def parse(
    text: str | bytes,
    file: str,
    *,
    location: diagnosis.SourceLocation | None = None,
    compose_tags: dict[diagnosis.SourceLocation, str] | None = None,
    limit_factor: int = 1,
) -> Node:
    """The one document of a file. ``at``: the place of everything in it, for a text inside another file.

    ``scale``: how many times the usual number of characters and values it may have.

    ``tags``: where those that Compose knows are noted, by the place of their value; without it every tag is wrong.

    Raises diagnosis.InvalidInput: no UTF-8, no YAML, a duplicate key, a tag, more than one document, too big, too deep.
    """
    start = location or diagnosis.SourceLocation(file, 1, 1)
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text.encode().decode("utf-8-sig")
    except UnicodeError as error:
        wrong = f"is no UTF-8 text (byte {getattr(error, 'start', 0)})"
        raise _make_error(start, wrong, "save it as UTF-8") from None
    if len(text) > (limit := MAX_CHARACTERS * limit_factor):
        wrong = f"has {len(text)} characters"
        raise _make_error(start, wrong, f"keep it under {limit}; long texts belong in files of their own")
    builder = _Builder(file, location, compose_tags, MAX_NODES * limit_factor)
    try:
        root = builder.build_document(cast(Any, yaml).parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise _make_error(
            builder.locate(error.problem_mark), f"is no valid YAML: {said}", _suggest_syntax_fix(said)
        ) from None
    except yaml.YAMLError as error:
        said = str(getattr(error, "reason", "it cannot be read"))
        raise _make_error(start, f"is no valid YAML: {said}", "remove the control characters") from None
    if builder.diagnostics:
        raise diagnosis.InvalidInput(builder.diagnostics)
    return root or ScalarNode(start, "", "null")


def _suggest_syntax_fix(parser_message: str) -> str:
    if "\\t" in parser_message or "tab" in parser_message or "cannot start any token" in parser_message:
        return "indent with spaces, and quote a value that begins with a special character"
    return "check the indentation, the brackets and the quotes here and in the line before"


def _make_error(location: diagnosis.SourceLocation, message: str, hint: str) -> diagnosis.InvalidInput:
    return diagnosis.InvalidInput([diagnosis.Diagnostic(location, "", message, hint)])


@dataclasses.dataclass(slots=True)
class _OpenNode:
    """A list or mapping whose end has not come yet."""

    place: diagnosis.SourceLocation
    anchor: str | None
    items: list[Node] | None
    entries: dict[str, Pair]
    key: tuple[str, diagnosis.SourceLocation] | None = None
    size: int = 1


class _Builder:
    """Nodes from the parser's events, without recursion: depth costs no stack, and a bound is a comparison."""

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
        self.open_nodes: list[_OpenNode] = []
        self.root: Node | None = None
        self.size = 0

    def locate(self, mark: Any) -> diagnosis.SourceLocation:
        if self.fixed_location:
            return self.fixed_location
        return (
            diagnosis.SourceLocation(self.file, mark.line + 1, mark.column + 1)
            if mark
            else diagnosis.SourceLocation(self.file, 1, 1)
        )

    def build_document(self, events: Iterator[Any]) -> Node | None:
        documents = 0
        for event in events:
            place = self.locate(event.start_mark)
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise _make_error(place, "begins a second document", "keep one document a file; remove `---`")
                case yaml.ScalarEvent():
                    self._check_tag(event, place)
                    plainly = not event.style and event.tag != _STR_TAG
                    node = parse_scalar(event.value, place) if plainly else ScalarNode(place, event.value)
                    self._add_node(node, 1, event.anchor)
                case yaml.AliasEvent():
                    node, size = self._resolve_alias(event.anchor, place)
                    self._add_node(node, size, None)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._check_tag(event, place)
                    listing = isinstance(event, yaml.SequenceStartEvent)
                    self._open_node(_OpenNode(place, event.anchor, [] if listing else None, {}))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    done = self.open_nodes.pop()
                    closed = (
                        MappingNode(done.place, done.entries)
                        if done.items is None
                        else SequenceNode(done.place, tuple(done.items))
                    )
                    self._add_node(closed, done.size, done.anchor)
                case _:
                    pass
        return self.root

    def _check_tag(self, event: Any, location: diagnosis.SourceLocation) -> None:
        if event.tag is None or (self.compose_tags is not None and event.tag in _CORE_TAGS):
            return
        names = self.open_nodes and self.open_nodes[-1].items is None and self.open_nodes[-1].key is None
        if self.compose_tags is not None and event.tag in _COMPOSE_TAGS and not names:
            self.compose_tags[location] = event.tag
        else:
            self.diagnostics.append(
                diagnosis.Diagnostic(
                    location, "", f"the tag {event.tag} has no meaning here", "remove it; quote a value to make it text"
                )
            )

    def _open_node(self, node: _OpenNode) -> None:
        if len(self.open_nodes) >= MAX_DEPTH:
            raise _make_error(node.place, f"is nested more than {MAX_DEPTH} deep", "flatten it")
        if self.open_nodes and self.open_nodes[-1].items is None and self.open_nodes[-1].key is None:
            raise _make_error(
                node.place, "a list or mapping is no key", "write a name; put quotes round it if it has brackets"
            )
        if node.anchor:
            self.anchors[node.anchor] = (None, 0)
        self.open_nodes.append(node)

    def _resolve_alias(self, anchor: str, location: diagnosis.SourceLocation) -> tuple[Node, int]:
        if anchor not in self.anchors:
            raise _make_error(location, f"*{anchor} names nothing", f"define &{anchor} above it, or quote the value")
        node, size = self.anchors[anchor]
        if node is None:
            raise _make_error(location, f"*{anchor} contains itself", "write the value out")
        return node, size

    def _add_node(self, node: Node, size: int, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = (node, size)
        if not self.open_nodes:
            self.root = node
            return
        inside = self.open_nodes[-1]
        inside.size += size
        if inside.size > self.limit:
            raise _make_error(
                node.location, f"has more than {self.limit} values", "split it; an alias counts as all that it names"
            )
        if inside.items is not None:
            inside.items.append(node)
        elif inside.key is None:
            inside.key = self._read_key(node, inside)
        else:
            name, place = inside.key
            inside.entries[name] = Pair(place, node)
            inside.key = None

    def _read_key(self, node: Node, mapping: _OpenNode) -> tuple[str, diagnosis.SourceLocation]:
        """A key is its text: ``8000`` and ``no`` are names like any other."""
        name = node.text if isinstance(node, ScalarNode) else ""
        if not name:
            raise _make_error(node.location, f"{describe_node(node)} is no key", "write a name before the colon")
        if name in mapping.entries:
            first = mapping.entries[name].location
            wrong = f"the key {diagnosis.quote(name)} was written before, in line {first.line}"
            self.diagnostics.append(diagnosis.Diagnostic(node.location, "", wrong, "keep one of the two"))
        return name, node.location
