"""How a container gets its secrets: as files, which is the default, or as environment variables.

https://kubernetes.io/docs/concepts/configuration/secret/
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from seaway.model import application
from seaway.model.validate import secrets as said
from seaway.syntax.field_help import Doc, Why

VOLUME = "secrets"

MODE: Annotated[
    int,
    Doc("who may read the files: root and the group of the pod, 0440; nobody writes"),
    Why("the process is in that group, whatever its user is"),
] = 0o440


def variables(wanted: Iterable[application.Secret], own: str | None) -> list[dict[str, Any]]:
    """Each secret as a variable, or as one that says where its file is. ``own``: the name of the pod's Secret."""
    return [
        {"name": each.name, "valueFrom": {"secretKeyRef": {"name": each.existing or own, "key": _key(each)}}}
        if each.env
        else {"name": said.variable(each), "value": said.path(each)}
        for each in _sorted(wanted)
    ]


def volume(wanted: Iterable[application.Secret], own: str | None) -> dict[str, Any] | None:
    """The files of all containers of a pod, of our own Secret and of existing ones; None if none is a file."""
    items: dict[str, dict[str, str]] = {}
    for each in _files(wanted):
        items.setdefault(each.existing or own or "", {})[each.name] = _key(each)
    if not items:
        return None
    sources = [
        {"secret": {"name": of, "items": [{"key": key, "path": path} for path, key in items[of].items()]}}
        for of in sorted(items)
    ]
    return {"name": VOLUME, "projected": {"defaultMode": MODE, "sources": sources}}


def mounts(wanted: Iterable[application.Secret]) -> list[dict[str, Any]]:
    """Each file by itself, and not their folder: that is also where the token of an account is mounted, ours or one
    that a cloud adds to every pod, and a runtime cannot make a mount point in a folder that is read-only.

    https://github.com/kubernetes/kubernetes/issues/65835
    """
    return [
        {"name": VOLUME, "mountPath": said.path(each), "subPath": each.name, "readOnly": True}
        for each in _files(wanted)
    ]


def _key(each: application.Secret) -> str:
    return each.key or each.name


def _files(wanted: Iterable[application.Secret]) -> Sequence[application.Secret]:
    return [each for each in _sorted(wanted) if not each.env]


def _sorted(wanted: Iterable[application.Secret]) -> Sequence[application.Secret]:
    return sorted(wanted, key=lambda each: each.name)
