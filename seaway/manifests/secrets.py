"""How a container gets its secrets: as files, which is the default, or as environment variables.

https://kubernetes.io/docs/concepts/configuration/secret/
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from seaway.model import application
from seaway.model import secrets as said
from seaway.syntax.field_help import Help, Rationale

VOLUME_NAME = "secrets"

FILE_MODE: Annotated[
    int,
    Help("who may read the files: root and the group of the pod, 0440; nobody writes"),
    Rationale("the process is in that group, whatever its user is"),
] = 0o440


def build_env(secrets: Iterable[application.Secret], secret_name: str | None) -> list[dict[str, Any]]:
    """Each secret as a variable, or as one that says where its file is. ``own``: the name of the pod's Secret."""
    return [
        {
            "name": each.name,
            "valueFrom": {"secretKeyRef": {"name": each.existing or secret_name, "key": _get_key(each)}},
        }
        if each.env
        else {"name": said.format_variable_name(each), "value": said.format_path(each)}
        for each in _sort_by_name(secrets)
    ]


def build_volume(secrets: Iterable[application.Secret], secret_name: str | None) -> dict[str, Any] | None:
    """The files of all containers of a pod, of our own Secret and of existing ones; None if none is a file."""
    items: dict[str, dict[str, str]] = {}
    for each in _select_files(secrets):
        items.setdefault(each.existing or secret_name or "", {})[each.name] = _get_key(each)
    if not items:
        return None
    sources = [
        {"secret": {"name": of, "items": [{"key": key, "path": path} for path, key in items[of].items()]}}
        for of in sorted(items)
    ]
    return {"name": VOLUME_NAME, "projected": {"defaultMode": FILE_MODE, "sources": sources}}


def build_mounts(secrets: Iterable[application.Secret]) -> list[dict[str, Any]]:
    """Each file by itself, and not their folder: that is also where the token of an account is mounted, ours or one
    that a cloud adds to every pod, and a runtime cannot make a mount point in a folder that is read-only.

    https://github.com/kubernetes/kubernetes/issues/65835
    """
    return [
        {"name": VOLUME_NAME, "mountPath": said.format_path(each), "subPath": each.name, "readOnly": True}
        for each in _select_files(secrets)
    ]


def _get_key(secret: application.Secret) -> str:
    return secret.key or secret.name


def _select_files(secrets: Iterable[application.Secret]) -> Sequence[application.Secret]:
    return [each for each in _sort_by_name(secrets) if not each.env]


def _sort_by_name(secrets: Iterable[application.Secret]) -> Sequence[application.Secret]:
    return sorted(secrets, key=lambda each: each.name)
