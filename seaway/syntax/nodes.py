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

_MARKS = ("!reset", "!override")
_TEXT = "tag:yaml.org,2002:str"
_CORE = (_TEXT, *(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "map", "seq", "merge")))

Kind = Literal["text", "int", "float", "bool", "null"]

_PLAIN: tuple[tuple[Kind, re.Pattern[str]], ...] = (
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
class Scalar:
    """One value: its text, as written, and what YAML takes it for."""

    place: diagnosis.Place
    text: str
    kind: Kind = "text"


@dataclasses.dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: diagnosis.Place
    items: tuple["Node", ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A value of a mapping, with the place of its key."""

    place: diagnosis.Place
    node: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A mapping, in the order that it was written."""

    place: diagnosis.Place
    entries: Mapping[str, Entry] = dataclasses.field(default_factory=dict[str, Entry])


@dataclasses.dataclass(frozen=True, slots=True)
class Secure:
    """A secret value of a stack: it is there, and it is not here."""

    place: diagnosis.Place


Node = Scalar | Items | Table | Secure


def scalar(text: str, place: diagnosis.Place) -> Scalar:
    """An unquoted value."""
    return Scalar(place, text, _kind(text))


def _kind(text: str) -> Kind:
    for kind, pattern in _PLAIN:
        if pattern.fullmatch(text):
            return kind
    return "text"


def whole(node: Scalar) -> int:
    """The number of a scalar of kind "int"."""
    return int(node.text, 0 if node.text.startswith(("0o", "0x")) else 10)


def shown(node: Node) -> str:
    """A value as a message shows it: short, and text in quotes."""
    match node:
        case Scalar(kind="text"):
            return diagnosis.quoted(node.text)
        case Scalar():
            return (node.text if len(node.text) <= 60 else f"{node.text[:60]}...") or "an empty value"
        case Items():
            return "a list"
        case Table():
            return "a mapping"
        case Secure():
            return "an encrypted value"


def inside(node: Node | None, key: str) -> Mapping[str, Entry]:
    """The entries of the mapping under ``key``; none where there is no such thing."""
    entry = node.entries.get(key) if isinstance(node, Table) else None
    return entry.node.entries if entry and isinstance(entry.node, Table) else {}


def drop(node: Node, key: str) -> Node:
    """A mapping without one of its keys; any other node as it is."""
    if not isinstance(node, Table):
        return node
    return Table(node.place, {name: entry for name, entry in node.entries.items() if name != key})


def names(node: Node, kind: str) -> list[str]:
    """The names under one key of a mapping, which holds a mapping or a list of names."""
    entry = node.entries.get(kind) if isinstance(node, Table) else None
    match entry and entry.node:
        case Table(entries=entries):
            return list(entries)
        case Items(items=items):
            return [item.text for item in items if isinstance(item, Scalar)]
        case _:
            return []


def plain(node: Node) -> Any:  # noqa: PLR0911 - one return a kind
    """The node as a plain Python value. A secret value is None."""
    match node:
        case Scalar(kind="int"):
            return whole(node)
        case Scalar(kind="float"):
            return float(node.text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        case Scalar(kind="bool"):
            return node.text.lower() == "true"
        case Scalar(kind="text"):
            return node.text
        case Items():
            return [plain(item) for item in node.items]
        case Table():
            return {key: plain(entry.node) for key, entry in node.entries.items()}
        case _:
            return None


def of(value: Any, file: str) -> Node:
    """Nodes without lines from a plain Python value (of JSON's types)."""
    place = diagnosis.Place(file)
    match value:
        case None:
            return Scalar(place, "null", "null")
        case bool():
            return Scalar(place, str(value).lower(), "bool")
        case int() | float():
            return scalar(str(value), place)
        case Mapping():
            table = cast("Mapping[str, Any]", value)
            return Table(place, {str(key): Entry(place, of(inner, file)) for key, inner in table.items()})
        case list() | tuple():
            return Items(place, tuple(of(item, file) for item in cast("Sequence[Any]", value)))
        case _:
            return Scalar(place, str(value))


def merge(base: Node, overlay: Node) -> Node:
    """``overlay`` laid over ``base``; each value keeps its place.

    Mappings merge key by key, and ``null`` in the overlay takes a key away. Anything else replaces what is there.
    A list of names meets a mapping as the mapping of those names to nothing, so ``secrets: [A]`` and
    ``secrets: {B: {generate: 32}}`` give both; a list over a mapping or a list replaces it.
    """
    if not isinstance(overlay, Table):
        return overlay
    if isinstance(base, Items) and all(isinstance(item, Scalar) for item in base.items):
        listed = [item for item in base.items if isinstance(item, Scalar)]
        base = Table(base.place, {item.text: Entry(item.place, scalar("", item.place)) for item in listed})
    if not isinstance(base, Table):
        return overlay
    merged = dict(base.entries)
    for key, entry in overlay.entries.items():
        if key not in merged:
            merged[key] = entry
        elif isinstance(entry.node, Scalar) and entry.node.kind == "null":
            del merged[key]
        else:
            inner = merge(merged[key].node, entry.node)
            merged[key] = Entry(merged[key].place if isinstance(entry.node, Table) else entry.place, inner)
    return Table(base.place, merged)


def without(node: Node, places: Collection[diagnosis.Place]) -> Node:
    """The node without the entries of mappings that were written at these places."""
    if not isinstance(node, Table):
        return node
    kept = {key: entry for key, entry in node.entries.items() if entry.place not in places}
    return Table(node.place, {key: Entry(entry.place, without(entry.node, places)) for key, entry in kept.items()})


def parse(
    text: str | bytes,
    file: str,
    *,
    at: diagnosis.Place | None = None,
    tags: dict[diagnosis.Place, str] | None = None,
    scale: int = 1,
) -> Node:
    """The one document of a file. ``at``: the place of everything in it, for a text inside another file.

    ``scale``: how many times the usual number of characters and values it may have.

    ``tags``: where those that Compose knows are noted, by the place of their value; without it every tag is wrong.

    Raises problems.Invalid: no UTF-8, no YAML, a duplicate key, a tag, more than one document, too big, too deep.
    """
    start = at or diagnosis.Place(file, 1, 1)
    try:
        text = text.decode("utf-8-sig") if isinstance(text, bytes) else text.encode().decode("utf-8-sig")
    except UnicodeError as error:
        wrong = f"is no UTF-8 text (byte {getattr(error, 'start', 0)})"
        raise _invalid(start, wrong, "save it as UTF-8") from None
    if len(text) > (limit := MAX_CHARACTERS * scale):
        wrong = f"has {len(text)} characters"
        raise _invalid(start, wrong, f"keep it under {limit}; long texts belong in files of their own")
    builder = _Builder(file, at, tags, MAX_NODES * scale)
    try:
        root = builder.document(cast(Any, yaml).parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        said = " ".join(part for part in (error.context, error.problem) if part)
        raise _invalid(builder.place(error.problem_mark), f"is no valid YAML: {said}", _syntax(said)) from None
    except yaml.YAMLError as error:
        said = str(getattr(error, "reason", "it cannot be read"))
        raise _invalid(start, f"is no valid YAML: {said}", "remove the control characters") from None
    if builder.found:
        raise diagnosis.Invalid(builder.found)
    return root or Scalar(start, "", "null")


def _syntax(said: str) -> str:
    if "\\t" in said or "tab" in said or "cannot start any token" in said:
        return "indent with spaces, and quote a value that begins with a special character"
    return "check the indentation, the brackets and the quotes here and in the line before"


def _invalid(place: diagnosis.Place, wrong: str, remedy: str) -> diagnosis.Invalid:
    return diagnosis.Invalid([diagnosis.Problem(place, "", wrong, remedy)])


@dataclasses.dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    place: diagnosis.Place
    anchor: str | None
    items: list[Node] | None
    entries: dict[str, Entry]
    key: tuple[str, diagnosis.Place] | None = None
    size: int = 1


class _Builder:
    """Nodes from the parser's events, without recursion: depth costs no stack, and a bound is a comparison."""

    def __init__(
        self, file: str, at: diagnosis.Place | None, tags: dict[diagnosis.Place, str] | None, limit: int
    ) -> None:
        self.file = file
        self.limit = limit
        self.at = at
        self.tags = tags
        self.found: list[diagnosis.Problem] = []
        self.anchors: dict[str, tuple[Node | None, int]] = {}
        self.open: list[_Open] = []
        self.root: Node | None = None
        self.size = 0

    def place(self, mark: Any) -> diagnosis.Place:
        if self.at:
            return self.at
        return diagnosis.Place(self.file, mark.line + 1, mark.column + 1) if mark else diagnosis.Place(self.file, 1, 1)

    def document(self, events: Iterator[Any]) -> Node | None:
        documents = 0
        for event in events:
            place = self.place(event.start_mark)
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise _invalid(place, "begins a second document", "keep one document a file; remove `---`")
                case yaml.ScalarEvent():
                    self._tag(event, place)
                    plainly = not event.style and event.tag != _TEXT
                    node = scalar(event.value, place) if plainly else Scalar(place, event.value)
                    self._add(node, 1, event.anchor)
                case yaml.AliasEvent():
                    node, size = self._named(event.anchor, place)
                    self._add(node, size, None)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._tag(event, place)
                    listing = isinstance(event, yaml.SequenceStartEvent)
                    self._start(_Open(place, event.anchor, [] if listing else None, {}))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    done = self.open.pop()
                    closed = (
                        Table(done.place, done.entries) if done.items is None else Items(done.place, tuple(done.items))
                    )
                    self._add(closed, done.size, done.anchor)
                case _:
                    pass
        return self.root

    def _tag(self, event: Any, place: diagnosis.Place) -> None:
        if event.tag is None or (self.tags is not None and event.tag in _CORE):
            return
        names = self.open and self.open[-1].items is None and self.open[-1].key is None
        if self.tags is not None and event.tag in _MARKS and not names:
            self.tags[place] = event.tag
        else:
            self.found.append(
                diagnosis.Problem(
                    place, "", f"the tag {event.tag} has no meaning here", "remove it; quote a value to make it text"
                )
            )

    def _start(self, opened: _Open) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise _invalid(opened.place, f"is nested more than {MAX_DEPTH} deep", "flatten it")
        if self.open and self.open[-1].items is None and self.open[-1].key is None:
            raise _invalid(
                opened.place, "a list or mapping is no key", "write a name; put quotes round it if it has brackets"
            )
        if opened.anchor:
            self.anchors[opened.anchor] = (None, 0)
        self.open.append(opened)

    def _named(self, anchor: str, place: diagnosis.Place) -> tuple[Node, int]:
        if anchor not in self.anchors:
            raise _invalid(place, f"*{anchor} names nothing", f"define &{anchor} above it, or quote the value")
        node, size = self.anchors[anchor]
        if node is None:
            raise _invalid(place, f"*{anchor} contains itself", "write the value out")
        return node, size

    def _add(self, node: Node, size: int, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = (node, size)
        if not self.open:
            self.root = node
            return
        inside = self.open[-1]
        inside.size += size
        if inside.size > self.limit:
            raise _invalid(
                node.place, f"has more than {self.limit} values", "split it; an alias counts as all that it names"
            )
        if inside.items is not None:
            inside.items.append(node)
        elif inside.key is None:
            inside.key = self._key(node, inside)
        else:
            name, place = inside.key
            inside.entries[name] = Entry(place, node)
            inside.key = None

    def _key(self, node: Node, inside: _Open) -> tuple[str, diagnosis.Place]:
        """A key is its text: ``8000`` and ``no`` are names like any other."""
        name = node.text if isinstance(node, Scalar) else ""
        if not name:
            raise _invalid(node.place, f"{shown(node)} is no key", "write a name before the colon")
        if name in inside.entries:
            first = inside.entries[name].place
            wrong = f"the key {diagnosis.quoted(name)} was written before, in line {first.line}"
            self.found.append(diagnosis.Problem(node.place, "", wrong, "keep one of the two"))
        return name, node.place
