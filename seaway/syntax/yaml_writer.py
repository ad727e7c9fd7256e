"""Plain values as YAML text, formatted as a person would."""

import re
from collections.abc import Iterable
from typing import Any

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
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def format_documents(values: Iterable[Any]) -> str:
    """One document per value, each with its ``---``; characters outside of ASCII are escaped."""
    return yaml.dump_all(values, Dumper=_Dumper, sort_keys=False, width=120, explicit_start=True)
