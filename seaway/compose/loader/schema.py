"""A Compose document against the schema of the Compose Specification (`seaway/compose/loader/compose-spec.json`).

Only what that file uses of JSON Schema is understood here. Lists may repeat an item: merging takes care of that.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seaway.compose.loader import tree
from seaway.syntax import decode, diagnosis, nodes

FILE = Path(__file__).with_name("compose-spec.json")
Schema = Mapping[str, Any]

_TYPE_NAMES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@functools.cache
def load() -> Schema:
    """The schema as it is written."""
    return json.loads(FILE.read_text())


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def check(root: nodes.Node, *, complete: bool) -> Iterator[diagnosis.Diagnostic]:
    """What the specification does not allow. ``whole``: what it requires must be there too; a file that others are
    merged with need not have it."""
    yield from _check(load(), root, "", complete)


def _check(schema: Schema, node: nodes.Node, path: str, complete: bool) -> Iterator[diagnosis.Diagnostic]:
    if "$ref" in schema:
        schema = load()["definitions"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        fitting = [branch for branch in map(_resolve, schema["oneOf"]) if _matches_type(node, _list_types(branch))]
        if fitting:
            yield from _check(fitting[0], node, path, complete)
        else:
            yield _diagnose_type(
                node, path, {kind for branch in schema["oneOf"] for kind in _list_types(_resolve(branch))}
            )
    elif not _matches_type(node, _list_types(schema)):
        yield _diagnose_type(node, path, _list_types(schema))
    elif isinstance(node, nodes.MappingNode):
        yield from _check_mapping(schema, node, path, complete)
    elif isinstance(node, nodes.SequenceNode):
        for number, item in enumerate(node.items):
            yield from _check(schema.get("items", {}), item, tree.join(path, number), complete)
    elif isinstance(node, nodes.ScalarNode):
        yield from _check_scalar(schema, node, path)


def _resolve(schema: Schema) -> Schema:
    return load()["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _list_types(schema: Schema) -> frozenset[str]:
    """The types that a shape takes; none said is any."""
    if "oneOf" in schema:
        return frozenset(kind for branch in schema["oneOf"] for kind in _list_types(_resolve(branch)))
    said = schema.get("type", ())
    return frozenset((said,) if isinstance(said, str) else said)


_KIND_TYPES: Mapping[str, frozenset[str]] = {
    "int": frozenset({"integer", "number"}),
    "float": frozenset({"number"}),
    "bool": frozenset({"boolean"}),
    "null": frozenset({"null"}),
    "text": frozenset({"string"}),
}


def _matches_type(node: nodes.Node, types: frozenset[str]) -> bool:
    if isinstance(node, nodes.ScalarNode):
        return not types or bool(types & _KIND_TYPES[node.kind])
    return not types or ("object" if isinstance(node, nodes.MappingNode) else "array") in types


def _diagnose_type(node: nodes.Node, path: str, types: frozenset[str] | set[str]) -> diagnosis.Diagnostic:
    wanted = " or ".join(name for kind, name in _TYPE_NAMES.items() if kind in types and kind != "null")
    remedy = f"write {wanted}"
    if isinstance(node, nodes.ScalarNode) and node.kind == "null":
        remedy = f"write {wanted}, or remove the key"
    elif isinstance(node, nodes.ScalarNode) and "string" in types:
        remedy = "put quotes round it"
    return diagnosis.Diagnostic(node.location, path, f"{nodes.describe_node(node)} is not {wanted}", remedy)


def _check_mapping(
    schema: Schema, node: nodes.MappingNode, path: str, complete: bool
) -> Iterator[diagnosis.Diagnostic]:
    known: Schema = schema.get("properties", {})
    wild: Schema = schema.get("patternProperties", {})
    for name, entry in node.pairs.items():
        at = tree.join(path, name)
        inner = known.get(name)
        if inner is None:
            inner = next((below for pattern, below in wild.items() if _pattern(pattern).search(name)), None)
        if inner is not None:
            yield from _check(inner, entry.node, at, complete)
        elif schema.get("additionalProperties", True) is False:
            if known:
                yield diagnosis.Diagnostic(
                    entry.location, at, "there is no such key", decode.suggest_name(name, list(known))
                )
            else:
                wrong = f"{diagnosis.quote(name)} is no name that Compose allows"
                yield diagnosis.Diagnostic(entry.location, at, wrong, "use letters, digits, ., _ and -")
    if complete:
        for name in schema.get("required", ()):
            if name not in node.pairs:
                yield diagnosis.Diagnostic(node.location, path, f"has no `{name}`", f"add `{name}: ...`")


def _check_scalar(schema: Schema, node: nodes.ScalarNode, path: str) -> Iterator[diagnosis.Diagnostic]:
    values: list[str] = schema.get("enum", [])
    if values and node.text not in values:
        yield diagnosis.Diagnostic(
            node.location, path, f"{nodes.describe_node(node)} is not known", f"write {' or '.join(values)}"
        )
    if "pattern" in schema and not _pattern(schema["pattern"]).search(node.text):
        wrong = f"{nodes.describe_node(node)} has the wrong form"
        yield diagnosis.Diagnostic(node.location, path, wrong, f"it must match {schema['pattern']}")
    if node.kind == "int":
        least, most = schema.get("minimum"), schema.get("maximum")
        value = nodes.to_int(node)
        if least is not None and value < least:
            yield diagnosis.Diagnostic(node.location, path, f"{value} is too small", f"the least is {least}")
        if most is not None and value > most:
            yield diagnosis.Diagnostic(node.location, path, f"{value} is too big", f"the most is {most}")
