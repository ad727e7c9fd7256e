"""Objects as YAML text that kubectl reads: for the golden files and for people. Secrets stay secret."""

from collections.abc import Iterable
from typing import Any

import yaml

from seaway.manifests import objects

REDACTED = "(secret)"


class _Dumper(yaml.SafeDumper):
    """Writes what a person would: texts of several lines as blocks, no anchors for values that happen to be shared."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow=flow, indentless=False)


def _represent_text(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Characters that YAML 1.1 takes for line breaks and YAML 1.2 does not: only an escape means one thing to both.
    style = '"' if set(text) & {"\x85", "\u2028", "\u2029"} else "|" if "\n" in text else None
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump_objects(release_objects: Iterable[objects.ReleaseObject]) -> str:
    """All objects, in their order, with the values of secrets left out."""
    return yaml.dump_all(
        (redact_secret(each.manifest) for each in release_objects),
        Dumper=_Dumper,
        sort_keys=False,
        width=120,
        explicit_start=True,
    )


def format_yaml(value: Any) -> str:
    """Plain values as one document, in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def redact_secret(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest itself, or for a Secret one that has its keys but not its values; one that is empty stays so."""
    if manifest["kind"] != "Secret":
        return manifest
    return manifest | {"data": {key: REDACTED if value else "" for key, value in manifest["data"].items()}}
