"""Our own Compose files: together they say everything that the specification knows, and each is read."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dev import project
from seaway.compose.loader import documents, loader, schema
from seaway.files import roots
from seaway.syntax import nodes

CORPUS = project.ROOT / "tests" / "compose" / "corpus"
CASES = sorted(folder.name for folder in CORPUS.iterdir())
KINDS = {"text": "string", "int": "integer", "float": "number", "bool": "boolean", "null": "null"}


def files(case: str) -> list[Path]:
    named = [CORPUS / case / "docker-compose.yml", CORPUS / case / "docker-compose.override.yml"]
    return [path for path in named if path.exists()]


@pytest.mark.parametrize("case", CASES)
def test_each_is_read(case: str) -> None:
    done = loader.load(files(case), within=roots.Root(CORPUS / case), environment={"TITLE": "title"}, profiles=["*"])
    assert nodes.get_pairs(done.root, "services")
    assert [*schema.check(done.root, complete=True)] == []


def rewritten(node: nodes.Node) -> str:
    """The same in other words: all in brackets and quotes, without anchors, each mapping from its end."""
    match node:
        case nodes.MappingNode(pairs=entries):
            turned = reversed(entries.items())
            return "{" + ", ".join(f"{json.dumps(name)}: {rewritten(entry.node)}" for name, entry in turned) + "}"
        case nodes.SequenceNode(items=items):
            return "[" + ", ".join(map(rewritten, items)) + "]"
        case nodes.ScalarNode(kind="text"):
            return json.dumps(node.text)
        case nodes.ScalarNode():
            return node.text or "null"
        case _:
            raise AssertionError


@pytest.mark.parametrize("case", CASES)
def test_order_and_quotes_and_anchors_change_nothing(case: str, tmp_path: Path) -> None:
    shutil.copytree(CORPUS / case, tmp_path / case)
    before = nodes.to_plain(loader.load(files(case), within=roots.Root(CORPUS / case)).root)
    there = [tmp_path / case / path.name for path in files(case)]
    root = documents.parse(there[0].read_bytes(), "").root
    there[0].write_text(rewritten(root))
    assert nodes.to_plain(loader.load(there, within=roots.Root(tmp_path / case)).root) == before


@pytest.mark.parametrize("case", CASES)
def test_each_says_what_it_is_for(case: str) -> None:
    assert (CORPUS / case / "docker-compose.yml").read_text().startswith("# ")


def resolved(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema.load()["definitions"][shape["$ref"].rpartition("/")[2]] if "$ref" in shape else shape


def known(shape: Mapping[str, Any], path: str, *, choice: bool = False) -> Iterator[str]:
    """Every key of the schema, every form that a key may have, every value of a list of values."""
    shape = resolved(shape)
    types = shape.get("type", [])
    if choice and isinstance(types, str):
        yield f"{path} as {'number' if types == 'integer' else types}"
    for value in shape.get("enum", []):
        yield f"{path} = {value}"
    for branch in shape.get("oneOf", []):
        yield from known(branch, path, choice=True)
    if types == "array":
        yield from known(shape.get("items", {}), f"{path}[]")
        return  # the keys that stand beside it (the x- of `gpus`) are of no list
    for name, inner in shape.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from known(inner, f"{path}.{name}")
    for pattern, inner in shape.get("patternProperties", {}).items():
        name = "x-" if pattern == "^x-" else "*"
        yield f"{path}.{name}"
        yield from known(inner, f"{path}.{name}")


def said(shape: Mapping[str, Any], node: nodes.Node, path: str) -> Iterator[str]:
    """The same of a document."""
    shape = resolved(shape)
    for branch in map(resolved, shape.get("oneOf", [])):
        yield from said(branch, node, path)
    match node:
        case nodes.MappingNode(pairs=entries):
            yield f"{path} as object"
            for name, entry in entries.items():
                if name in shape.get("properties", {}):
                    inner, at = shape["properties"][name], f"{path}.{name}"
                else:
                    wild = shape.get("patternProperties", {})
                    own = name.startswith("x-") and "^x-" in wild
                    inner = wild.get("^x-" if own else next((key for key in wild if key != "^x-"), ""), {})
                    at = f"{path}.{'x-' if own else '*'}"
                yield at
                yield from said(inner, entry.node, at)
        case nodes.SequenceNode(items=items):
            yield f"{path} as array"
            for item in items:
                yield from said(shape.get("items", {}), item, f"{path}[]")
        case nodes.ScalarNode():
            kind = KINDS[node.kind]
            yield f"{path} as {'number' if kind == 'integer' else kind}"
            yield f"{path} = {node.text}"
        case _:
            pass


def test_the_corpus_says_everything_that_the_specification_knows() -> None:
    there = {
        key
        for path in CORPUS.rglob("*.yml")
        for key in said(schema.load(), documents.parse(path.read_bytes(), str(path)).root, "")
    }
    assert sorted(set(known(schema.load(), "")) - there) == []


def test_what_is_missing_would_be_seen() -> None:
    everything = set(known(schema.load(), ""))
    assert {".services.*.ports[].app_protocol", ".services.*.build as string", ".volumes.*.x-"} <= everything
    assert len(everything) > 400
