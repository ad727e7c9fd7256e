"""What containers find in their file systems beside their images."""

from collections.abc import Mapping
from typing import Annotated, Any

from seaway.manifests import config, names, secrets
from seaway.model import application
from seaway.model.validate import volumes as disks_
from seaway.syntax.field_help import Doc, Why

SCRATCH: Annotated[
    str,
    Doc("most that a writable folder takes before the pod is evicted"),
    Why("a leak ends one pod, not the node's disk"),
] = "256Mi"

VOLUME = "data"
"""Name of a store's first volume and of its claim."""

TMP = "/tmp"  # noqa: S108 - a path in the container, empty at each start

ROOT = "/"
"""Who may write to it, may write wherever the image lets its user; nothing is mounted for that."""


def volumes(
    each: application.Container, name: str, config_maps: Mapping[str, str | None], secret: str | None
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """The volumes of a pod, and by container what it mounts of them. ``config_maps`` has a name for each with files,
    ``secret`` is the Secret of all of them.

    A path is one folder in the whole pod: so a proxy reads the socket that the program makes, and a backup the disk of
    the store. Only /tmp is everybody's own. A store's disks come from its claim templates: only their mounts are here.
    """
    disks = (
        {volume.path: called for called, volume in claims(each).items()} if isinstance(each, application.Store) else {}
    )
    found: dict[str, dict[str, Any]] = {}
    for share in each.shares:
        called = names.cut(f"shared-{disks_.claim(share).removesuffix('-0')}")
        disks[share.path] = called
        found[called] = {"name": called, "persistentVolumeClaim": {"claimName": disks_.claim(share)}}
    mounts: dict[str, list[dict[str, Any]]] = {}
    wanted: list[application.Secret] = []
    for called, one in {name: each, **{one.name: one for one in (*each.sidecars, *each.init)}}.items():
        own = called == name
        mounts[called] = []
        for path in sorted({TMP, *one.writable} - {ROOT}):
            volume = disks.get(path) or _writable(path, None if own else called)
            if path not in disks:
                found[volume] = {"name": volume, "emptyDir": {"sizeLimit": SCRATCH}}
            mounts[called].append({"name": volume, "mountPath": path})
        if config_map := config_maps[called]:
            volume = "config" if own else names.cut(f"config-{called}")
            found[volume] = {"name": volume, "configMap": {"name": config_map}}
            mounts[called] += _files(volume, one)
        mounts[called] += secrets.mounts(one.secrets)
        wanted += one.secrets
    if kept := secrets.volume(wanted, secret):
        found[secrets.VOLUME] = kept
    only_read = {share.path for share in each.shares if share.read_only}
    mounts[name] += [
        {"name": called, "mountPath": path} | ({"readOnly": True} if path in only_read else {})
        for path, called in disks.items()
    ]
    return list(found.values()), mounts


def claims(store: application.Store) -> dict[str, application.Volume]:
    """A store's disks by the names of their claims."""
    return {VOLUME: store.volume, **store.volumes}


def _writable(path: str, beside: str | None) -> str:
    return names.cut(f"tmp-{beside}" if path == TMP and beside else f"writable-{names.slug(path)}")


def _files(volume: str, one: application.Process) -> list[dict[str, Any]]:
    """Single files (subPath) leave the rest of the folder as the image has it. They are never updated in place, and
    need not be: a changed file is another ConfigMap."""
    return [
        {"name": volume, "mountPath": file.path, "subPath": config.file_key(file.path), "readOnly": True}
        for file in sorted(one.files, key=lambda each: each.path)
    ]
