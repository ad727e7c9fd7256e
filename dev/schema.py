"""Generates `seaway/kubernetes/api/kubernetes.json`: the part of the Kubernetes API that Seaway uses.

`python -m dev.schema`, with Go on PATH. The sources are the OpenAPI file of the Kubernetes module that the toolchain
pins, and its generated code: only the code has the values of fields such as `imagePullPolicy`. Those of the Gateway API
are the custom resource definitions of its module.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from dev import project
from dev.cluster import compiler
from seaway.kubernetes.api import kinds

FILE = project.ROOT / "seaway" / "kubernetes" / "api" / "kubernetes.json"

KINDS = {**kinds.MANAGED_VERSIONS, "Namespace": "v1", "PersistentVolumeClaim": "v1"}

_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_SPECIAL = {"Quantity": "quantity", "IntOrString": "intOrString", "Time": "string", "MicroTime": "string"}
_FUNCTION = re.compile(r"^func schema_(\w+)\(")
_PROPERTY = re.compile(r'^\t{5}"([^"]+)": \{$')
_ENUM = re.compile(r"^\t{7,}Enum: +\[\]interface\{\}\{(.*)\},$")

Schema = Mapping[str, Any]
Enums = Mapping[tuple[str, str], list[str]]


def make_schema(definitions: Mapping[str, Schema], enum_values: Enums, version: str) -> dict[str, Any]:
    """Return the content of the file: kinds with version and type, and every type that they use."""
    roots = {_find_kind(definition): name for name, definition in definitions.items() if _find_kind(definition)}
    types: dict[str, Any] = {}
    pending = [roots[version, kind] for kind, version in KINDS.items()]
    while pending:
        name = pending.pop()
        if _short_name(name) in types:
            continue
        fields = cast(Mapping[str, Schema], definitions[name].get("properties", {}))
        # Manifests have no status.
        if name in roots.values():
            fields = {key: schema for key, schema in fields.items() if key != "status"}
        types[_short_name(name)] = {
            "fields": {key: _convert_field(schema, enum_values.get((name, key))) for key, schema in fields.items()}
        }
        if required := definitions[name].get("required"):
            types[_short_name(name)]["required"] = required
        references = (reference for schema in fields.values() for reference in _list_references(schema))
        pending += [reference for reference in references if _find_special(reference) is None]
    kinds = {
        kind: {"apiVersion": version, "type": _short_name(roots[version, kind])}
        for kind, version in sorted(KINDS.items())
    }
    return {"kubernetes": version, "kinds": kinds, "types": dict(sorted(types.items()))}


def format_schema(schema: Mapping[str, Any]) -> str:
    """Format each kind and each type on one line, so that the diff of a new Kubernetes version is readable."""

    def format_lines(key: str) -> str:
        return ",\n".join(
            f"{json.dumps(name)}:{json.dumps(content, separators=(',', ':'))}" for name, content in schema[key].items()
        )

    version = json.dumps(schema["kubernetes"])
    return (
        f'{{"kubernetes":{version},\n"kinds":{{\n{format_lines("kinds")}}},\n"types":{{\n{format_lines("types")}}}}}\n'
    )


def parse_enums(source: str) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Return the values of enum fields by type and field, from the generated Go code of Kubernetes."""
    function = field = ""
    for line in source.splitlines():
        if match := _FUNCTION.match(line):
            function = match[1]
        elif match := _PROPERTY.match(line):
            field = match[1]
        elif match := _ENUM.match(line):
            yield (function, field), json.loads(f"[{match[1]}]")


def read_schema() -> dict[str, Any]:
    """Return the content of the file, from the module that the toolchain pins."""
    folder, version = _find_module("kubernetes", "k8s.io/kubernetes")
    definitions = json.loads((folder / "api/openapi-spec/swagger.json").read_text())["definitions"]
    code = (folder / "pkg/generated/openapi/zz_generated.openapi.go").read_text()
    by_function = {_function_name(name): name for name in definitions}
    found = {
        (by_function[function], field): values
        for (function, field), values in parse_enums(code)
        if function in by_function
    }
    gateway_api, _ = _find_module("gateway-api", "sigs.k8s.io/gateway-api")
    for kind in sorted(kinds.OPTIONAL_KINDS & kinds.MANAGED_VERSIONS.keys()):
        file = f"config/crd/standard/gateway.networking.k8s.io_{kinds.KINDS[kind].plural}.yaml"
        flat, enums = flatten_definition(yaml.safe_load((gateway_api / file).read_text()))
        definitions |= flat
        found |= enums
    return make_schema(definitions, found, version)


def _find_module(part: str, module: str) -> tuple[Path, str]:
    """Return the folder and the version of a Go module that a part of the toolchain pins."""
    command = ["go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", module]
    folder = project.ROOT / "dev" / "cluster" / "modules" / part
    environment = compiler.go_environment()
    result = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    path, version = result.stdout.split()
    return Path(path), version


def flatten_definition(document: Mapping[str, Any]) -> tuple[dict[str, Schema], dict[tuple[str, str], list[str]]]:
    """Return the types of a custom resource definition as in an OpenAPI file, and the values of its enum fields.

    A definition has its types inside each other, and the same type at several places, which gets one name.
    """
    spec = document["spec"]
    version = next(version for version in spec["versions"] if version["storage"])
    kind, prefix = spec["names"]["kind"], f"{spec['group'].partition('.')[0]}.{version['name']}."
    definitions: dict[str, Schema] = {}
    enums: dict[tuple[str, str], list[str]] = {}
    names: dict[str, str] = {}

    def flatten(schema: Mapping[str, Any], name: str) -> Schema:
        if "items" in schema:
            return {"type": "array", "items": flatten(schema["items"], name)}
        if "properties" not in schema:
            return {key: schema[key] for key in ("type", "additionalProperties") if key in schema}
        fields = {
            key: flatten(field, f"{name}{key[0].upper()}{key[1:]}") for key, field in schema["properties"].items()
        }
        values = {key: field["enum"] for key, field in schema["properties"].items() if "enum" in field}
        definition: dict[str, Any] = {"properties": fields, "required": schema.get("required", [])}
        own_name = names.setdefault(json.dumps([definition, values]), name)
        if own_name == name:
            definitions[name] = definition
            enums.update({(name, key): field for key, field in values.items()})
        return {"$ref": own_name}

    root = f"{prefix}{kind}"
    flatten(version["schema"]["openAPIV3Schema"], root)
    identity = {"group": spec["group"], "version": version["name"], "kind": kind}
    definitions[root] = {**definitions[root], "x-kubernetes-group-version-kind": [identity]}
    cast(dict[str, Any], definitions[root]["properties"])["metadata"] = {"$ref": _METADATA}
    return definitions, enums


def _find_kind(definition: Schema) -> tuple[str, str] | None:
    """Return API version and kind of a definition; None if it is not a kind of KINDS."""
    for kind in definition.get("x-kubernetes-group-version-kind", ()):
        version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
        if KINDS.get(kind["kind"]) == version:
            return version, kind["kind"]
    return None


def _convert_field(schema: Schema, enum: list[str] | None = None) -> Any:
    """Return the type of a field: a name, {"enum": [...]}, {"map": type}, or {"list": type} with its merge key."""
    match schema:
        case {"$ref": str(reference)}:
            return _find_special(_reference_name(reference)) or _short_name(_reference_name(reference))
        case {"type": "array", "items": items}:
            key = schema.get("x-kubernetes-patch-merge-key")
            return {"list": _convert_field(items, enum), **({"key": key} if key else {})}
        case {"type": "object", "additionalProperties": values}:
            return {"map": _convert_field(values)}
        case _:
            return {"enum": enum} if enum else schema["type"]


def _list_references(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        yield _reference_name(schema["$ref"])
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _list_references(schema[key])


def _reference_name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _find_special(name: str) -> str | None:
    return _SPECIAL.get(name.rpartition(".")[2]) if ".apimachinery." in name else None


def _short_name(name: str) -> str:
    return name.removeprefix("io.k8s.").replace("api.", "", 1).replace("apimachinery.pkg.apis.", "")


def _function_name(name: str) -> str:
    """Return the function for a type: k8sio_api_core_v1_Container for io.k8s.api.core.v1.Container."""
    return name.replace("io.k8s.", "k8sio.", 1).replace(".", "_") if ".api." in name else name


if __name__ == "__main__":
    FILE.write_text(format_schema(read_schema()))
    print(f"{FILE.relative_to(project.ROOT)}: {FILE.stat().st_size} bytes")
