"""Finds keys of a service that a converter drops silently, by changing them.

A key has an effect if the output of the tool differs without the key or with another value that Docker Compose accepts,
or if a warning names the key or a key above it. A change that Docker Compose rejects does not count.
"""

import copy
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from dev.compose_comparison import docker, tools
from seaway.compose.loader import documents
from seaway.syntax import nodes

KeyPath = tuple[str | int, ...]

ALTERNATIVES = (
    {"always", "unless-stopped", "on-failure", "no"},
    {"tcp", "udp"},
    {"service_started", "service_healthy"},
    {"ingress", "host"},
    {"rprivate", "rshared"},
    {"z", "Z"},
    {"start-first", "stop-first"},
    {"pause", "continue"},
    {"any", "none"},
    {"vip", "dnsrr"},
    {"missing", "never"},
    {"bridge", "none"},
    {"linux/amd64", "linux/arm64"},
    {"sync", "sync+restart"},
    {"replicated", "global"},
)
"""Groups of interchangeable values."""


def read_document(file: Path) -> dict[str, Any]:
    """Read a compose file with its anchors resolved."""
    return nodes.to_plain(documents.parse(file.read_bytes(), file.name).root)


def list_keys(root: dict[str, Any]) -> Iterator[KeyPath]:
    """List the paths of all scalars and lists of scalars in the services."""
    services: dict[str, Any] = root.get("services") or {}
    for name, service in services.items():
        yield from _list_keys(service, ("services", name))


def _list_keys(node: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(node, dict):
        for name, child in cast("dict[str, Any]", node).items():
            if not name.startswith("x-"):
                yield from _list_keys(child, (*path, name))
    elif isinstance(node, list) and any(isinstance(child, dict) for child in cast("list[Any]", node)):
        for number, child in enumerate(cast("list[Any]", node)):
            yield from _list_keys(child, (*path, number))
    elif len(path) > 2:
        yield path


def list_changes(root: dict[str, Any], path: KeyPath) -> Iterator[dict[str, Any]]:
    """Return the document without a key, then with other values of the key."""
    changed = copy.deepcopy(root)
    parents: list[Any] = [changed]
    for key in path[:-1]:
        parents.append(parents[-1][key])
    current = parents[-1][path[-1]]
    for parent, key in reversed(list(zip(parents, path, strict=True))):
        del parent[key]
        if parent:  # removes parents that become empty
            break
    yield changed
    for alternative in _list_alternatives(current):
        changed = copy.deepcopy(root)
        parent: Any = changed
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = alternative
        yield changed


def _list_alternatives(value: Any) -> list[Any]:  # noqa: PLR0911 - a return for each type
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1]
        case list():
            return [cast("list[Any]", value)[:-1]]
        case str():
            for group in ALTERNATIVES:
                if value in group:
                    return sorted(group - {value})
            if number := re.fullmatch(r"([0-9]+\.?[0-9]*)([a-zA-Z%]*)", value):
                return [f"{float(number[1]) + 1:g}{number[2]}"]
            return [f"{value}x"]
        case _:
            return []


def _is_warned(path: KeyPath, warned_keys: frozenset[str]) -> bool:
    """Return whether a warning names the key, or a key between the service and it."""
    parts = [str(part) for part in path]
    return any(".".join(parts[:end]) in warned_keys for end in range(3, len(path) + 1))


def find_silent_losses(tool: str, files: Sequence[Path]) -> tuple[int, list[KeyPath]]:
    """Return the number of tested keys, and the keys without an effect. Rewrites the first file."""
    root = read_document(files[0])
    files[0].write_text(json.dumps(root))
    original = tools.convert(tool, files)
    tested, silent = 0, list[KeyPath]()
    for path in list_keys(root):
        has_effect, changes = _is_warned(path, original.warned_keys), 0
        for changed in () if has_effect else list_changes(root, path):
            files[0].write_text(json.dumps(changed))
            conversion = tools.convert(tool, files)
            differs = conversion.visible_output != original.visible_output
            failed = conversion.rejection or conversion.crash
            if differs and failed and docker.run_config(files, profiles=["*"]).printed is None:
                continue
            changes += 1
            if differs:
                has_effect = True
                break
        tested += bool(changes or has_effect)
        if changes and not has_effect:
            silent.append(path)
    files[0].write_text(json.dumps(root))
    return tested, silent
