"""No key is lost in silence: the proof, key by key."""

import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.compose_comparison import keys, projects
from seaway.compose import report
from seaway.compose.importer import convert
from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import nodes

PARTS = json.loads((keys.project.ROOT / "seaway" / "compose" / "loader" / "compose-spec.json").read_text())[
    "definitions"
]


def changed(node: nodes.Node, path: list[str]) -> nodes.Node | None:
    """The document with another value there; None: there is none that another value makes sense of."""
    if not path:
        return another(node)
    match node:
        case nodes.MappingNode():
            # Names may have points in them.
            for length in range(1, len(path) + 1):
                key = ".".join(path[:length])
                if key in node.pairs:
                    inner = changed(node.pairs[key].node, path[length:])
                    entry = nodes.Pair(node.pairs[key].location, inner) if inner else None
                    return nodes.MappingNode(node.location, {**node.pairs, key: entry}) if entry else None
            return None
        case nodes.SequenceNode():
            number = int(path[0])
            inner = changed(node.items[number], path[1:])
            return (
                nodes.SequenceNode(node.location, (*node.items[:number], inner, *node.items[number + 1 :]))
                if inner
                else None
            )
        case _:
            return None


SWAPPED = {"tcp": "udp", "udp": "tcp", "always": "no", "ingress": "host", "service_healthy": "service_started"}


def another(node: nodes.Node) -> nodes.Node | None:
    if isinstance(node, nodes.ScalarNode) and node.kind == "bool":
        return dataclasses.replace(node, text="false" if node.text == "true" else "true")
    if isinstance(node, nodes.ScalarNode) and node.kind != "null":
        text = str(int(node.text) + 1) if node.text.isdecimal() else SWAPPED.get(node.text, f"{node.text}9")
        return dataclasses.replace(node, text=text)
    if isinstance(node, nodes.MappingNode) and node.pairs:
        return nodes.MappingNode(node.location)
    return nodes.SequenceNode(node.location, ()) if isinstance(node, nodes.SequenceNode) and node.items else None


def silent(root: nodes.MappingNode, folder: Path) -> Iterator[str]:
    """Keys that are told as kept, without a word, and of which another value makes no other application."""
    found = convert.convert_document(root, folder=folder)
    before = nodes.to_plain(found.app)
    for one in found.outcomes:
        if one.kind != "kept" or one.message:
            continue
        other = changed(root, one.path.split("."))
        if not isinstance(other, nodes.MappingNode):
            continue
        after = convert.convert_document(other, folder=folder)
        told = next((each for each in after.outcomes if each.path == one.path), None)
        if nodes.to_plain(after.app) == before and told and (told.kind, told.message) == (one.kind, one.message):
            yield one.path


@pytest.mark.parametrize("name", sorted(projects.list_projects()))
def test_what_is_kept_is_in_the_application(name: str) -> None:
    files = projects.list_projects()[name]
    done = loader.load(files, within=roots.Root(files[0].parent), profiles=["*"])
    found = convert.convert_document(done.root, folder=files[0].parent)
    assert list(report.find_unrecorded(done.root, found.outcomes)) == []
    assert list(silent(done.root, files[0].parent)) == []
    assert ordered(convert.convert_document(turned(done.root), folder=files[0].parent).app) == ordered(found.app)


def turned(root: nodes.MappingNode) -> nodes.MappingNode:
    """The services in another order."""
    entry = root.pairs["services"]
    assert isinstance(entry.node, nodes.MappingNode)
    services = nodes.MappingNode(entry.node.location, dict(reversed([*entry.node.pairs.items()])))
    return nodes.MappingNode(root.location, {**root.pairs, "services": nodes.Pair(entry.location, services)})


def ordered(app: nodes.MappingNode) -> Any:
    """The application, whatever the order of those that somebody calls."""
    plain = nodes.to_plain(app)
    for kind in ("services", "stores", "jobs"):
        for one in plain.get(kind, {}).values():
            for key in ("calls", "after"):
                one[key] = sorted(one.get(key, []))
    return plain


def test_the_page_has_every_key_as_it_is_converted() -> None:
    text = keys.PAGE.read_text()
    assert text == keys.page(text), "make compose-keys"
    there = {(where, line.partition(":")[0]) for where, line in keys.examples()}
    assert {("service", key) for key in PARTS["service"]["properties"]} - there == set()
    build = PARTS["service"]["properties"]["build"]["oneOf"][1]["properties"]
    assert {("build", key) for key in build} - there == set()


def test_the_examples_are_told() -> None:
    """Each of them has its words; what none has, is kept as it is."""
    with tempfile.TemporaryDirectory() as name:
        for path, content in keys.FILES.items():
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).write_text(content)
        for where, line in keys.examples():
            told, _ = keys.became(where, line, Path(name))
            assert told or line.partition(":")[0] in keys.MERGED, line
            assert not [one for one in told if one.message == "no meaning of it is known here"], line
