"""The parser of YAML files: one document, without duplicate keys or tags, as ``nodes``."""

import dataclasses
from collections.abc import Iterator
from typing import Any, cast

import yaml

from seaway.syntax import diagnosis, nodes

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

# libyaml if it is available: the parser in Python gives the same result ten times slower.
_LOADER = cast(Any, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def parse(
    text: str | bytes,
    file: str,
    *,
    location: diagnosis.SourceLocation | None = None,
    compose_tags: dict[diagnosis.SourceLocation, str] | None = None,
    limit_factor: int = 1,
) -> nodes.Node:
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
    return root or nodes.ScalarNode(start, "", "null")


def _suggest_syntax_fix(parser_message: str) -> str:
    if "\\t" in parser_message or "tab" in parser_message or "cannot start any token" in parser_message:
        return "indent with spaces, and quote a value that begins with a special character"
    return "check the indentation, the brackets and the quotes here and in the line before"


@dataclasses.dataclass(slots=True)
class _OpenNode:
    """A list or mapping whose end has not been reached."""

    location: diagnosis.SourceLocation
    anchor: str | None
    items: list[nodes.Node] | None
    """The elements of a list. None: it is a mapping."""
    pairs: dict[str, nodes.Pair] = dataclasses.field(default_factory=dict[str, nodes.Pair])
    key: tuple[str, diagnosis.SourceLocation] | None = None
    size: int = 1

    def expects_key(self) -> bool:
        return self.items is None and self.key is None

    def close(self) -> nodes.Node:
        if self.items is None:
            return nodes.MappingNode(self.location, self.pairs)
        return nodes.SequenceNode(self.location, tuple(self.items))


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
        self.anchors: dict[str, tuple[nodes.Node | None, int]] = {}
        """The node of an anchor and its size. None: its end has not been reached."""
        self.open_nodes: list[_OpenNode] = []
        self.root: nodes.Node | None = None

    def locate(self, mark: Any) -> diagnosis.SourceLocation:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return self.fixed_location or diagnosis.SourceLocation(self.file, line, column)

    def build_document(self, events: Iterator[Any]) -> nodes.Node | None:
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
                    node = (
                        nodes.parse_scalar(event.value, location)
                        if is_plain
                        else nodes.ScalarNode(location, event.value)
                    )
                    self._add_node(node, 1, event.anchor)
                case yaml.AliasEvent():
                    node, size = self._resolve_alias(event.anchor, location)
                    self._add_node(node, size, None)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._check_tag(event, location)
                    items: list[nodes.Node] | None = [] if isinstance(event, yaml.SequenceStartEvent) else None
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

    def _resolve_alias(self, anchor: str, location: diagnosis.SourceLocation) -> tuple[nodes.Node, int]:
        if anchor not in self.anchors:
            message, hint = f"there is no anchor {anchor}", f"define &{anchor} above it, or quote the value"
            raise diagnosis.reject(location, "", "unknown-anchor", message, hint)
        node, size = self.anchors[anchor]
        if node is None:
            raise diagnosis.reject(location, "", "invalid-yaml", f"*{anchor} contains itself", "write the value out")
        return node, size

    def _add_node(self, node: nodes.Node, size: int, anchor: str | None) -> None:
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
            parent.pairs[name] = nodes.Pair(location, node)
            parent.key = None

    def _read_key(self, node: nodes.Node, mapping: _OpenNode) -> tuple[str, diagnosis.SourceLocation]:
        """A key is its text: ``8000`` and ``no`` are names like any other."""
        name = node.text if isinstance(node, nodes.ScalarNode) else ""
        if not name:
            message = f"{nodes.describe_node(node)} is not a key"
            raise diagnosis.reject(node.location, "", "invalid-yaml", message, "write a name before the colon")
        if name in mapping.pairs:
            message = f"the key {diagnosis.quote(name)} is in line {mapping.pairs[name].location.line} too"
            self.diagnostics.append(
                diagnosis.Diagnostic(node.location, "", message, "remove one of the two", "duplicate-key")
            )
        return name, node.location
