"""Checks a compose document against the schema of the Compose Specification (`seaway/schema/compose-spec.json`).

It supports the keywords of JSON Schema that this file uses. Lists may repeat an entry: the merge removes duplicates.
"""

import functools
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from seaway.compose.loader import tree
from seaway.syntax import decode, diagnosis, nodes

FILE = Path(__file__).with_name("compose-spec.json")
Schema = Mapping[str, Any]

_TYPE_NAMES = {
    "string": "text",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_KIND_TYPES: Mapping[str, frozenset[str]] = {
    "int": frozenset({"integer", "number"}),
    "float": frozenset({"number"}),
    "bool": frozenset({"boolean"}),
    "null": frozenset({"null"}),
    "text": frozenset({"string"}),
}


@functools.cache
def load() -> Schema:
    return json.loads(FILE.read_text())


def check(root: nodes.Node, *, complete: bool) -> None:
    """Check a document. ``complete``: required keys must exist; a file that is merged later may lack them."""
    errors = tree.Errors()
    _Checker(errors, complete).check(load(), root, "")
    errors.raise_if_any()


def _resolve(schema: Schema) -> Schema:
    return load()["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _list_types(schema: Schema) -> frozenset[str]:
    """The types that a schema accepts; empty: any."""
    if "oneOf" in schema:
        return frozenset(name for branch in schema["oneOf"] for name in _list_types(_resolve(branch)))
    types = schema.get("type", ())
    return frozenset((types,) if isinstance(types, str) else types)


def _matches_type(node: nodes.Node, types: Collection[str]) -> bool:
    if not types:
        return True
    if isinstance(node, nodes.ScalarNode):
        return not _KIND_TYPES[node.kind].isdisjoint(types)
    return ("object" if isinstance(node, nodes.MappingNode) else "array") in types


class _Checker:
    def __init__(self, errors: tree.Errors, complete: bool) -> None:
        self.errors = errors
        self.complete = complete

    def check(self, schema: Schema, node: nodes.Node, path: str) -> None:
        schema = _resolve(schema)
        if "oneOf" in schema:
            branches = [branch for branch in map(_resolve, schema["oneOf"]) if _matches_type(node, _list_types(branch))]
            if branches:
                self.check(branches[0], node, path)
                return
        if not _matches_type(node, _list_types(schema)):
            self._report_type(node, path, _list_types(schema))
        elif isinstance(node, nodes.MappingNode):
            self._check_mapping(schema, node, path)
        elif isinstance(node, nodes.SequenceNode):
            for number, child in enumerate(node.items):
                self.check(schema.get("items", {}), child, tree.join(path, number))
        elif isinstance(node, nodes.ScalarNode):
            self._check_scalar(schema, node, path)

    def _report_type(self, node: nodes.Node, path: str, types: Collection[str]) -> None:
        expected = " or ".join(name for type_, name in _TYPE_NAMES.items() if type_ in types)
        hint = f"write {expected}"
        if tree.is_null(node):
            hint = f"write {expected}, or remove the key"
        elif isinstance(node, nodes.ScalarNode) and "string" in types:
            hint = "put quotes around it"
        self.errors.add(node, path, "invalid-type", f"{nodes.describe_node(node)} is not {expected}", hint)

    def _check_mapping(self, schema: Schema, node: nodes.MappingNode, path: str) -> None:
        known: Schema = schema.get("properties", {})
        patterns: Schema = schema.get("patternProperties", {})
        for name, pair in node.pairs.items():
            at = tree.join(path, name)
            child = known.get(name)
            if child is None:
                matches = (below for pattern, below in patterns.items() if re.search(pattern, name))
                child = next(matches, None)
            if child is not None:
                self.check(child, pair.node, at)
            elif schema.get("additionalProperties", True) is False and known:
                self.errors.add(pair, at, "unknown-key", "unknown key", decode.suggest_name(name, list(known)))
            elif schema.get("additionalProperties", True) is False:
                message = f"{diagnosis.quote(name)} is not a valid name"
                self.errors.add(pair, at, "invalid-name", message, "use letters, digits, ., _ and -")
        for name in schema.get("required", ()) if self.complete else ():
            if name not in node.pairs:
                self.errors.add(node, path, "missing-value", f"has no `{name}`", f"add `{name}: ...`")

    def _check_scalar(self, schema: Schema, node: nodes.ScalarNode, path: str) -> None:
        shown = nodes.describe_node(node)
        allowed: list[str] = schema.get("enum", [])
        if allowed and node.text not in allowed:
            hint = f"write {' or '.join(allowed)}"
            self.errors.add(node, path, "invalid-value", f"{shown} is not a valid value", hint)
        if "pattern" in schema and not re.search(schema["pattern"], node.text):
            hint = f"it must match {schema['pattern']}"
            self.errors.add(node, path, "invalid-value", f"{shown} has an invalid form", hint)
        if node.kind == "int":
            number, least, most = nodes.to_int(node), schema.get("minimum"), schema.get("maximum")
            if least is not None and number < least:
                self.errors.add(node, path, "invalid-value", f"{number} is too small", f"the minimum is {least}")
            if most is not None and number > most:
                self.errors.add(node, path, "invalid-value", f"{number} is too large", f"the maximum is {most}")
