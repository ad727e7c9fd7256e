"""Makes `seaway/kubernetes/api/kubernetes.json`: Kubernetes' API as far as Seaway makes objects of it.

`python -m dev.schema`, with Go on the PATH. The source is the Kubernetes module that the toolchain pins: its OpenAPI
file, and the code that is generated beside it, since only that knows the values of a field like `imagePullPolicy`.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from dev import project
from dev.cluster import compiler
from seaway.kubernetes.api import kinds

FILE = project.ROOT / "seaway" / "kubernetes" / "api" / "kubernetes.json"

KINDS = {**kinds.MANAGED_VERSIONS, "Namespace": "v1", "PersistentVolumeClaim": "v1"}

_SPECIAL = {"Quantity": "quantity", "IntOrString": "intOrString", "Time": "string", "MicroTime": "string"}
_FUNCTION = re.compile(r"^func schema_(\w+)\(")
_PROPERTY = re.compile(r'^\t{5}"([^"]+)": \{$')
_ENUM = re.compile(r"^\t{7,}Enum: +\[\]interface\{\}\{(.*)\},$")

Schema = Mapping[str, Any]
Enums = Mapping[tuple[str, str], list[str]]


def make_schema(definitions: Mapping[str, Schema], enum_values: Enums, version: str) -> dict[str, Any]:
    """The file's content: kinds with their version and type, and every type that they use."""
    roots = {_find_kind(definition): name for name, definition in definitions.items() if _find_kind(definition)}
    types: dict[str, Any] = {}
    wanted = [roots[version, kind] for kind, version in KINDS.items()]
    while wanted:
        name = wanted.pop()
        if _short_name(name) in types:
            continue
        fields = cast(Mapping[str, Schema], definitions[name].get("properties", {}))
        # What the cluster says of an object, nobody asks for.
        if name in roots.values():
            fields = {key: one for key, one in fields.items() if key != "status"}
        types[_short_name(name)] = {
            "fields": {key: _convert_field(one, enum_values.get((name, key))) for key, one in fields.items()}
        }
        if required := definitions[name].get("required"):
            types[_short_name(name)]["required"] = required
        wanted += [used for one in fields.values() for used in _list_references(one) if _find_special(used) is None]
    kinds = {
        kind: {"apiVersion": version, "type": _short_name(roots[version, kind])} for kind, version in KINDS.items()
    }
    return {"kubernetes": version, "kinds": kinds, "types": dict(sorted(types.items()))}


def format_schema(schema: Mapping[str, Any]) -> str:
    """One kind and one type a line, so that a newer Kubernetes is a diff that can be read."""

    def lines(key: str) -> str:
        return ",\n".join(
            f"{json.dumps(name)}:{json.dumps(one, separators=(',', ':'))}" for name, one in schema[key].items()
        )

    version = json.dumps(schema["kubernetes"])
    return f'{{"kubernetes":{version},\n"kinds":{{\n{lines("kinds")}}},\n"types":{{\n{lines("types")}}}}}\n'


def parse_enums(source: str) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """The values of fields that have a list of them, by type and field, from Kubernetes' generated Go code."""
    function = field = ""
    for line in source.splitlines():
        if found := _FUNCTION.match(line):
            function = found[1]
        elif found := _PROPERTY.match(line):
            field = found[1]
        elif found := _ENUM.match(line):
            yield (function, field), json.loads(f"[{found[1]}]")


def read_schema() -> dict[str, Any]:
    """The file's content, from the module that the toolchain pins."""
    module = project.ROOT / "dev" / "cluster" / "modules" / "kubernetes"
    listed = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", "k8s.io/kubernetes"],
        cwd=module,
        env=compiler.go_environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    folder, version = listed.stdout.split()
    definitions = json.loads((Path(folder) / "api/openapi-spec/swagger.json").read_text())["definitions"]
    code = (Path(folder) / "pkg/generated/openapi/zz_generated.openapi.go").read_text()
    by_function = {_function_name(name): name for name in definitions}
    found = {
        (by_function[function], field): values
        for (function, field), values in parse_enums(code)
        if function in by_function
    }
    return make_schema(definitions, found, version)


def _find_kind(definition: Schema) -> tuple[str, str] | None:
    """API version and kind of a definition; None where it is only part of one."""
    for one in definition.get("x-kubernetes-group-version-kind", ()):
        version = f"{one['group']}/{one['version']}" if one["group"] else one["version"]
        if KINDS.get(one["kind"]) == version:
            return version, one["kind"]
    return None


def _convert_field(schema: Schema, enum: list[str] | None = None) -> Any:
    """A field's type: the name of one, {"enum": [...]}, {"map": type}, or {"list": type}, with the key that tells
    its items apart where items with the same key are merged."""
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
    """What the generator calls the function of a type: io.k8s.api.core.v1.Container, k8sio_api_core_v1_Container."""
    return name.replace("io.k8s.", "k8sio.", 1).replace(".", "_") if ".api." in name else name


if __name__ == "__main__":
    FILE.write_text(format_schema(read_schema()))
    print(f"{FILE.relative_to(project.ROOT)}: {FILE.stat().st_size} bytes")
