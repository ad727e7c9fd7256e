"""The configuration of a stack as nodes, from its file or from Pulumi, and its settings.

Both sources give one mapping of the `seaway:*` keys without that prefix. The values of secrets are never in it.
"""

import contextlib
import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from seaway.files import roots
from seaway.model import settings
from seaway.project import application_option
from seaway.syntax import decode, diagnosis, nodes, yaml_parser

PREFIX = "seaway:"

_Setting = TypeVar("_Setting", str, nodes.Pair)

FINGERPRINT_KEY = "fingerprintKey"
"""Setting with the key of the secrets' fingerprints, itself a secret (``release.fingerprints``)."""

APPLICATIONS = "applications"
"""Setting with the further applications of the stack, by name. The other settings are those of its main application,
and a further application inherits them, except ``OWN_SETTINGS``."""

OWN_SETTINGS = ("app", "profiles", "overlay", "ingress", "gateway", "programSecrets", "secrets", "waivers")
"""Settings that are about one application."""


def read_config(path: Path, application: str | None = None) -> nodes.MappingNode:
    """The configuration of an application in a stack's file, `Pulumi.<stack>.yaml`, without keys of other projects.

    ``application``: a name in ``seaway:applications``; None: the main application.

    Raises diagnosis.InvalidInput: there is no such file or application, or it is not YAML.
    """
    config = _read_settings(path)
    config_location, pairs = config.location, config.pairs
    further = nodes.get_pairs(config, APPLICATIONS)
    if application is not None and application not in further:
        message, hint = f"has no application {diagnosis.quote(application)}", decode.suggest_name(application, further)
        raise diagnosis.reject(config_location, f"{PREFIX}{APPLICATIONS}", "unknown-application", message, hint)
    own = nodes.get_pairs(nodes.MappingNode(config_location, {**further}), application) if application else None
    return nodes.MappingNode(config_location, _select(pairs, own))


def list_applications(path: Path) -> list[str | None]:
    """The applications of a stack's file: None, the main one, and the names in ``seaway:applications``."""
    return [None, *nodes.get_pairs(_read_settings(path), APPLICATIONS)]


def _read_settings(path: Path) -> nodes.MappingNode:
    config = nodes.get_pairs(yaml_parser.parse(read_bytes(path), path.name), "config")
    pairs = {
        key.removeprefix(PREFIX): nodes.Pair(pair.location, _parse_file_value(pair.node))
        for key, pair in config.items()
        if key.startswith(PREFIX)
    }
    return nodes.MappingNode(diagnosis.SourceLocation(path.name), pairs)


def select_texts(texts: Mapping[str, str], application: str | None) -> Mapping[str, str]:
    """The configuration of an application, as pulumi.Config gives it; for the arguments see ``read_config``."""
    further: Mapping[str, Mapping[str, Any]] = json.loads(texts.get(APPLICATIONS) or "{}")
    own = further[application] if application else None
    encoded = own and {key: text if isinstance(text, str) else json.dumps(text) for key, text in own.items()}
    return _select(texts, encoded)


def _select(settings: Mapping[str, _Setting], own: Mapping[str, _Setting] | None) -> dict[str, _Setting]:
    if own is None:
        return {key: setting for key, setting in settings.items() if key != APPLICATIONS}
    return {key: setting for key, setting in settings.items() if key not in (APPLICATIONS, *OWN_SETTINGS)} | {**own}


def name_application(diagnostic: diagnosis.Diagnostic, application: str | None) -> diagnosis.Diagnostic:
    """The diagnostic with the commands and the paths of the settings that are about one application."""
    if application is None:
        return diagnostic
    pattern = rf"\b{PREFIX}({'|'.join(OWN_SETTINGS)})\b"
    path, hint = (
        re.sub(pattern, rf"{PREFIX}{APPLICATIONS}.{application}.\1", text)
        for text in (diagnostic.path, diagnostic.hint)
    )
    return dataclasses.replace(diagnostic, path=path, hint=application_option.add_to_commands(hint, application))


def read_bytes(path: Path) -> bytes:
    """The content of a stack's file. Raises diagnosis.InvalidInput: it cannot be read."""
    hint = "create the stack: pulumi stack init <stack>"
    return roots.Root(path.parent).read(path, "the stack's file", diagnosis.SourceLocation(path.name), "", hint=hint)


def parse_config(texts: Mapping[str, str], file: str = "(config)") -> nodes.MappingNode:
    """The configuration that pulumi.Config gives: texts, and objects as JSON. Of `secrets` only the names are kept.

    Raises diagnosis.InvalidInput: an object is truncated.
    """
    location = diagnosis.SourceLocation(file)
    pairs = {key: nodes.Pair(location, _parse_text(text, location)) for key, text in texts.items()}
    if "secrets" in pairs:
        pairs["secrets"] = nodes.Pair(location, _hide_values(pairs["secrets"].node))
    if FINGERPRINT_KEY in pairs:
        pairs[FINGERPRINT_KEY] = nodes.Pair(location, nodes.EncryptedNode(location))
    return nodes.MappingNode(location, pairs)


def attach_locations(config: nodes.MappingNode, file_config: nodes.MappingNode) -> nodes.MappingNode:
    """``config`` with the locations and exact texts of the values that are the same in the file.

    Pulumi passes `1.10` on as 1.1, and no lines.
    """
    pairs = {
        key: file_config.pairs[key]
        if key in file_config.pairs and _is_same(pair.node, file_config.pairs[key].node)
        else pair
        for key, pair in config.pairs.items()
    }
    return nodes.MappingNode(file_config.location, pairs)


def decode_settings(config: nodes.MappingNode, stack: str) -> settings.Settings:
    """The settings of a stack. Raises diagnosis.InvalidInput with all errors."""
    decoded = decode_partial_settings(config, stack)
    if decoded.diagnostics or decoded.value is None:
        raise diagnosis.InvalidInput(decoded.diagnostics)
    return decoded.value


def decode_partial_settings(config: nodes.MappingNode, stack: str) -> decode.Decoded[settings.Settings]:
    """The settings of a stack, with defaults for those that are invalid, and all errors."""
    location = config.location
    pairs = {key: pair for key, pair in config.pairs.items() if key not in ("secrets", FINGERPRINT_KEY, "stack")}
    pairs["stack"] = nodes.Pair(location, nodes.ScalarNode(location, stack))
    node = nodes.MappingNode(location, pairs)
    decoded = decode.decode_partial(settings.Settings, node, path=PREFIX, fallbacks={"context": ""})
    diagnostics = [*map(_suggest_set_command, decoded.diagnostics), *_check_encrypted(config)]
    if "stack" in config.pairs:
        message = "the stack's name comes from Pulumi"
        diagnostics.append(_report(config.pairs["stack"], "stack", "unknown-key", message, "remove the key"))
    return dataclasses.replace(decoded, diagnostics=tuple(diagnostics))


def get_app_path(config: nodes.MappingNode) -> str:
    """The path of the application's file, whatever the other settings are."""
    return _get_text(config, "app") or "app/app.yaml"


def find_root(config: nodes.MappingNode, folder: Path) -> roots.Root:
    """The folder in which the application may name files, whatever the other settings are; ``folder``: the project's.

    Raises diagnosis.InvalidInput: it is to be a git repository, and there is none.
    """
    if _get_text(config, "root") != "git":
        return roots.find_root(folder)
    return roots.find_root(folder, "git", config.pairs["root"].location)


def is_building(config: nodes.MappingNode) -> bool:
    """Whether the stack builds from the working tree, whatever the other settings are."""
    return _get_text(config, "build") != "false"


def get_overlay(config: nodes.MappingNode) -> nodes.Node | None:
    """The changes that the environment makes to the application. None: it makes none."""
    pair = config.pairs.get("overlay")
    return pair.node if pair else None


def get_secret_locations(config: nodes.MappingNode) -> Mapping[str, diagnosis.SourceLocation]:
    """The names of the secrets that have a value, with the locations of the values."""
    return {name: pair.location for name, pair in nodes.get_pairs(config, "secrets").items()}


def locate_settings(config: nodes.MappingNode) -> diagnosis.SourceLocations:
    """The locations of all settings by their paths, ``seaway:ingress.hosts``."""
    return diagnosis.SourceLocations(config.location, dict(nodes.list_locations(config, PREFIX)))


def _get_text(config: nodes.MappingNode, key: str) -> str | None:
    pair = config.pairs.get(key)
    return pair.node.text if pair and isinstance(pair.node, nodes.ScalarNode) else None


def _suggest_set_command(diagnostic: diagnosis.Diagnostic) -> diagnosis.Diagnostic:
    """A missing setting is set with a command."""
    if diagnostic.code != "missing-value":
        return diagnostic
    return dataclasses.replace(diagnostic, message="is not set", hint=f"pulumi config set {diagnostic.path} <value>")


def _check_encrypted(config: nodes.MappingNode) -> list[diagnosis.Diagnostic]:
    diagnostics: list[diagnosis.Diagnostic] = []
    key, secrets = config.pairs.get(FINGERPRINT_KEY), config.pairs.get("secrets")
    if key is not None and not isinstance(key.node, nodes.EncryptedNode):
        hint = f"openssl rand -hex 32 | pulumi config set --secret {PREFIX}{FINGERPRINT_KEY}"
        diagnostics.append(_report(key, FINGERPRINT_KEY, "plain-secret", "is not encrypted", hint))
    if secrets is not None and not isinstance(secrets.node, nodes.MappingNode):
        message = "is not a mapping from name to secret"
        diagnostics.append(_report(secrets, "secrets", "invalid-type", message, _format_set_command("NAME")))
    for name, pair in nodes.get_pairs(config, "secrets").items():
        if not isinstance(pair.node, nodes.EncryptedNode):
            hint = _format_set_command(name)
            diagnostics.append(_report(pair, f"secrets.{name}", "plain-secret", "is not encrypted", hint))
    return diagnostics


def _report(pair: nodes.Pair, key: str, code: str, message: str, hint: str) -> diagnosis.Diagnostic:
    return diagnosis.Diagnostic(pair.location, f"{PREFIX}{key}", message, hint, code)


def _format_set_command(name: str) -> str:
    return f"pulumi config set --secret --path {diagnosis.quote_word(f'{PREFIX}secrets.{name}')}"


def _parse_file_value(node: nodes.Node) -> nodes.Node:
    """A value of the file: `pulumi config set` quotes numbers, and writes objects as YAML or as JSON in quotes."""
    return _parse_text(node.text, node.location) if isinstance(node, nodes.ScalarNode) else _mark_encrypted(node)


def _parse_text(text: str, location: diagnosis.SourceLocation) -> nodes.Node:
    if text.startswith(("{", "[")):
        return yaml_parser.parse(text, location.file, location=location)
    return nodes.parse_scalar(text, location)


def _mark_encrypted(node: nodes.Node) -> nodes.Node:
    match node:
        case nodes.MappingNode(pairs=pairs) if set(pairs) == {"secure"}:
            return nodes.EncryptedNode(node.location)
        case nodes.MappingNode(pairs=pairs):
            inner = {key: nodes.Pair(pair.location, _mark_encrypted(pair.node)) for key, pair in pairs.items()}
            return nodes.MappingNode(node.location, inner)
        case nodes.SequenceNode(items=items):
            return nodes.SequenceNode(node.location, tuple(map(_mark_encrypted, items)))
        case _:
            return node


def _hide_values(node: nodes.Node) -> nodes.Node:
    if not isinstance(node, nodes.MappingNode):
        return nodes.EncryptedNode(node.location)
    hidden = nodes.EncryptedNode(node.location)
    return nodes.MappingNode(
        node.location, {key: nodes.Pair(pair.location, hidden) for key, pair in node.pairs.items()}
    )


def _is_same(pulumi_node: nodes.Node, file_node: nodes.Node) -> bool:
    match pulumi_node, file_node:
        case nodes.MappingNode(pairs=pulumi_pairs), nodes.MappingNode(pairs=file_pairs):
            return pulumi_pairs.keys() == file_pairs.keys() and all(
                _is_same(pair.node, file_pairs[key].node) for key, pair in pulumi_pairs.items()
            )
        case nodes.SequenceNode(items=pulumi_items), nodes.SequenceNode(items=file_items):
            return len(pulumi_items) == len(file_items) and all(map(_is_same, pulumi_items, file_items))
        # A secret in plain text has the file's location, too.
        case (_, nodes.EncryptedNode()) | (nodes.EncryptedNode(), _):
            return True
        case nodes.ScalarNode(), nodes.ScalarNode():
            is_equal = pulumi_node.text == file_node.text or nodes.to_plain(pulumi_node) == nodes.to_plain(file_node)
            return is_equal or _is_yaml11_reading(pulumi_node, file_node)
        case _:
            return False


def _is_yaml11_reading(pulumi_node: nodes.ScalarNode, file_node: nodes.ScalarNode) -> bool:
    """Whether Pulumi made this of the text. It reads YAML 1.1: `0755` is 493, `1_000` is 1000, a date is a time."""
    if pulumi_node.kind == "int":
        base = 8 if re.fullmatch("0[0-7_]+", file_node.text) else 0
        with contextlib.suppress(ValueError):
            return nodes.to_int(pulumi_node) == int(file_node.text, base)
    day = re.match(r"\d{4}-\d{2}-\d{2}", file_node.text)
    return day is not None and pulumi_node.text.startswith(f"{day.group()} ") and pulumi_node.text.endswith(" UTC")
