"""The configuration of a stack as nodes, from its file or from Pulumi, and the settings in it.

Both adapters give one mapping of the `seaway:*` keys without that prefix. A secret's value is never in it.
"""

import contextlib
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from seaway.files import roots
from seaway.model import settings
from seaway.syntax import decode, diagnosis, nodes

PREFIX = "seaway:"

FINGERPRINT_KEY = "fingerprintKey"
"""Setting with the key of the secrets' fingerprints, itself a secret (``release.fingerprints``)."""


def read_config(path: Path) -> nodes.MappingNode:
    """The values of a stack's file (`Pulumi.<stack>.yaml`), with their lines. Keys of other projects are left out.

    Raises diagnosis.InvalidInput: no such file, or no YAML.
    """
    root = nodes.parse(read_bytes(path), path.name)
    own = {key: entry for key, entry in nodes.get_pairs(root, "config").items() if key.startswith(PREFIX)}
    values = {
        key.removeprefix(PREFIX): nodes.Pair(entry.location, _parse_file_value(entry.node))
        for key, entry in own.items()
    }
    return nodes.MappingNode(diagnosis.SourceLocation(path.name), values)


def read_bytes(path: Path) -> bytes:
    """A stack's file as it is. Raises diagnosis.InvalidInput: it cannot be read."""
    hint = "pulumi stack init <stack> begins one"
    return roots.Root(path.parent).read(path, "the stack's file", diagnosis.SourceLocation(path.name), "", hint=hint)


def parse_config(texts: Mapping[str, str], file: str = "(config)") -> nodes.MappingNode:
    """The values that pulumi.Config gives: texts, objects as JSON. ``{"registry": "...", "secrets": '{"A": "x"}'}``.

    Of `secrets` only the names are kept. Raises diagnosis.InvalidInput where an object is cut short.
    """
    place = diagnosis.SourceLocation(file)
    entries = {key: nodes.Pair(place, _parse_text(text, place)) for key, text in texts.items()}
    for key in {"secrets", FINGERPRINT_KEY} & entries.keys():
        entries[key] = nodes.Pair(
            place, _hide_secrets(entries[key].node) if key == "secrets" else nodes.EncryptedNode(place)
        )
    return nodes.MappingNode(place, entries)


def attach_locations(config: nodes.MappingNode, file_config: nodes.MappingNode) -> nodes.MappingNode:
    """``values``, each with its place and its exact text in ``file`` where the file says the same.

    Pulumi hands on `1.10` as 1.1 and no lines; the file still knows them.
    """
    entries = {
        key: file_config.pairs[key]
        if key in file_config.pairs and _is_same(entry.node, file_config.pairs[key].node)
        else entry
        for key, entry in config.pairs.items()
    }
    return nodes.MappingNode(file_config.location, entries)


def decode_settings(config: nodes.MappingNode, stack: str) -> settings.Settings:
    """The settings of a stack. Raises diagnosis.InvalidInput with everything that is wrong."""
    place = config.location
    apart = ("secrets", FINGERPRINT_KEY, "stack")
    entries = {key: entry for key, entry in config.pairs.items() if key not in apart}
    entries["stack"] = nodes.Pair(place, nodes.ScalarNode(place, stack))
    decoded = decode.decode_partial(settings.Settings, nodes.MappingNode(place, entries), path=PREFIX)
    found = [*map(_suggest_set_command, decoded.diagnostics), *_check_encrypted(config)]
    if "stack" in config.pairs:
        at = config.pairs["stack"].location
        found.append(diagnosis.Diagnostic(at, "seaway:stack", "the stack's name comes from Pulumi", "remove the key"))
    if found or decoded.value is None:
        raise diagnosis.InvalidInput(found)
    return decoded.value


def get_app_path(config: nodes.MappingNode) -> str:
    """Where the application's file is, whatever else is wrong with the settings."""
    entry = config.pairs.get("app")
    return entry.node.text if entry and isinstance(entry.node, nodes.ScalarNode) else "app/app.yaml"


def find_root(config: nodes.MappingNode, folder: Path) -> roots.Root:
    """Where the application may name files, whatever else is wrong with the settings; ``folder``: the project's.

    Raises diagnosis.InvalidInput: it is to be a git repository, and there is none.
    """
    entry = config.pairs.get("root")
    if entry is None or not isinstance(entry.node, nodes.ScalarNode) or entry.node.text != "git":
        return roots.find_root(folder)
    try:
        return roots.find_root(folder, "git")
    except diagnosis.InvalidInput as error:
        raise diagnosis.InvalidInput(
            dataclasses.replace(one, location=entry.location) for one in error.diagnostics
        ) from None


def is_building(config: nodes.MappingNode) -> bool:
    """Whether the stack builds from the working tree, whatever else is wrong with the settings."""
    entry = config.pairs.get("build")
    return not (entry and isinstance(entry.node, nodes.ScalarNode) and entry.node.text == "false")


def get_overlay(config: nodes.MappingNode) -> nodes.Node | None:
    """What the environment says differently, with its places; None where it says nothing."""
    entry = config.pairs.get("overlay")
    return entry.node if entry else None


def get_secret_locations(config: nodes.MappingNode) -> Mapping[str, diagnosis.SourceLocation]:
    """The names of the secrets that have a value, and where it stands."""
    return {name: entry.location for name, entry in nodes.get_pairs(config, "secrets").items()}


def get_secret_names(config: nodes.MappingNode) -> frozenset[str]:
    """The names of the secrets that have a value."""
    return frozenset(get_secret_locations(config))


def _suggest_set_command(diagnostic: diagnosis.Diagnostic) -> diagnosis.Diagnostic:
    """What is missing is set with a command."""
    if diagnostic.message != "is missing":
        return diagnostic
    return dataclasses.replace(diagnostic, message="is not set", hint=f"pulumi config set {diagnostic.path} <value>")


def _check_encrypted(config: nodes.MappingNode) -> list[diagnosis.Diagnostic]:
    key, found = config.pairs.get(FINGERPRINT_KEY), list[diagnosis.Diagnostic]()
    if key is not None and not isinstance(key.node, nodes.EncryptedNode):
        remedy = f"openssl rand -hex 32 | pulumi config set --secret {PREFIX}{FINGERPRINT_KEY}"
        found.append(diagnosis.Diagnostic(key.location, f"{PREFIX}{FINGERPRINT_KEY}", "is not encrypted", remedy))
    entry = config.pairs.get("secrets")
    if entry is None:
        return found
    if not isinstance(entry.node, nodes.MappingNode):
        wrong = "is no mapping from name to secret"
        return [*found, diagnosis.Diagnostic(entry.location, "seaway:secrets", wrong, _format_set_command("NAME"))]
    return [*found] + [
        diagnosis.Diagnostic(inner.location, f"seaway:secrets.{name}", "is not encrypted", _format_set_command(name))
        for name, inner in entry.node.pairs.items()
        if not isinstance(inner.node, nodes.EncryptedNode)
    ]


def _format_set_command(name: str) -> str:
    return f"pulumi config set --secret --path 'seaway:secrets.{name}'"


def _parse_file_value(node: nodes.Node) -> nodes.Node:
    """A value as it stands in the file: `pulumi config set` quotes numbers, and writes objects either way."""
    return _parse_text(node.text, node.location) if isinstance(node, nodes.ScalarNode) else _mark_encrypted(node)


def _parse_text(text: str, location: diagnosis.SourceLocation) -> nodes.Node:
    return (
        nodes.parse(text, location.file, location=location)
        if text.startswith(("{", "["))
        else nodes.parse_scalar(text, location)
    )


def _mark_encrypted(node: nodes.Node) -> nodes.Node:
    match node:
        case nodes.MappingNode() if set(node.pairs) == {"secure"}:
            return nodes.EncryptedNode(node.location)
        case nodes.MappingNode():
            inside = {key: nodes.Pair(entry.location, _mark_encrypted(entry.node)) for key, entry in node.pairs.items()}
            return nodes.MappingNode(node.location, inside)
        case nodes.SequenceNode():
            return nodes.SequenceNode(node.location, tuple(map(_mark_encrypted, node.items)))
        case _:
            return node


def _hide_secrets(node: nodes.Node) -> nodes.Node:
    if not isinstance(node, nodes.MappingNode):
        return nodes.EncryptedNode(node.location)
    inside = {key: nodes.Pair(entry.location, nodes.EncryptedNode(node.location)) for key, entry in node.pairs.items()}
    return nodes.MappingNode(node.location, inside)


def _is_same(pulumi_node: nodes.Node, file_node: nodes.Node) -> bool:
    match pulumi_node, file_node:
        case nodes.MappingNode(), nodes.MappingNode():
            return pulumi_node.pairs.keys() == file_node.pairs.keys() and all(
                _is_same(entry.node, file_node.pairs[key].node) for key, entry in pulumi_node.pairs.items()
            )
        case nodes.SequenceNode(), nodes.SequenceNode():
            return len(pulumi_node.items) == len(file_node.items) and all(
                map(_is_same, pulumi_node.items, file_node.items)
            )
        case _, nodes.EncryptedNode():
            return True
        case nodes.EncryptedNode(), _:  # a secret that stands in the file in plain text: the file's place says so
            return True
        case nodes.ScalarNode(), nodes.ScalarNode():
            return (
                nodes.to_plain(pulumi_node) == nodes.to_plain(file_node)
                or pulumi_node.text == file_node.text
                or _is_yaml11_reading(pulumi_node, file_node)
            )
        case _:
            return False


def _is_yaml11_reading(pulumi_node: nodes.ScalarNode, file_node: nodes.ScalarNode) -> bool:
    """Is it what Pulumi makes of the text? It reads YAML 1.1: `0755` is 493, `1_000` is 1000, a date is a moment."""
    if pulumi_node.kind == "int":
        with contextlib.suppress(ValueError):
            return nodes.to_int(pulumi_node) == int(
                file_node.text, 8 if re.fullmatch("0[0-7_]+", file_node.text) else 0
            )
    day = re.match(r"\d{4}-\d{2}-\d{2}", file_node.text)
    return day is not None and pulumi_node.text.startswith(f"{day.group()} ") and pulumi_node.text.endswith(" UTC")
