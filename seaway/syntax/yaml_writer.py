"""Plain values as YAML text, formatted as a person would."""

from collections.abc import Iterable
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Writes multi-line texts as blocks, and shared values without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow=flow, indentless=False)


def _represent_text(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML 1.1 reads these characters as line breaks, YAML 1.2 does not. Both read an escape the same way.
    style = '"' if set(text) & {"\x85", "\u2028", "\u2029"} else "|" if "\n" in text else None
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def format_yaml(value: Any) -> str:
    """One document, in the order of the value's keys."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def format_documents(values: Iterable[Any]) -> str:
    """One document per value, each with its ``---``; characters outside of ASCII are escaped."""
    return yaml.dump_all(values, Dumper=_Dumper, sort_keys=False, width=120, explicit_start=True)
