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
Shape = Mapping[str, Any]

_NAMES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@functools.cache
def read() -> Shape:
    """The schema as it is written."""
    return json.loads(FILE.read_text())


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def check(root: nodes.Node, *, whole: bool) -> Iterator[diagnosis.Problem]:
    """What the specification does not allow. ``whole``: what it requires must be there too; a file that others are
    merged with need not have it."""
    yield from _check(read(), root, "", whole)


def _check(shape: Shape, node: nodes.Node, path: str, whole: bool) -> Iterator[diagnosis.Problem]:
    if "$ref" in shape:
        shape = read()["definitions"][shape["$ref"].rpartition("/")[2]]
    if "oneOf" in shape:
        fitting = [branch for branch in map(_resolved, shape["oneOf"]) if _is(node, _types(branch))]
        if fitting:
            yield from _check(fitting[0], node, path, whole)
        else:
            yield _wrong(node, path, {kind for branch in shape["oneOf"] for kind in _types(_resolved(branch))})
    elif not _is(node, _types(shape)):
        yield _wrong(node, path, _types(shape))
    elif isinstance(node, nodes.Table):
        yield from _table(shape, node, path, whole)
    elif isinstance(node, nodes.Items):
        for number, item in enumerate(node.items):
            yield from _check(shape.get("items", {}), item, tree.join(path, number), whole)
    elif isinstance(node, nodes.Scalar):
        yield from _scalar(shape, node, path)


def _resolved(shape: Shape) -> Shape:
    return read()["definitions"][shape["$ref"].rpartition("/")[2]] if "$ref" in shape else shape


def _types(shape: Shape) -> frozenset[str]:
    """The types that a shape takes; none said is any."""
    if "oneOf" in shape:
        return frozenset(kind for branch in shape["oneOf"] for kind in _types(_resolved(branch)))
    said = shape.get("type", ())
    return frozenset((said,) if isinstance(said, str) else said)


_KINDS: Mapping[str, frozenset[str]] = {
    "int": frozenset({"integer", "number"}),
    "float": frozenset({"number"}),
    "bool": frozenset({"boolean"}),
    "null": frozenset({"null"}),
    "text": frozenset({"string"}),
}


def _is(node: nodes.Node, types: frozenset[str]) -> bool:
    if isinstance(node, nodes.Scalar):
        return not types or bool(types & _KINDS[node.kind])
    return not types or ("object" if isinstance(node, nodes.Table) else "array") in types


def _wrong(node: nodes.Node, path: str, types: frozenset[str] | set[str]) -> diagnosis.Problem:
    wanted = " or ".join(name for kind, name in _NAMES.items() if kind in types and kind != "null")
    remedy = f"write {wanted}"
    if isinstance(node, nodes.Scalar) and node.kind == "null":
        remedy = f"write {wanted}, or remove the key"
    elif isinstance(node, nodes.Scalar) and "string" in types:
        remedy = "put quotes round it"
    return diagnosis.Problem(node.place, path, f"{nodes.shown(node)} is not {wanted}", remedy)


def _table(shape: Shape, node: nodes.Table, path: str, whole: bool) -> Iterator[diagnosis.Problem]:
    known: Shape = shape.get("properties", {})
    wild: Shape = shape.get("patternProperties", {})
    for name, entry in node.entries.items():
        at = tree.join(path, name)
        inner = known.get(name)
        if inner is None:
            inner = next((below for pattern, below in wild.items() if _pattern(pattern).search(name)), None)
        if inner is not None:
            yield from _check(inner, entry.node, at, whole)
        elif shape.get("additionalProperties", True) is False:
            if known:
                yield diagnosis.Problem(entry.place, at, "there is no such key", decode.nearest(name, list(known)))
            else:
                wrong = f"{diagnosis.quoted(name)} is no name that Compose allows"
                yield diagnosis.Problem(entry.place, at, wrong, "use letters, digits, ., _ and -")
    if whole:
        for name in shape.get("required", ()):
            if name not in node.entries:
                yield diagnosis.Problem(node.place, path, f"has no `{name}`", f"add `{name}: ...`")


def _scalar(shape: Shape, node: nodes.Scalar, path: str) -> Iterator[diagnosis.Problem]:
    values: list[str] = shape.get("enum", [])
    if values and node.text not in values:
        yield diagnosis.Problem(node.place, path, f"{nodes.shown(node)} is not known", f"write {' or '.join(values)}")
    if "pattern" in shape and not _pattern(shape["pattern"]).search(node.text):
        wrong = f"{nodes.shown(node)} has the wrong form"
        yield diagnosis.Problem(node.place, path, wrong, f"it must match {shape['pattern']}")
    if node.kind == "int":
        least, most = shape.get("minimum"), shape.get("maximum")
        value = nodes.whole(node)
        if least is not None and value < least:
            yield diagnosis.Problem(node.place, path, f"{value} is too small", f"the least is {least}")
        if most is not None and value > most:
            yield diagnosis.Problem(node.place, path, f"{value} is too big", f"the most is {most}")
