"""Plain values as YAML text, formatted as a person would."""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import yaml

_AMBIGUOUS = re.compile(
    r"y|n|yes|no|on|off|true|false|null|~|[-+]?\.?(inf|nan)"
    r"|[-+]?(0x[0-9a-f_]+|0[ob][0-9_]+|([0-9_]+(\.[0-9_]*)?|\.[0-9_]+)(e[-+]?[0-9_]+)?)"
    r"|[-+]?[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?|\d{4}-\d\d?-\d\d?.*",
    re.IGNORECASE,
)
"""Texts that some reader of YAML 1.1 or 1.2 takes for another type: PyYAML quotes only what it reads so itself, and
kubectl reads `y`, `72225e2` and `0o17` in another way.
https://yaml.org/type/, https://yaml.org/spec/1.2.2/#1032-tag-resolution"""


_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]{0,79}(:[A-Za-z0-9_./@-]{1,80})*")
"""Texts of at most a line that every reader takes for a text, without quotes, unless they are ambiguous."""


_EMPTY = {"True": "true", "False": "false", "None": "null", "{}": "{}", "[]": "[]"}
_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Writes multi-line texts as blocks, and shared values without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow=flow, indentless=False)


def _represent_text(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML 1.1 reads these characters as line breaks, YAML 1.2 does not. Both read an escape the same way.
    style = '"' if set(text) & {"\x85", "\u2028", "\u2029"} else "|" if "\n" in text else None
    if style is None and _AMBIGUOUS.fullmatch(text):
        style = "'"
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def format_yaml(value: Any) -> str:
    """One document, in the order of the value's keys."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True)


def format_documents(values: Iterable[Any]) -> str:
    """One document per value, each with its ``---``; characters outside of ASCII are escaped.

    The text is PyYAML's, byte for byte. Its emitter takes most of the time of `seaway render`, so it writes only what
    is not obvious: texts that need quotes, once for all places, and texts that are folded or have several lines.
    """
    lines: list[str] = []
    for value in values:
        lines.append("---")
        if value and isinstance(value, dict):
            _write_mapping(lines, cast(dict[Any, Any], value), 0)
        else:
            lines[-1:] = _split_document(value)
    return "".join(f"{line}\n" for line in lines)


def _write_mapping(lines: list[str], mapping: Mapping[Any, Any], depth: int) -> None:
    indent = "  " * depth
    for key, value in mapping.items():
        if not (isinstance(key, str) and _is_plain(key)):
            lines += _dump_nested({key: value}, depth)
        elif isinstance(value, dict) and value:
            lines.append(f"{indent}{key}:")
            _write_mapping(lines, cast(dict[Any, Any], value), depth + 1)
        elif isinstance(value, list) and value:
            lines.append(f"{indent}{key}:")
            _write_sequence(lines, cast(list[Any], value), depth + 1)
        elif (text := _format_scalar(value, len(indent) + len(key) + 2)) is not None:
            lines.append(f"{indent}{key}: {text}")
        else:
            lines += _dump_nested({key: value}, depth)


def _write_sequence(lines: list[str], sequence: Sequence[Any], depth: int) -> None:
    indent = "  " * depth
    for value in sequence:
        if isinstance(value, dict) and value:
            start = len(lines)
            _write_mapping(lines, cast(dict[Any, Any], value), depth + 1)
            lines[start] = f"{indent}- {lines[start][len(indent) + 2 :]}"
        elif (text := _format_scalar(value, len(indent) + 2)) is not None:
            lines.append(f"{indent}- {text}")
        else:
            lines += _dump_nested([value], depth)


def _format_scalar(value: Any, column: int) -> str | None:
    """A value that takes the rest of a line from a column; None: its text depends on where it stands."""
    if isinstance(value, str):
        if _is_plain(value):
            return value
        fits = column + 2 * len(value) < _WIDTH  # each character may become two between quotes
        return _quote(value) if fits and value.isascii() and value.isprintable() else None
    if isinstance(value, bool) or value is None or value in ({}, []):
        return _EMPTY[repr(value)]
    return str(value) if isinstance(value, int) else None


@functools.lru_cache(maxsize=4096)
def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and _AMBIGUOUS.fullmatch(text) is None


@functools.lru_cache(maxsize=4096)
def _quote(text: str) -> str:
    return _split_document([text])[1].removeprefix("- ")


def _dump_nested(value: Any, depth: int) -> list[str]:
    """The lines of a value at a depth. PyYAML breaks lines by their column, so it writes the value inside mappings."""
    for _ in range(depth):
        value = {"_": value}
    return _split_document(value)[depth + 1 :]


def _split_document(value: Any) -> list[str]:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=_WIDTH, explicit_start=True)
    lines = text.removesuffix("\n").split("\n")  # str.splitlines also splits at characters inside of texts
    return lines[:-1] if lines[-1] == "..." else lines  # the end of a stream, and here follows more
