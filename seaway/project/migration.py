"""Files with the keys of version 0.1.0 (commit 24bb12e): rewritten for the user, or translated while they are read.

``migrate`` edits the text of app.yaml and ``Pulumi.<stack>.yaml``. Comments and layout stay.
``translate_stored`` and ``restore_former_keys`` work on what Seaway wrote: records, release files, lock files.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Self

from seaway.project import stack_file
from seaway.syntax import diagnosis, encode, former_keys, nodes, yaml_parser

ANY = "*"

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""Line breaks of YAML 1.1: the parser counts lines by them."""

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
_BYTE_ORDER_MARK = "\ufeff"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A mapping in a file: its renamed keys, and the mappings below its keys. ``ANY`` stands for every key."""

    keys: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    below: Mapping[str, Self] = dataclasses.field(default_factory=dict[str, Self])

    def find_below(self, key: str) -> Self | None:
        return self.below.get(key, self.below.get(ANY))

    def reverse(self) -> Self:
        """The shape with the new keys, to get the former keys."""
        below = {key: shape.reverse() for key, shape in self.below.items()}
        return dataclasses.replace(self, keys={new: old for old, new in self.keys.items()}, below=below)


def _for_any_key(shape: Shape) -> Shape:
    return Shape(below={ANY: shape})


_HEALTH = Shape(keys=former_keys.HEALTH)
_EXTRA_CONTAINER = Shape(keys={"envFiles": "envFile"}, below={"health": _HEALTH})
_WORKLOAD = Shape(
    keys=former_keys.WORKLOAD,
    below={
        "health": _HEALTH,
        "ports": _for_any_key(Shape(keys={"expose": "publish"})),
        "init": _for_any_key(_EXTRA_CONTAINER),
        "sidecars": _for_any_key(_EXTRA_CONTAINER),
    },
)
APPLICATION = Shape(below=dict.fromkeys(("services", "stores", "jobs"), _for_any_key(_WORKLOAD)))
SETTINGS = Shape(
    keys=former_keys.SETTINGS,
    below={
        "overlay": APPLICATION,
        "ingress": Shape(keys=former_keys.INGRESS),
        "waivers": _for_any_key(Shape(keys=former_keys.WAIVER)),
    },
)
STACK_FILE = Shape(
    below={
        "config": Shape(
            keys={stack_file.PREFIX + old: stack_file.PREFIX + new for old, new in SETTINGS.keys.items()},
            below={stack_file.PREFIX + key: shape for key, shape in SETTINGS.below.items()},
        )
    }
)
_STORED = Shape(
    keys={"instead": "fallback", "back": "isRollback"},
    below={"application": APPLICATION, "base": APPLICATION, "settings": SETTINGS},
)
"""A record, a release file or a lock file. The renamed keys are those of lock files."""
_FORMER = _STORED.reverse()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A text with the new keys, and the changes that are left to the user."""

    text: str
    undecided: tuple[diagnosis.Diagnostic, ...]


def migrate(text: str, file: str, shape: Shape) -> Migration:
    """The text of a file with the new keys, also in JSON that `pulumi config set` wrote.

    ``shape``: ``APPLICATION`` for an app.yaml, ``STACK_FILE`` for a ``Pulumi.<stack>.yaml``.
    """
    return _Editor(text, file).migrate(shape)


def translate_stored(node: nodes.Node) -> nodes.Node:
    """A record, a release file or a lock file of format 0 or 1 with the new keys."""
    return _translate(node, _STORED)


def restore_former_keys(stored: Mapping[str, Any]) -> Any:
    """The plain form of a record or a release with the keys of formats 0 and 1.

    The ids of releases are computed from these keys. So the same content has the same id in every version, and the id
    of a file that an older version wrote can be verified (ADR 0027).
    """
    return nodes.to_plain(_translate(encode.to_node(stored, diagnosis.SourceLocation("")), _FORMER))


def _translate(node: nodes.Node, shape: Shape) -> nodes.Node:
    if not isinstance(node, nodes.MappingNode):
        return node
    pairs: dict[str, nodes.Pair] = {}
    for key, pair in node.pairs.items():
        below = shape.find_below(key)
        new = shape.keys.get(key, key)
        if new != key and new in node.pairs:  # A file of a branch may have both: the decoder reports the old one.
            new = key
        value = _convert(key, pair.node) if new != key else pair.node
        pairs[new] = nodes.Pair(pair.location, _translate(value, below) if below else value)
    return nodes.MappingNode(node.location, pairs)


def _convert(key: str, node: nodes.Node) -> nodes.Node:
    return former_keys.convert_value(key.removeprefix(stack_file.PREFIX), node)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A text in the file that was parsed by itself: the file, or JSON in one of its values."""

    start: int
    """Its offset in the file."""
    lines: tuple[int, ...]
    """Offsets of its lines in the file."""
    location: diagnosis.SourceLocation | None = None
    """Of the value that it is; None: it is the file."""

    @classmethod
    def measure(cls, text: str, start: int = 0, location: diagnosis.SourceLocation | None = None) -> Self:
        lines = (start, *(start + line_break.end() for line_break in _BREAK.finditer(text)))
        return cls(start=start, lines=lines, location=location)

    def find_offset(self, location: diagnosis.SourceLocation) -> int:
        """The offset in the file of a location in the part."""
        return self.lines[(location.line or 1) - 1] + (location.column or 1) - 1


class _Editor:
    """Edits at the locations of nodes. ``edits``: the new text by start and end in the file."""

    def __init__(self, text: str, file: str) -> None:
        self.mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
        self.text = text.removeprefix(_BYTE_ORDER_MARK)
        self.file = file
        self.edits: dict[tuple[int, int], str] = {}
        self.undecided: list[diagnosis.Diagnostic] = []

    def migrate(self, shape: Shape) -> Migration:
        self._visit(yaml_parser.parse(self.text, self.file), shape, "", _Part.measure(self.text))
        text = self.text
        for (start, end), new in sorted(self.edits.items(), reverse=True):
            text = text[:start] + new + text[end:]
        return Migration(text=self.mark + text, undecided=diagnosis.InvalidInput(self.undecided).diagnostics)

    def _visit(self, node: nodes.Node, shape: Shape, path: str, part: _Part) -> None:
        match node:
            case nodes.MappingNode(pairs=pairs):
                for key, pair in pairs.items():
                    inner = f"{path}.{key}" if path else key
                    if (new := shape.keys.get(key)) and not self._rename(key, new, pair, pairs, part):
                        self._report_undecided(
                            pair.location, inner, f"is `{new}` now", "change this line by hand", part
                        )
                    if below := shape.find_below(key):
                        self._visit(pair.node, below, inner, part)
            case nodes.ScalarNode(text=text) if text.startswith("{"):
                self._visit_json(node, shape, path, part)
            case _:
                pass

    def _visit_json(self, node: nodes.ScalarNode, shape: Shape, path: str, part: _Part) -> None:
        """A mapping as `pulumi config set` writes it: JSON in quotes. One with escapes is not edited."""
        json = yaml_parser.parse(node.text, self.file)
        start = part.find_offset(node.location) + 1
        if self.text.startswith(node.text, start):
            self._visit(json, shape, path, _Part.measure(node.text, start, node.location))
        elif _translate(json, shape) != json:
            hint = "write it as YAML below the key, and run `seaway migrate` again"
            self._report_undecided(node.location, path, "is JSON with escapes and has old keys", hint, part)

    def _report_undecided(
        self, location: diagnosis.SourceLocation, path: str, message: str, hint: str, part: _Part
    ) -> None:
        self.undecided.append(diagnosis.Diagnostic(part.location or location, path, message, hint, "manual-migration"))

    def _rename(self, old: str, new: str, pair: nodes.Pair, pairs: Mapping[str, nodes.Pair], part: _Part) -> bool:
        """Edits a key and its value. False: a person has to."""
        start = part.find_offset(pair.location)
        quote = self.text[start] if self.text[start] in "'\"" else ""
        written_key = quote + old + quote
        value_start = part.find_offset(pair.node.location)
        value = self._convert_value(old, pair.node, value_start)
        if new in pairs or value is None or not self.text.startswith(written_key, start):
            return False
        self.edits[start, start + len(written_key)] = quote + new + quote
        old_value, new_value = value
        if old_value != new_value:
            self.edits[value_start, value_start + len(old_value)] = new_value
        return True

    def _convert_value(self, old_key: str, node: nodes.Node, start: int) -> tuple[str, str] | None:
        """The value as it is written, before and after. None: a person has to convert it."""
        converted = _convert(old_key, node)
        if converted == node:
            return None if old_key == "tries" else ("", "")
        if not isinstance(node, nodes.ScalarNode):
            return None
        quoted = _QUOTED.match(self.text, start)
        written = quoted.group() if quoted else node.text
        if not self.text.startswith(written, start):  # an anchor or a tag stands before it
            return None
        if not isinstance(converted, nodes.ScalarNode):
            return written, f"{{from: {written}}}"
        return None if converted.text.startswith("-") else (written, converted.text)
