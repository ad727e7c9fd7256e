"""Converts the OpenAPI file of Kubernetes to the JSON schemas of kubeconform, one file per kind, without downloads.

Strict: an unknown field is an error. https://github.com/yannh/kubeconform#overriding-schemas-location
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

LOCATION = "{{.ResourceKind}}{{.KindSuffix}}.json"
STRING_OR_NUMBER = ("IntOrString", "Quantity")
"""Types that accept text or a number."""

Schema = dict[str, Any]


def write_schemas(definitions: Mapping[str, Schema], folder: Path) -> int:
    """Write a file for each kind, and return the number of files."""
    number = 0
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            (folder / format_file_name(kind["group"], kind["version"], kind["kind"])).write_text(
                json.dumps(bundle_schema(definitions, name, kind))
            )
            number += 1
    return number


def format_file_name(group: str, version: str, kind: str) -> str:
    """Return kubeconform's file name: ``deployment-apps-v1.json``, ``ingress-networking-v1.json``."""
    return "-".join(filter(None, (kind.lower(), group.partition(".")[0], version))) + ".json"


def bundle_schema(definitions: Mapping[str, Schema], name: str, kind: Mapping[str, str]) -> Schema:
    """Return the schema of a kind with every type that it uses."""
    used: dict[str, Schema] = {}
    pending = [name]
    while pending:
        type_name = pending.pop()
        if type_name not in used:
            used[type_name] = make_strict(type_name, definitions[type_name])
            pending += _list_references(used[type_name])
    version = "/".join(filter(None, (kind["group"], kind["version"])))
    fixed = {"apiVersion": {"enum": [version]}, "kind": {"enum": [kind["kind"]]}}
    used[name] |= {"properties": used[name].get("properties", {}) | fixed, "required": ["apiVersion", "kind"]}
    return {"$ref": f"#/definitions/{name}", "definitions": used}


def make_strict(name: str, definition: Schema) -> Schema:
    """Return the schema of a type without additional fields."""
    if name.rpartition(".")[2] in STRING_OR_NUMBER:
        return {"type": ["string", "number"]}
    schema = {key: field for key, field in definition.items() if key not in ("description", "format")}
    if "properties" in schema:
        schema["additionalProperties"] = False
    return schema


def _list_references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, child in cast("Mapping[str, Any]", schema).items():
            if key == "$ref" and isinstance(child, str):
                yield child.rpartition("/")[2]
            else:
                yield from _list_references(child)
    elif isinstance(schema, list):
        for child in cast("list[Any]", schema):
            yield from _list_references(child)
