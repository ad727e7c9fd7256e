"""Which keys of a service a converter drops without a word, found by changing them.

A key counts as seen if what the tool makes or tells is another without it, or with another value that Docker Compose
accepts, or if a warning names it or a key above it. A change that Docker Compose refuses says nothing.
"""

import copy
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from seaway.compose.loader import documents
from seaway.syntax import nodes
from tests.compose import docker, tools

Path_ = tuple[str | int, ...]

OTHERS = (
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
"""Values of which each may stand for another."""


def plain(file: Path) -> Any:
    """A compose file without its anchors."""
    return nodes.to_plain(documents.parse(file.read_bytes(), file.name).root)


def keys(root: Any) -> Iterator[Path_]:
    """The paths of what is said of the services: of each value, and of each list of values."""
    for name, service in (root.get("services") or {}).items():
        yield from _keys(service, ("services", name))


def _keys(value: Any, path: Path_) -> Iterator[Path_]:
    if isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            if not name.startswith("x-"):
                yield from _keys(inner, (*path, name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in cast("list[Any]", value)):
        for number, item in enumerate(cast("list[Any]", value)):
            yield from _keys(item, (*path, number))
    elif len(path) > 2:
        yield path


def changes(root: Any, path: Path_) -> Iterator[Any]:
    """The document without what is there, then with others in its place."""
    made = copy.deepcopy(root)
    trail = [made]
    for key in path[:-1]:
        trail.append(trail[-1][key])
    value = trail[-1][path[-1]]
    for inside, key in reversed(list(zip(trail, path, strict=True))):
        del inside[key]
        if inside:  # what is empty then goes too
            break
    yield made
    for other in _others(value):
        made = copy.deepcopy(root)
        inside = made
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = other
        yield made


def _others(value: Any) -> list[Any]:  # noqa: PLR0911 - one return a kind
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [value + 1]
        case list():
            return [cast("list[Any]", value)[:-1]]
        case str():
            for group in OTHERS:
                if value in group:
                    return sorted(group - {value})
            if number := re.fullmatch(r"([0-9]+\.?[0-9]*)([a-zA-Z%]*)", value):
                return [f"{float(number[1]) + 1:g}{number[2]}"]
            return [f"{value}x"]
        case _:
            return []


def _named(path: Path_, named: frozenset[str]) -> bool:
    """Whether a warning names the key, or one above it that is below the service."""
    text = [str(part) for part in path]
    return any(".".join(text[:end]) in named for end in range(3, len(path) + 1))


def silent(tool: str, files: Sequence[Path]) -> tuple[int, list[Path_]]:
    """How many keys were judged, and those of which nobody could see a trace. The first file is written anew."""
    root = plain(files[0])
    files[0].write_text(json.dumps(root))
    first = tools.run(tool, files)
    judged, found = 0, list[Path_]()
    for path in keys(root):
        seen, tried = _named(path, first.named), 0
        for changed in [] if seen else changes(root, path):
            files[0].write_text(json.dumps(changed))
            made = tools.run(tool, files)
            differs = made.trace != first.trace
            if differs and (made.refused or made.crashed) and docker.config(files, profiles=["*"]).printed is None:
                continue
            tried += 1
            if differs:
                seen = True
                break
        judged += bool(tried or seen)
        if tried and not seen:
            found.append(path)
    files[0].write_text(json.dumps(root))
    return judged, found
