"""The fields of Kubernetes objects: which differ from what is declared, and who set them.

Who set what stands in ``metadata.managedFields``: a tree of keys for each field manager.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
https://github.com/kubernetes-sigs/structured-merge-diff/blob/v6.3.0/fieldpath/serialize-pe.go
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from seaway.kubernetes.api import quantity

Object = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class ListStep:
    """A step into a list: what the item is called, and where it is."""

    label: str
    keys: Mapping[str, Any]
    """The fields that tell it from the other items; empty where only its place does."""


Path = tuple[str | ListStep, ...]
"""From an object to a field of it: keys of mappings and items of lists."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A field that is not as declared. None: it is not there."""

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
"""What Kubernetes merges the items of a list by; `ports` are below, and any other list is one value.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy"""

_GRANULAR_MAPPINGS = frozenset({"labels", "annotations", "data", "binaryData", "nodeSelector", "matchLabels"})
"""Mappings of things that have nothing to do with each other: each is told by itself."""

_QUANTITY_MAPPINGS = frozenset({"requests", "limits", "capacity", "hard", "default", "defaultRequest"})
_QUANTITY_FIELDS = frozenset({"sizeLimit", "divisor"})


def format_path(path: Path) -> str:
    """A path as a person reads it: ``spec.template.spec.containers[web].env[LOG_LEVEL].value``."""
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
    """The declared fields that have another value, or are gone. What is not declared is not looked at."""
    match declared, live:
        case Mapping(), Mapping():
            wanted, there = cast(Object, declared), cast(Object, live)
            for key, value in wanted.items():
                if key in there:
                    yield from find_edits(value, there[key], (*path, key))
                elif value not in ("", [], {}, None):  # the API leaves out what is empty
                    yield Change((*path, key), value, None)
        case list(), list():
            yield from _find_list_edits(cast(list[Any], declared), cast(list[Any], live), path)
        case _ if not _is_equal(declared, live, path):
            yield Change(path, declared, live)
        case _:
            pass


def find_additions(declared: Any, live: Any, owned_fields: Object, path: Path = ()) -> Iterator[Change]:
    """The fields that a manager owns (``owned``: its `fieldsV1`) and that are not declared."""
    for key, inner in owned_fields.items():
        if key == ".":
            continue
        step, value = _resolve_step(key, live, path)
        if step is None:  # the manager's list is older than the object
            continue
        said, at = _find_declared(declared, step), (*path, step)
        if said is not None:
            yield from find_additions(said, value, inner, at)
        elif isinstance(step, str) and step in _GRANULAR_MAPPINGS and inner:
            yield from find_additions({}, value, inner, at)
        else:
            yield Change(at, None, value)


def owns_field(live: Any, owned_fields: Object, path: Path) -> bool:
    """Whether a manager owns the field at a path, or the whole that it is a part of."""
    if not path or not owned_fields:
        return True
    for key, inner in owned_fields.items():
        step, value = _resolve_step(key, live, ())
        if step is not None and _get_identity(step) == _get_identity(path[0]):
            return owns_field(value, inner, path[1:])
    return False


def _find_list_edits(declared: list[Any], live: list[Any], path: Path) -> Iterator[Change]:
    keys = [_create_list_step(path, number, one) for number, one in enumerate(declared)]
    if all(step.keys for step in keys):
        for step, value in zip(keys, declared, strict=True):
            there = next((one for one in live if _has_keys(one, step.keys)), None)
            yield from (
                [Change((*path, step), value, None)] if there is None else find_edits(value, there, (*path, step))
            )
    elif len(declared) == len(live) and all(isinstance(one, Mapping) for one in declared):
        for step, value, there in zip(keys, declared, live, strict=True):
            yield from find_edits(value, there, (*path, step))
    elif declared != live:
        yield Change(path, declared, live)


def _create_list_step(path: Path, number: int, one: Any) -> ListStep:
    """The step to an item of the list at ``path``."""
    name = path[-1] if path and isinstance(path[-1], str) else ""
    fields = _MERGE_KEYS.get(name, ())
    if isinstance(one, Mapping):
        item = cast(Object, one)
        if name == "ports":
            fields = ("containerPort" if "containerPort" in item else "port", "protocol")
            item = {"protocol": "TCP", **item}
        if fields and all(field in item for field in fields):
            keys = {field: item[field] for field in fields}
            return ListStep("/".join(str(keys[field]) for field in fields), keys)
    return ListStep(str(number), {})


def _is_equal(declared: Any, live: Any, path: Path) -> bool:
    if declared == live and isinstance(declared, bool) == isinstance(live, bool):
        return True
    above, last = [None, None, *(step for step in path if isinstance(step, str))][-2:]
    amount = last in _QUANTITY_FIELDS or above in _QUANTITY_MAPPINGS
    try:
        return amount and quantity.parse(declared) == quantity.parse(live)
    except ValueError:
        return False


def _resolve_step(key: str, live: Any, path: Path) -> tuple[str | ListStep | None, Any]:
    """A key of `fieldsV1` as a step into the live object, and what is there; no step: nothing is."""
    kind, _, text = key.partition(":")
    match kind, live:
        case "f", Mapping() if text in live:
            return text, cast(Object, live)[text]
        case "k", list():
            keys: Object = json.loads(text)
            for one in cast(list[Any], live):
                if _has_keys(one, keys):
                    return ListStep("/".join(str(value) for value in keys.values()), keys), one
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
    """What is declared at a step; None: nothing."""
    match declared, step:
        case Mapping(), str():
            return cast(Object, declared).get(step)
        case list(), ListStep() if step.keys:
            return next((one for one in cast(list[Any], declared) if _has_keys(one, step.keys)), None)
        case list(), ListStep():
            # A set's item is called as its value; an item by number belongs to a list that is one value.
            items = cast(list[Any], declared)
            return next((one for one in items if str(one) == step.label), items)
        case _:
            return None


def _has_keys(one: Any, keys: Object) -> bool:
    """Whether an item of a list is the one with these keys. A port says TCP by saying nothing."""
    if not isinstance(one, Mapping):
        return False
    item: Object = {"protocol": "TCP", **cast(Object, one)} if "protocol" in keys else cast(Object, one)
    return all(key in item and item[key] == value for key, value in keys.items())


def _get_identity(step: str | ListStep) -> object:
    return step if isinstance(step, str) else (sorted(step.keys.items()) or step.label)


CONTROLLERS = frozenset(
    {"kube-controller-manager", "cloud-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver"}
)
"""Field managers of the cluster itself: what these add is no drift, and nobody's object."""


def list_managers(live: Object) -> Sequence[Object]:
    """Who manages fields of an object, its status apart."""
    entries = cast(Sequence[Object], live.get("metadata", {}).get("managedFields", ()))
    return [entry for entry in entries if entry.get("subresource") != "status"]
