"""What we read of a project beside what `docker compose config --format json` prints of it, made comparable.

The differences that are meant are taken out here, each with its reason; what is left is one of ours.
"""

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from seaway.compose import patterns, read, units
from seaway.model import nodes, problems

RESOURCES = ("networks", "volumes", "secrets", "configs", "models")
_SIZES = "mem_limit mem_reservation memswap_limit shm_size build.shm_size volumes.*.tmpfs.size"
_DURATIONS = "stop_grace_period healthcheck.interval healthcheck.timeout healthcheck.start_period"
_UNORDERED = "ports extra_hosts build.extra_hosts expose"


def ours(done: read.Read, base: Path) -> Any:
    """A project that was read. ``base``: the folder of its first file, which Docker puts before every path."""

    def absolute(node: nodes.Node, path: str, found: list[problems.Problem]) -> nodes.Node:
        if not isinstance(node, nodes.Scalar) or "://" in node.text or node.text.startswith(("~", "service:")):
            return node
        return nodes.Scalar(node.place, posixpath.normpath(base / node.text))

    def mount(node: nodes.Node, path: str, found: list[problems.Problem]) -> nodes.Node:
        bind = isinstance(node, nodes.Table) and patterns.text(node, "type") == "bind"
        rule = patterns.tree({"source": cast("patterns.Rule", absolute)})
        return patterns.changed(node, rule if bind else None, found)

    paths = ("build.context", "build.additional_contexts.*", "develop.watch.*.path")
    rules: dict[str, patterns.Rule] = {f"services.*.{path}": absolute for path in paths}
    rules |= {"configs.*.file": absolute, "secrets.*.file": absolute, "services.*.volumes.*": mount}
    return _comparable(nodes.plain(patterns.changed(done.root, patterns.tree(rules), [])))


def theirs(printed: str) -> Any:
    """What `docker compose config --format json` has printed."""
    return _comparable(json.loads(printed))


def _comparable(root: Mapping[str, Any]) -> Any:
    root = json.loads(json.dumps(root))
    for service in root["services"].values():
        for path in _SIZES.split():
            _at(service, path.split("."), lambda value: units.size(str(value)))
        for path in _DURATIONS.split():
            _at(service, path.split("."), lambda value: str(float(units.seconds(str(value)))))
        for path in _UNORDERED.split():
            # Docker sorts them as texts, so that port 9 comes after 10.
            _at(service, path.split("."), lambda value: sorted(value, key=str))
    # Docker leaves out what no service uses, and gives each of the others a name.
    used = json.dumps(root["services"])
    for kind in RESOURCES:
        for name, value in [*root.get(kind, {}).items()]:
            if json.dumps(name) not in used:
                del root[kind][name]
            elif value and value.get("name") == f"{root['name']}_{name}":
                del value["name"]
    return _full(root)


def _at(value: Any, path: Sequence[str], change: Callable[[Any], Any]) -> None:
    if isinstance(value, list) and path[0] == "*":
        for item in cast("list[Any]", value):
            _at(item, path[1:], change)
    elif isinstance(value, dict) and path[0] in value:
        inner = cast("dict[str, Any]", value)
        if len(path) == 1:
            inner[path[0]] = change(inner[path[0]])
        else:
            _at(inner[path[0]], path[1:], change)


def _full(value: Any) -> Any:
    """Without what says nothing; numbers as texts, since Docker prints some so."""
    if isinstance(value, dict):
        made = {name: _full(inner) for name, inner in cast("dict[str, Any]", value).items()}
        return {name: inner for name, inner in made.items() if inner not in (None, {}, [])}
    if isinstance(value, list):
        return [_full(item) for item in cast("list[Any]", value)]
    if isinstance(value, bool) or value is None:
        return value
    return f"{value:g}" if isinstance(value, float) else str(value)
