"""Kubernetes' own OpenAPI file as the JSON schemas that kubeconform reads, one file a kind; nothing is downloaded.

Strict: a field that the API does not know is wrong. https://github.com/yannh/kubeconform#overriding-schemas-location
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

LOCATION = "{{.ResourceKind}}{{.KindSuffix}}.json"
STRING_OR_NUMBER = ("IntOrString", "Quantity")
"""Types that may be written as a text or a number."""

Schema = dict[str, Any]


def write_schemas(definitions: Mapping[str, Schema], folder: Path) -> int:
    """Write a file for every kind; how many there are."""
    number = 0
    for name, definition in definitions.items():
        for one in definition.get("x-kubernetes-group-version-kind", ()):
            (folder / format_file_name(one["group"], one["version"], one["kind"])).write_text(
                json.dumps(bundle_schema(definitions, name, one))
            )
            number += 1
    return number


def format_file_name(group: str, version: str, kind: str) -> str:
    """How kubeconform calls it: ``deployment-apps-v1.json``, ``ingress-networking-v1.json``."""
    return "-".join(filter(None, (kind.lower(), group.partition(".")[0], version))) + ".json"


def bundle_schema(definitions: Mapping[str, Schema], name: str, kind: Mapping[str, str]) -> Schema:
    """The schema of a kind with every type that it uses."""
    used: dict[str, Schema] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in used:
            used[one] = make_strict(one, definitions[one])
            waiting += _references(used[one])
    version = "/".join(filter(None, (kind["group"], kind["version"])))
    fixed = {"apiVersion": {"enum": [version]}, "kind": {"enum": [kind["kind"]]}}
    used[name] |= {"properties": used[name].get("properties", {}) | fixed, "required": ["apiVersion", "kind"]}
    return {"$ref": f"#/definitions/{name}", "definitions": used}


def make_strict(name: str, definition: Schema) -> Schema:
    """A type that knows its own fields and no others."""
    if name.rpartition(".")[2] in STRING_OR_NUMBER:
        return {"type": ["string", "number"]}
    plain = {key: value for key, value in definition.items() if key not in ("description", "format")}
    if "properties" in plain:
        plain["additionalProperties"] = False
    return plain


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in cast("Mapping[str, Any]", schema).items():
            if key == "$ref" and isinstance(value, str):
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for one in cast("list[Any]", schema):
            yield from _references(one)
