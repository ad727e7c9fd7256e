"""Compares the fields of live objects with the declared ones, and finds the managers that set them.

The managers are in ``metadata.managedFields``: a tree of keys for each field manager.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
https://github.com/kubernetes-sigs/structured-merge-diff/blob/v6.3.0/fieldpath/serialize-pe.go
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from seaway.kubernetes.api import quantity, unstructured

Object = unstructured.Object


@dataclasses.dataclass(frozen=True, slots=True)
class ListStep:
    """A step to an element of a list."""

    label: str
    keys: Mapping[str, Any]
    """The fields that identify the element; empty if only its position does."""


Path = tuple[str | ListStep, ...]
"""From an object to one of its fields: keys of mappings and elements of lists."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A field that differs from the declared one. None: it does not exist."""

    path: Path
    declared: Any
    live: Any


_MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
"""The merge keys of lists. `ports` is a special case below; any other list is atomic.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy"""

_GRANULAR_MAPPINGS = frozenset({"labels", "annotations", "data", "binaryData", "nodeSelector", "matchLabels"})
"""Mappings of unrelated fields: each field is reported separately."""

_QUANTITY_MAPPINGS = frozenset({"requests", "limits", "capacity", "hard", "default", "defaultRequest"})
_QUANTITY_FIELDS = frozenset({"sizeLimit", "divisor"})


def format_path(path: Path) -> str:
    """A path for people: ``spec.template.spec.containers[web].env[LOG_LEVEL].value``."""
    parts = (
        f"[{step.label}]"
        if isinstance(step, ListStep)
        else f".{step}"
        if re.fullmatch(r"[\w-]+", step)
        else f"[{step}]"
        for step in path
    )
    return "".join(parts).removeprefix(".")


def find_edits(declared: Any, live: Any, path: Path = ()) -> Iterator[Change]:
    """The declared fields that were changed or deleted. Other fields are ignored."""
    match declared, live:
        case Mapping(), Mapping():
            declared_fields, live_fields = cast(Object, declared), cast(Object, live)
            for key, value in declared_fields.items():
                if key in live_fields:
                    yield from find_edits(value, live_fields[key], (*path, key))
                elif value not in ("", [], {}, None):  # the API omits empty fields
                    yield Change((*path, key), value, None)
        case list(), list():
            yield from _find_list_edits(cast(list[Any], declared), cast(list[Any], live), path)
        case _ if not _is_equal(declared, live, path):
            yield Change(path, declared, live)
        case _:
            pass


def find_additions(declared: Any, live: Any, owned_fields: Object, path: Path = ()) -> Iterator[Change]:
    """The fields that a manager owns (by its `fieldsV1`) and that are not declared."""
    for key, inner in owned_fields.items():
        if key == ".":
            continue
        step, value = _resolve_step(key, live, path)
        if step is None:  # the manager's fields are older than the object
            continue
        inner_declared, inner_path = _find_declared(declared, step), (*path, step)
        if inner_declared is not None:
            yield from find_additions(inner_declared, value, inner, inner_path)
        elif isinstance(step, str) and step in _GRANULAR_MAPPINGS and inner:
            yield from find_additions({}, value, inner, inner_path)
        else:
            yield Change(inner_path, None, value)


def owns_field(live: Any, owned_fields: Object, path: Path) -> bool:
    """Whether a manager owns the field at a path, or a field that contains it."""
    if not path or not owned_fields:
        return True
    for key, inner in owned_fields.items():
        step, value = _resolve_step(key, live, ())
        if step is not None and _get_identity(step) == _get_identity(path[0]):
            return owns_field(value, inner, path[1:])
    return False


def _find_list_edits(declared: list[Any], live: list[Any], path: Path) -> Iterator[Change]:
    keys = [_create_list_step(path, number, element) for number, element in enumerate(declared)]
    if all(step.keys for step in keys):
        for step, value in zip(keys, declared, strict=True):
            match = next((element for element in live if _has_keys(element, step.keys)), None)
            if match is None:
                yield Change((*path, step), value, None)
            else:
                yield from find_edits(value, match, (*path, step))
    elif len(declared) == len(live) and all(isinstance(element, Mapping) for element in declared):
        for step, value, live_value in zip(keys, declared, live, strict=True):
            yield from find_edits(value, live_value, (*path, step))
    elif declared != live:
        yield Change(path, declared, live)


def _create_list_step(path: Path, number: int, element: Any) -> ListStep:
    name = path[-1] if path and isinstance(path[-1], str) else ""
    fields = _MERGE_KEYS.get(name, ())
    if isinstance(element, Mapping):
        mapping = cast(Object, element)
        if name == "ports":
            fields = ("containerPort" if "containerPort" in mapping else "port", "protocol")
            mapping = {"protocol": "TCP", **mapping}
        if fields and all(field in mapping for field in fields):
            keys = {field: mapping[field] for field in fields}
            return ListStep("/".join(str(keys[field]) for field in fields), keys)
    return ListStep(str(number), {})


def _is_equal(declared: Any, live: Any, path: Path) -> bool:
    if declared == live and isinstance(declared, bool) == isinstance(live, bool):
        return True
    parent, last = [None, None, *(step for step in path if isinstance(step, str))][-2:]
    is_quantity = last in _QUANTITY_FIELDS or parent in _QUANTITY_MAPPINGS
    try:
        return is_quantity and quantity.parse(declared) == quantity.parse(live)
    except ValueError:
        return False


def _resolve_step(key: str, live: Any, path: Path) -> tuple[str | ListStep | None, Any]:
    """A key of `fieldsV1` as a step into the live object, and the value there; None if there is no such field."""
    kind, _, text = key.partition(":")
    match kind, live:
        case "f", Mapping() if text in live:
            return text, cast(Object, live)[text]
        case "k", list():
            keys: Object = json.loads(text)
            for element in cast(list[Any], live):
                if _has_keys(element, keys):
                    return ListStep("/".join(map(str, keys.values())), keys), element
        case "v", list():
            value = json.loads(text)
            if value in live:
                return ListStep(str(value), {}), value
        case "i", list() if int(text) < len(cast(list[Any], live)):
            return ListStep(text, {}), cast(list[Any], live)[int(text)]
        case _:
            pass
    return None, None


def _find_declared(declared: Any, step: str | ListStep) -> Any:
    """The declared value at a step; None if there is none."""
    match declared, step:
        case Mapping(), str():
            return cast(Object, declared).get(step)
        case list(), ListStep() if step.keys:
            return next((element for element in cast(list[Any], declared) if _has_keys(element, step.keys)), None)
        case list(), ListStep():
            # The label of an element of a set is its value. An element by position belongs to an atomic list.
            elements = cast(list[Any], declared)
            return next((element for element in elements if str(element) == step.label), elements)
        case _:
            return None


def _has_keys(element: Any, keys: Object) -> bool:
    """Whether an element of a list has these keys. The default protocol of a port is TCP."""
    if not isinstance(element, Mapping):
        return False
    mapping: Object = {"protocol": "TCP", **cast(Object, element)} if "protocol" in keys else cast(Object, element)
    return all(key in mapping and mapping[key] == value for key, value in keys.items())


def _get_identity(step: str | ListStep) -> object:
    return step if isinstance(step, str) else (sorted(step.keys.items()) or step.label)


CONTROLLERS = frozenset(
    {"kube-controller-manager", "cloud-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver"}
)
"""Field managers of the cluster itself: fields that they add are not drift, and have no owner."""


def list_managers(live: Object) -> Sequence[Object]:
    """The managed fields of an object, without those of its status."""
    managers = unstructured.get_list(live, "metadata", "managedFields")
    return [manager for manager in managers if manager.get("subresource") != "status"]


def get_time(manager: Object) -> str:
    """When a manager last changed its fields; in UTC, so that times can be compared as text."""
    return str(manager.get("time", ""))
