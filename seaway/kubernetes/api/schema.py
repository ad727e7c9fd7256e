"""Kubernetes' API, as far as Seaway makes objects of it: which fields there are, of which type, and how two objects
of one kind are merged.

Read from `seaway/kubernetes/api/kubernetes.json`, which `python -m dev.schema` makes of Kubernetes' own OpenAPI file.
A type is the name of one, or of a plain one (`string`, `integer`, `boolean`, `quantity`, `intOrString`, and `object`
for anything), `{"enum": [...]}`, `{"map": type}`, or `{"list": type, "key": ...}` where items with the same key merge.
"""

import functools
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from seaway.syntax import decode, diagnosis

_FILE = Path(__file__).with_name("kubernetes.json")

KeyPath = tuple[str, ...]
"""Keys from the object down; the number of an item in a list is one of them."""


class FieldError(NamedTuple):
    """A part of an object that the API does not know, or not so."""

    path: KeyPath
    message: str
    hint: str


@functools.cache
def _load_schema() -> Mapping[str, Any]:
    return json.loads(_FILE.read_text())


def list_kinds() -> Collection[str]:
    """The kinds that are known."""
    return _load_schema()["kinds"].keys()


def get_api_version(kind: str) -> str:
    """A kind's apiVersion: `apps/v1`."""
    return _load_schema()["kinds"][kind]["apiVersion"]


def check_object(kind: str, manifest: Any, *, partial: bool = False) -> Iterator[FieldError]:
    """What is wrong with an object of that kind. ``part``: it is merged into another, so that what is required may be
    missing, and null takes a key away. A value that is not known yet (no text, number, list or mapping) is right."""
    return _check_type(_load_schema()["kinds"][kind]["type"], manifest, (), partial)


def merge_patch(kind: str, base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``part`` laid over an object, as `kubectl patch` does: mappings key by key, and null takes a key away; lists of
    what has a name (containers, env, ports, volumes) item by item; any other list is replaced."""
    return _merge(_load_schema()["kinds"][kind]["type"], base, patch)


def _check_type(shape: Any, value: Any, path: KeyPath, part: bool) -> Iterator[FieldError]:
    if value is None:
        if not part:
            yield FieldError(path, "is null", "take the key out")
        return
    match shape:
        case {"enum": values}:
            yield from _check_enum(cast("list[str]", values), value, path)
        case {"map": inner}:
            yield from _check_map(inner, value, path, part)
        case {"list": _}:
            yield from _check_list(cast("Mapping[str, Any]", shape), value, path, part)
        case str() if shape in _load_schema()["types"]:
            yield from _check_fields(shape, value, path, part)
        case _:
            yield from _check_scalar(shape, value, path)


def _check_fields(name: str, value: Any, path: KeyPath, part: bool) -> Iterator[FieldError]:
    called = name.rpartition(".")[2]
    definition = _load_schema()["types"][name]
    fields: Mapping[str, Any] = definition["fields"]
    if not isinstance(value, Mapping):
        if _is_known(value):
            yield FieldError(path, f"{_describe(value)} is no mapping", f"write keys of {called} below it")
        return
    given = cast("Mapping[str, Any]", value)
    for key, inner in given.items():
        if key not in fields:
            yield FieldError((*path, key), f"is no field of {called}", decode.suggest_name(key, fields))
        else:
            yield from _check_type(fields[key], inner, (*path, key), part)
    for key in definition.get("required", ()):
        if key not in given and not part:
            yield FieldError((*path, key), "is missing", f"{called} needs it")


def _check_map(inner: Any, value: Any, path: KeyPath, part: bool) -> Iterator[FieldError]:
    if isinstance(value, Mapping):
        for key, one in cast("Mapping[str, Any]", value).items():
            yield from _check_type(inner, one, (*path, key), part)
    elif _is_known(value):
        yield FieldError(path, f"{_describe(value)} is no mapping", "write `key: value`, one a line, below it")


def _check_list(shape: Mapping[str, Any], value: Any, path: KeyPath, part: bool) -> Iterator[FieldError]:
    if not isinstance(value, list | tuple):
        if _is_known(value):
            yield FieldError(path, f"{_describe(value)} is no list", "write one item a line after `- `")
        return
    key = _get_merge_key(shape)
    for number, item in enumerate(cast("Sequence[Any]", value)):
        at = (*path, str(number))
        if item is None:
            yield FieldError(at, "is null", "take the item out")
        elif key is not None and isinstance(item, Mapping) and _get_nested(item, key) is None:
            name = ".".join(key)
            yield FieldError(at, f"has no {name}", f"add `{name}`, which tells it from the others of the list")
        else:
            # An item without a key is not merged into anything: it must be whole.
            yield from _check_type(shape["list"], item, at, part and key is not None)


def _check_enum(values: list[str], value: Any, path: KeyPath) -> Iterator[FieldError]:
    if _is_known(value) and value not in values:
        near = decode.find_closest(str(value), values)
        few = len(values) <= 10
        remedy = f"did you mean {near}?" if near and not few else f"write {' or '.join(values)}"
        yield FieldError(path, f"{_describe(value)} is not one of its values", remedy)


def _check_scalar(shape: str, value: Any, path: KeyPath) -> Iterator[FieldError]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match shape:
        case "string" if not isinstance(value, str):
            text = json.dumps(value) if number or isinstance(value, bool) else None
            remedy = f'quote it: "{text}"' if text else "write one value; quote it if it has brackets"
            if _is_known(value):
                yield FieldError(path, f"{_describe(value)} is not text", remedy)
        case "integer" if not (number and isinstance(value, int)):
            if _is_known(value):
                yield FieldError(path, f"{_describe(value)} is no whole number", "write digits, as 5, without quotes")
        case "boolean" if not isinstance(value, bool):
            if _is_known(value):
                yield FieldError(path, f"{_describe(value)} is neither true nor false", "write true or false, unquoted")
        case "intOrString" if not (isinstance(value, str) or (number and isinstance(value, int))):
            if _is_known(value):
                yield FieldError(path, f"{_describe(value)} is neither a whole number nor text", 'write 1, or "25%"')
        case "quantity" if not (isinstance(value, str) or number):
            if _is_known(value):
                yield FieldError(path, f"{_describe(value)} is no quantity", "write it as 100m or 128Mi")
        case _:
            pass


def _is_known(value: Any) -> bool:
    """Is it a value that somebody wrote, and not one that will be known later?"""
    return isinstance(value, str | int | float | Mapping | list | tuple)


def _describe(value: Any) -> str:
    match value:
        case str():
            return diagnosis.quote(value)
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return json.dumps(value)


def _merge(shape: Any, base: Any, part: Any) -> Any:
    match shape:
        case {"list": inner}:
            return _merge_list(inner, _get_merge_key(cast("Mapping[str, Any]", shape)), base, part)
        case {"map": inner}:
            fields: Mapping[str, Any] = dict.fromkeys(part, inner)
        case str() if shape in _load_schema()["types"]:
            fields = _load_schema()["types"][shape]["fields"]
        case _:
            # The API takes a number for a quantity; text is what it gives back, so nothing differs for ever.
            return json.dumps(part) if shape == "quantity" and not isinstance(part, str) else part
    made: dict[str, Any] = dict(cast("Mapping[str, Any]", base)) if isinstance(base, Mapping) else {}
    for key, value in cast("Mapping[str, Any]", part).items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = _merge(fields[key], made.get(key), value)
    return made


def _merge_list(inner: Any, key: KeyPath | None, base: Any, part: Sequence[Any]) -> list[Any]:
    if key is None or not isinstance(base, list):
        return [_merge(inner, None, item) for item in part]
    made = list(cast("list[Any]", base))
    for item in part:
        name = _get_nested(item, key)
        there = next((number for number, one in enumerate(made) if _get_nested(one, key) == name), None)
        if there is None:
            made.append(_merge(inner, None, item))
        else:
            made[there] = _merge(inner, made[there], item)
    return made


def _get_merge_key(shape: Mapping[str, Any]) -> KeyPath | None:
    """What tells the items of a list apart. The claims of a store have names, though the API does not merge them."""
    if shape["list"] == "core.v1.PersistentVolumeClaim":
        return ("metadata", "name")
    return (shape["key"],) if "key" in shape else None


def _get_nested(item: Any, key: KeyPath) -> Any:
    for one in key:
        item = cast("Mapping[str, Any]", item).get(one) if isinstance(item, Mapping) else None
    return item
