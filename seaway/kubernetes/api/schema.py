"""The part of the Kubernetes API that Seaway uses: the fields of each kind, their types, and how objects are merged.

``python -m dev.schema`` makes ``kubernetes.json`` from the OpenAPI file of Kubernetes. A type is the name of another
type, a scalar (`string`, `integer`, `boolean`, `quantity`, `intOrString`, or `object` for anything),
`{"enum": [...]}`, `{"map": type}`, or `{"list": type, "key": ...}`, which merges elements with the same key.
"""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from seaway.syntax import decode, nodes

_FILE = Path(__file__).with_name("kubernetes.json")

KeyPath = tuple[str, ...]
"""The keys from an object to a field; an element of a list has its index."""


class FieldError(NamedTuple):
    """An unknown or invalid field of an object, as in a ``Diagnostic``."""

    path: KeyPath
    code: str
    message: str
    hint: str


Errors = Iterator[FieldError]


@functools.cache
def _load_schema() -> Mapping[str, Any]:
    return json.loads(_FILE.read_text())


def check_object(kind: str, manifest: Any, *, partial: bool = False) -> Errors:
    """The errors in an object. Values that are not known yet (such as Pulumi outputs) are accepted.

    ``partial``: the object will be merged into another: required fields may be missing, and null removes a key.
    """
    return _check_type(_load_schema()["kinds"][kind]["type"], manifest, (), partial)


def merge_patch(manifest: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The object with a patch, as `kubectl patch` merges it.

    Mappings merge by key, and null removes a key. Lists of named elements (containers, env, ports, volumes) merge by
    element. Other lists are replaced.
    """
    return _merge(_load_schema()["kinds"][manifest["kind"]]["type"], manifest, patch)


def _check_type(type_: Any, node: Any, path: KeyPath, partial: bool) -> Errors:
    if node is None and not partial:
        yield FieldError(path, "invalid-value", "is null", "remove the key")
    if not isinstance(node, str | int | float | Mapping | list | tuple):
        return
    match type_:
        case {"enum": names}:
            yield from _check_enum(names, node, path)
        case {"map": inner}:
            if isinstance(node, Mapping):
                for key, field in cast("Mapping[str, Any]", node).items():
                    yield from _check_type(inner, field, (*path, key), partial)
            else:
                hint = "write `key: value` below it, one per line"
                yield FieldError(path, "invalid-type", f"{_describe(node)} is not a mapping", hint)
        case {"list": _}:
            yield from _check_list(cast("Mapping[str, Any]", type_), node, path, partial)
        case str() if type_ in _load_schema()["types"]:
            yield from _check_fields(type_, node, path, partial)
        case _ if not _is_scalar(type_, node):
            yield FieldError(
                path, "invalid-type", f"{_describe(node)} is not {_SCALARS[type_].description}", _hint(type_, node)
            )
        case _:
            pass


def _check_fields(type_: str, node: Any, path: KeyPath, partial: bool) -> Errors:
    name, definition = type_.rpartition(".")[2], _load_schema()["types"][type_]
    types: Mapping[str, Any] = definition["fields"]
    if not isinstance(node, Mapping):
        yield FieldError(path, "invalid-type", f"{_describe(node)} is not a mapping", f"write keys of {name} below it")
        return
    fields = cast("Mapping[str, Any]", node)
    for key, field in fields.items():
        if key in types:
            yield from _check_type(types[key], field, (*path, key), partial)
        else:
            hint = decode.suggest_name(key, types)
            yield FieldError((*path, key), "unknown-key", f"is not a field of {name}", hint)
    for key in definition.get("required", ()):
        if key not in fields and not partial:
            yield FieldError((*path, key), "missing-value", "is missing", f"{name} requires it")


def _check_list(type_: Mapping[str, Any], node: Any, path: KeyPath, partial: bool) -> Errors:
    if not isinstance(node, list | tuple):
        hint = "write one element per line after `- `"
        yield FieldError(path, "invalid-type", f"{_describe(node)} is not a list", hint)
        return
    merge_key = _get_merge_key(type_)
    for index, element in enumerate(cast("Sequence[Any]", node)):
        element_path = (*path, str(index))
        if element is None:
            yield FieldError(element_path, "invalid-value", "is null", "remove the element")
        elif merge_key is not None and isinstance(element, Mapping) and get_nested(element, merge_key) is None:
            key = ".".join(merge_key)
            hint = f"add `{key}`, which identifies the element"
            yield FieldError(element_path, "missing-value", f"has no {key}", hint)
        else:
            # An element without a merge key is not merged, so it must be complete.
            yield from _check_type(type_["list"], element, element_path, partial and merge_key is not None)


def _check_enum(names: list[str], node: Any, path: KeyPath) -> Errors:
    if node not in names:
        closest = decode.find_closest(str(node), names) if len(names) > 10 else None
        hint = f"did you mean {closest}?" if closest else f"write {' or '.join(names)}"
        yield FieldError(path, "invalid-value", f"{_describe(node)} is not one of the allowed values", hint)


class _Scalar(NamedTuple):
    types: Any
    description: str
    hint: str


_SCALARS: Mapping[str, _Scalar] = {
    "string": _Scalar(str, "text", "write one value; quote it if it has brackets"),
    "integer": _Scalar(int, "a whole number", "write digits, as 5, without quotes"),
    "boolean": _Scalar(bool, "true or false", "write true or false, unquoted"),
    "intOrString": _Scalar(int | str, "a whole number or text", 'write 1, or "25%"'),
    "quantity": _Scalar(int | float | str, "a quantity", "write it as 100m or 128Mi"),
}


def _is_scalar(type_: str, node: Any) -> bool:
    if type_ not in _SCALARS:
        return True
    # In Python a bool is an int, too.
    return type_ == "boolean" if isinstance(node, bool) else isinstance(node, _SCALARS[type_].types)


def _hint(type_: str, node: Any) -> str:
    if type_ == "string" and isinstance(node, int | float):
        return f'quote it: "{json.dumps(node)}"'
    return _SCALARS[type_].hint


def _describe(node: Any) -> str:
    return nodes.describe_node(nodes.from_plain(node, ""))


def _merge(type_: Any, base: Any, patch: Any) -> Any:
    match type_:
        case {"list": inner}:
            return _merge_list(inner, _get_merge_key(cast("Mapping[str, Any]", type_)), base, patch)
        case {"map": inner}:
            types: Mapping[str, Any] = dict.fromkeys(patch, inner)
        case str() if type_ in _load_schema()["types"]:
            types = _load_schema()["types"][type_]["fields"]
        case _:
            # The API accepts numbers as quantities but returns text: a number would differ in every preview.
            return json.dumps(patch) if type_ == "quantity" and not isinstance(patch, str) else patch
    merged: dict[str, Any] = dict(cast("Mapping[str, Any]", base)) if isinstance(base, Mapping) else {}
    for key, field in cast("Mapping[str, Any]", patch).items():
        if field is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(types[key], merged.get(key), field)
    return merged


def _merge_list(inner: Any, merge_key: KeyPath | None, base: Any, patch: Sequence[Any]) -> list[Any]:
    if merge_key is None or not isinstance(base, list):
        return [_merge(inner, None, element) for element in patch]
    merged = list(cast("list[Any]", base))
    for element in patch:
        keys = [get_nested(other, merge_key) for other in merged]
        key = get_nested(element, merge_key)
        if key in keys:
            merged[keys.index(key)] = _merge(inner, merged[keys.index(key)], element)
        else:
            merged.append(_merge(inner, None, element))
    return merged


def _get_merge_key(type_: Mapping[str, Any]) -> KeyPath | None:
    """The path of the key that identifies an element. The API does not merge claim templates, but they have names."""
    if type_["list"] == "core.v1.PersistentVolumeClaim":
        return ("metadata", "name")
    return (type_["key"],) if "key" in type_ else None


def get_nested(node: Any, path: Sequence[str]) -> Any:
    """The value at a path of keys; None if there is none."""
    for key in path:
        node = cast("Mapping[str, Any]", node).get(key) if isinstance(node, Mapping) else None
    return node
