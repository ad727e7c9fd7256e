"""No key is lost silently: a changed key changes the application or its outcome."""

import dataclasses
import json
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

SCHEMA = json.loads((keys.ROOT / "seaway" / "compose" / "loader" / "compose-spec.json").read_text())
DEFINITIONS = SCHEMA["definitions"]
SWAPPED = {"tcp": "udp", "udp": "tcp", "always": "no", "ingress": "host", "service_healthy": "service_started"}


def change_at(node: nodes.Node, path: list[str]) -> nodes.Node | None:
    """The document with another value at a path; None: no other value makes sense."""
    if not path:
        return change_value(node)
    match node:
        case nodes.MappingNode():
            # Names may hold dots.
            for length in range(1, len(path) + 1):
                key = ".".join(path[:length])
                if key in node.pairs:
                    child = change_at(node.pairs[key].node, path[length:])
                    pairs = {**node.pairs, key: nodes.Pair(node.pairs[key].location, child)} if child else None
                    return nodes.MappingNode(node.location, pairs) if pairs else None
            return None
        case nodes.SequenceNode():
            number = int(path[0])
            child = change_at(node.items[number], path[1:])
            children = (*node.items[:number], child, *node.items[number + 1 :]) if child else None
            return nodes.SequenceNode(node.location, children) if children else None
        case _:
            return None


def change_value(node: nodes.Node) -> nodes.Node | None:
    if isinstance(node, nodes.ScalarNode) and node.kind == "bool":
        return dataclasses.replace(node, text="false" if node.text == "true" else "true")
    if isinstance(node, nodes.ScalarNode) and node.kind != "null":
        text = str(int(node.text) + 1) if node.text.isdecimal() else SWAPPED.get(node.text, f"{node.text}9")
        return dataclasses.replace(node, text=text)
    if isinstance(node, nodes.MappingNode) and node.pairs:
        return nodes.MappingNode(node.location)
    return nodes.SequenceNode(node.location, ()) if isinstance(node, nodes.SequenceNode) and node.items else None


def find_silent_keys(root: nodes.MappingNode, folder: Path) -> Iterator[str]:
    """Keys that are kept without a message although another value gives the same application."""
    conversion = convert.convert_document(root, folder=folder)
    before = nodes.to_plain(conversion.app)
    for outcome in conversion.outcomes:
        if outcome.kind != "kept" or outcome.message:
            continue
        changed = change_at(root, outcome.path.split("."))
        if isinstance(changed, nodes.MappingNode):
            after = convert.convert_document(changed, folder=folder)
            new = next((other for other in after.outcomes if other.path == outcome.path), None)
            same = new and (new.kind, new.message) == (outcome.kind, outcome.message)
            if same and nodes.to_plain(after.app) == before:
                yield outcome.path


def reverse_services(root: nodes.MappingNode) -> nodes.MappingNode:
    pair = root.pairs["services"]
    assert isinstance(pair.node, nodes.MappingNode)
    services = nodes.MappingNode(pair.node.location, dict(reversed([*pair.node.pairs.items()])))
    return nodes.MappingNode(root.location, {**root.pairs, "services": nodes.Pair(pair.location, services)})


def sort_references(app: nodes.MappingNode) -> Any:
    """The application without the order of calls and dependencies."""
    plain = nodes.to_plain(app)
    for kind in ("services", "stores", "jobs"):
        for fields in plain.get(kind, {}).values():
            for key in ("calls", "dependsOn"):
                fields[key] = sorted(fields.get(key, []))
    return plain


@pytest.mark.parametrize("name", sorted(projects.list_projects()))
def test_every_kept_key_is_in_the_application(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    repeated: list[str] = []
    list_outcomes = report.ConversionReport.list_outcomes

    def collect(conversion: report.ConversionReport) -> tuple[report.KeyOutcome, ...]:
        repeated.extend(conversion.repeated_paths)
        return list_outcomes(conversion)

    monkeypatch.setattr(report.ConversionReport, "list_outcomes", collect)
    files = projects.list_projects()[name]
    folder = files[0].parent
    project = loader.load(files, within=roots.Root(folder), profiles=["*"])
    conversion = convert.convert_document(project.root, folder=folder)
    assert repeated == [], "each key has one outcome; the projects have every key (test_load)"
    assert list(report.find_unrecorded(project.root, conversion.outcomes)) == []
    for outcome in conversion.outcomes:
        assert (outcome.message == "unknown key") <= (".x-" in outcome.path), outcome.path
        assert outcome.message or outcome.kind == "kept", outcome.path
        assert outcome.hint or outcome.kind in ("kept", "approximated", "added"), outcome.path
    assert list(find_silent_keys(project.root, folder)) == []
    reversed_app = convert.convert_document(reverse_services(project.root), folder=folder).app
    assert sort_references(reversed_app) == sort_references(conversion.app)


def test_the_page_has_every_key_as_it_is_converted() -> None:
    text = keys.PAGE.read_text()
    assert text == keys.format_page(text), "make compose-keys"
    examples = {(section, line.partition(":")[0]) for section, line in keys.list_examples()}
    assert {("service", key) for key in DEFINITIONS["service"]["properties"]} - examples == set()
    build = DEFINITIONS["service"]["properties"]["build"]["oneOf"][1]["properties"]
    assert {("build", key) for key in build} - examples == set()


def test_examples_have_outcomes(tmp_path: Path) -> None:
    keys.write_files(tmp_path)
    for section, line in keys.list_examples():
        outcomes = keys.get_outcomes(section, line, tmp_path)
        assert outcomes or line.partition(":")[0] in keys.MERGED, line
        assert not [outcome for outcome in outcomes if outcome.message == "unknown key"], line
