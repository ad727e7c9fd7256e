"""What containers find in their file systems beside their images."""

from collections.abc import Mapping
from typing import Annotated, Any

from seaway.manifests import config, names, secrets
from seaway.model import application
from seaway.model import volumes as disks_
from seaway.syntax.field_help import Help, Rationale

WRITABLE_SIZE_LIMIT: Annotated[
    str,
    Help("most that a writable folder takes before the pod is evicted"),
    Rationale("a leak ends one pod, not the node's disk"),
] = "256Mi"

DATA_VOLUME_NAME = "data"
"""Name of a store's first volume and of its claim."""

TMP_PATH = "/tmp"  # noqa: S108 - a path in the container, empty at each start

ROOT_PATH = "/"
"""Who may write to it, may write wherever the image lets its user; nothing is mounted for that."""


def build_volumes(
    workload: application.WorkloadSpec, name: str, config_maps: Mapping[str, str | None], secret: str | None
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """The volumes of a pod, and by container what it mounts of them. ``config_maps`` has a name for each with files,
    ``secret`` is the Secret of all of them.

    A path is one folder in the whole pod: so a proxy reads the socket that the program makes, and a backup the disk of
    the store. Only /tmp is everybody's own. A store's disks come from its claim templates: only their mounts are here.
    """
    disks = (
        {volume.path: called for called, volume in list_claims(workload).items()}
        if isinstance(workload, application.Store)
        else {}
    )
    found: dict[str, dict[str, Any]] = {}
    for share in workload.shared_volumes:
        called = names.shorten_name(f"shared-{disks_.format_claim_name(share).removesuffix('-0')}")
        disks[share.path] = called
        found[called] = {"name": called, "persistentVolumeClaim": {"claimName": disks_.format_claim_name(share)}}
    mounts: dict[str, list[dict[str, Any]]] = {}
    wanted: list[application.Secret] = []
    for called, one in {name: workload, **{one.name: one for one in (*workload.sidecars, *workload.init)}}.items():
        own = called == name
        mounts[called] = []
        for path in sorted({TMP_PATH, *one.writable} - {ROOT_PATH}):
            volume = disks.get(path) or _format_volume_name(path, None if own else called)
            if path not in disks:
                found[volume] = {"name": volume, "emptyDir": {"sizeLimit": WRITABLE_SIZE_LIMIT}}
            mounts[called].append({"name": volume, "mountPath": path})
        if config_map := config_maps[called]:
            volume = "config" if own else names.shorten_name(f"config-{called}")
            found[volume] = {"name": volume, "configMap": {"name": config_map}}
            mounts[called] += _build_file_mounts(volume, one)
        mounts[called] += secrets.build_mounts(one.secrets)
        wanted += one.secrets
    if kept := secrets.build_volume(wanted, secret):
        found[secrets.VOLUME_NAME] = kept
    only_read = {share.path for share in workload.shared_volumes if share.read_only}
    mounts[name] += [
        {"name": called, "mountPath": path} | ({"readOnly": True} if path in only_read else {})
        for path, called in disks.items()
    ]
    return list(found.values()), mounts


def list_claims(store: application.Store) -> dict[str, application.Volume]:
    """A store's disks by the names of their claims."""
    return {DATA_VOLUME_NAME: store.volume, **store.volumes}


def _format_volume_name(path: str, container_name: str | None) -> str:
    return names.shorten_name(
        f"tmp-{container_name}" if path == TMP_PATH and container_name else f"writable-{names.slugify_path(path)}"
    )


def _build_file_mounts(volume: str, container_spec: application.ContainerSpec) -> list[dict[str, Any]]:
    """Single files (subPath) leave the rest of the folder as the image has it. They are never updated in place, and
    need not be: a changed file is another ConfigMap."""
    return [
        {"name": volume, "mountPath": file.path, "subPath": config.format_file_key(file.path), "readOnly": True}
        for file in sorted(container_spec.files, key=lambda each: each.path)
    ]
