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
class Item:
    """A step into a list: what the item is called, and where it is."""

    label: str
    keys: Mapping[str, Any]
    """The fields that tell it from the other items; empty where only its place does."""


Path = tuple[str | Item, ...]
"""From an object to a field of it: keys of mappings and items of lists."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A field that is not as declared. None: it is not there."""

    path: Path
    declared: Any
    live: Any


_KEYS: Mapping[str, tuple[str, ...]] = {
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

_INDEPENDENT = frozenset({"labels", "annotations", "data", "binaryData", "nodeSelector", "matchLabels"})
"""Mappings of things that have nothing to do with each other: each is told by itself."""

_MANY_QUANTITIES = frozenset({"requests", "limits", "capacity", "hard", "default", "defaultRequest"})
_QUANTITIES = frozenset({"sizeLimit", "divisor"})


def shown(path: Path) -> str:
    """A path as a person reads it: ``spec.template.spec.containers[web].env[LOG_LEVEL].value``."""
    parts = (
        f"[{step.label}]" if isinstance(step, Item) else f".{step}" if re.fullmatch(r"[\w-]+", step) else f"[{step}]"
        for step in path
    )
    return "".join(parts).removeprefix(".")


def edits(declared: Any, live: Any, path: Path = ()) -> Iterator[Change]:
    """The declared fields that have another value, or are gone. What is not declared is not looked at."""
    match declared, live:
        case Mapping(), Mapping():
            wanted, there = cast(Object, declared), cast(Object, live)
            for key, value in wanted.items():
                if key in there:
                    yield from edits(value, there[key], (*path, key))
                elif value not in ("", [], {}, None):  # the API leaves out what is empty
                    yield Change((*path, key), value, None)
        case list(), list():
            yield from _list_edits(cast(list[Any], declared), cast(list[Any], live), path)
        case _ if not _same(declared, live, path):
            yield Change(path, declared, live)
        case _:
            pass


def additions(declared: Any, live: Any, owned: Object, path: Path = ()) -> Iterator[Change]:
    """The fields that a manager owns (``owned``: its `fieldsV1`) and that are not declared."""
    for key, inner in owned.items():
        if key == ".":
            continue
        step, value = _step(key, live, path)
        if step is None:  # the manager's list is older than the object
            continue
        said, at = _inside(declared, step), (*path, step)
        if said is not None:
            yield from additions(said, value, inner, at)
        elif isinstance(step, str) and step in _INDEPENDENT and inner:
            yield from additions({}, value, inner, at)
        else:
            yield Change(at, None, value)


def owns(live: Any, owned: Object, path: Path) -> bool:
    """Whether a manager owns the field at a path, or the whole that it is a part of."""
    if not path or not owned:
        return True
    for key, inner in owned.items():
        step, value = _step(key, live, ())
        if step is not None and _called(step) == _called(path[0]):
            return owns(value, inner, path[1:])
    return False


def _list_edits(declared: list[Any], live: list[Any], path: Path) -> Iterator[Change]:
    keys = [_item(path, number, one) for number, one in enumerate(declared)]
    if all(step.keys for step in keys):
        for step, value in zip(keys, declared, strict=True):
            there = next((one for one in live if _has(one, step.keys)), None)
            yield from [Change((*path, step), value, None)] if there is None else edits(value, there, (*path, step))
    elif len(declared) == len(live) and all(isinstance(one, Mapping) for one in declared):
        for step, value, there in zip(keys, declared, live, strict=True):
            yield from edits(value, there, (*path, step))
    elif declared != live:
        yield Change(path, declared, live)


def _item(path: Path, number: int, one: Any) -> Item:
    """The step to an item of the list at ``path``."""
    name = path[-1] if path and isinstance(path[-1], str) else ""
    fields = _KEYS.get(name, ())
    if isinstance(one, Mapping):
        item = cast(Object, one)
        if name == "ports":
            fields = ("containerPort" if "containerPort" in item else "port", "protocol")
            item = {"protocol": "TCP", **item}
        if fields and all(field in item for field in fields):
            keys = {field: item[field] for field in fields}
            return Item("/".join(str(keys[field]) for field in fields), keys)
    return Item(str(number), {})


def _same(declared: Any, live: Any, path: Path) -> bool:
    if declared == live and isinstance(declared, bool) == isinstance(live, bool):
        return True
    above, last = [None, None, *(step for step in path if isinstance(step, str))][-2:]
    amount = last in _QUANTITIES or above in _MANY_QUANTITIES
    try:
        return amount and quantity.parse(declared) == quantity.parse(live)
    except ValueError:
        return False


def _step(key: str, live: Any, path: Path) -> tuple[str | Item | None, Any]:
    """A key of `fieldsV1` as a step into the live object, and what is there; no step: nothing is."""
    kind, _, text = key.partition(":")
    match kind, live:
        case "f", Mapping() if text in live:
            return text, cast(Object, live)[text]
        case "k", list():
            keys: Object = json.loads(text)
            for one in cast(list[Any], live):
                if _has(one, keys):
                    return Item("/".join(str(value) for value in keys.values()), keys), one
        case "v", list():
            value = json.loads(text)
            if value in live:
                return Item(str(value), {}), value
        case "i", list() if int(text) < len(cast(list[Any], live)):
            return Item(text, {}), cast(list[Any], live)[int(text)]
        case _:
            pass
    return None, None


def _inside(declared: Any, step: str | Item) -> Any:
    """What is declared at a step; None: nothing."""
    match declared, step:
        case Mapping(), str():
            return cast(Object, declared).get(step)
        case list(), Item() if step.keys:
            return next((one for one in cast(list[Any], declared) if _has(one, step.keys)), None)
        case list(), Item():
            # A set's item is called as its value; an item by number belongs to a list that is one value.
            items = cast(list[Any], declared)
            return next((one for one in items if str(one) == step.label), items)
        case _:
            return None


def _has(one: Any, keys: Object) -> bool:
    """Whether an item of a list is the one with these keys. A port says TCP by saying nothing."""
    if not isinstance(one, Mapping):
        return False
    item: Object = {"protocol": "TCP", **cast(Object, one)} if "protocol" in keys else cast(Object, one)
    return all(key in item and item[key] == value for key, value in keys.items())


def _called(step: str | Item) -> object:
    return step if isinstance(step, str) else (sorted(step.keys.items()) or step.label)


CONTROLLERS = frozenset(
    {"kube-controller-manager", "cloud-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver"}
)
"""Field managers of the cluster itself: what these add is no drift, and nobody's object."""


def managers(live: Object) -> Sequence[Object]:
    """Who manages fields of an object, its status apart."""
    entries = cast(Sequence[Object], live.get("metadata", {}).get("managedFields", ()))
    return [entry for entry in entries if entry.get("subresource") != "status"]
