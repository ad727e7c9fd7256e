"""Disks of stores and folders that may be written to, as volumes and as memory."""

import re
from collections.abc import Mapping
from typing import Any

from seaway.compose.exporter import container
from seaway.compose.importer import convert as back
from seaway.compose.importer import images
from seaway.model import application
from seaway.model.defaults import image_profiles


def name_volumes(app: application.Application) -> dict[tuple[str, str | None], str]:
    """What the disks of stores are called, by store and name; None: the first."""
    found: dict[tuple[str, str | None], str] = {}
    for store in app.stores:
        for name in (None, *store.volumes):
            # An import calls a disk as it is called here: that name stays.
            plain = f"{store.name}-{name or 'data'}" if name is None or f"{store.name}-" not in name else name
            found[store.name, name] = container.find_free_name(plain, found.values())
    return found


def convert(
    export: container.Export, path: str, workload: application.AnyWorkload, definition: dict[str, Any]
) -> dict[str, str]:
    """Disks, and folders that may be written to: in memory, or a volume where containers share one.

    Returns the volumes by folder, which a companion mounts if it writes there.
    """
    processes: list[tuple[str, application.ContainerSpec]] = [(path, workload)]
    processes += [
        (f"{path}.{kind}.{one.name}", one) for kind in ("sidecars", "init") for one in getattr(workload, kind)
    ]
    disks: dict[str, str] = {}
    if isinstance(workload, application.Store):
        for name, volume in {None: workload.volume, **workload.volumes}.items():
            disks[volume.path] = export.volume_names[workload.name, name]
            _export_disk(export, f"{path}.volumes.{name}" if name else f"{path}.volume", disks[volume.path], volume)
        if export.report.is_declared(f"{path}.retain"):
            how = "`docker compose down` keeps it, `down --volumes` does not"
            export.report.approximate(f"{path}.retain", how, "take care which one you write")
    shared: dict[str, str] = {}
    for folder in sorted({folder for _, one in processes for folder in one.writable}):
        users = [at for at, one in processes if folder in one.writable]
        if len(users) > 1 and folder not in (container.TMP_DIR, container.ROOT_DIR, *disks):
            slug = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")
            shared[folder] = container.find_free_name(f"{workload.name}-{slug}", export.volumes)
            export.volumes[shared[folder]] = None
            how = "a volume, which its containers share; it is not empty at each start"
            for at in users:
                export.report.approximate(f"{at}.writable", how, "docker compose down --volumes empties it")
    mounts = disks | shared
    mount_folders(
        export,
        path,
        workload,
        definition,
        {at: name for at, name in mounts.items() if at in disks or at in workload.writable},
    )
    foreign = [
        f"{export.volume_names[one.store, one.volume]}:{one.path}{':ro' * one.read_only}"
        for one in workload.shared_volumes
    ]
    definition["volumes"] = [*(definition["volumes"] or ()), *foreign] or None
    if owner := _find_owner_command(export, workload, definition["user"], disks, shared):
        _add_owner_service(export, workload, definition, owner, mounts)
    return mounts


def _export_disk(export: container.Export, path: str, name: str, volume: application.Volume) -> None:
    labels = {"kompose.volume.size": volume.size}
    export.report.approximate(f"{path}.size", "Docker bounds no volume; the label is for an import", "watch the disk")
    if volume.storage_class is not None:
        labels["kompose.volume.storage-class-name"] = volume.storage_class
        export.report.drop(f"{path}.storageClass", "volumes are where Docker keeps them; the label is for an import")
    export.volumes[name] = {"labels": labels}


def mount_folders(
    export: container.Export,
    path: str,
    container_spec: application.ContainerSpec,
    definition: dict[str, Any],
    mounts: Mapping[str, str],
) -> None:
    definition["volumes"] = [f"{name}:{folder}" for folder, name in mounts.items()] or None
    folders = sorted({container.TMP_DIR, *container_spec.writable} - {*mounts, container.ROOT_DIR})
    # What is there in the image may be root's; and what is written to may be run.
    definition["tmpfs"] = [f"{folder}:mode=1777,exec" for folder in folders]
    for folder in container_spec.writable:
        if folder in folders:
            how = "in memory, which counts as the container's"
            export.report.approximate(f"{path}.writable.{folder}", how, "give it more memory if it is much")


def _find_owner_command(
    export: container.Export,
    workload: application.AnyWorkload,
    user: str | None,
    disks: Mapping[str, str],
    shared: Mapping[str, str],
) -> str:
    """The program that gives a new volume to its users, where the image does not say whose it is: else it is root's."""
    users = {one.user for one in (workload, *workload.sidecars, *workload.init)}
    others = export.app.get_workloads().values()
    users |= {
        one.user
        for one in others
        for share in one.shared_volumes
        if share.store == workload.name and not share.read_only
    }
    if user is None or user.startswith("0:") or not (disks or shared):
        return ""
    known = images.find_profile(workload.image)
    own = application.Store("", port=1, volume=application.Volume(path="", size=""), image=workload.image)
    users_of_image = {said.value for said in image_profiles.list_defaults(own) if said.field == "user"} | {
        known and known.user
    }
    if not shared and list(disks) == [images.find_data_dir(workload.image)] and workload.user in users_of_image:
        return ""
    return f"chown {workload.user}:{workload.user}" if len(users) == 1 else "chmod 1777"


def _add_owner_service(
    export: container.Export,
    workload: application.AnyWorkload,
    definition: dict[str, Any],
    owner_command: str,
    mounts: Mapping[str, str],
) -> None:
    name = export.reserve_name(f"{workload.name}-volumes")
    export.owners[name] = workload.name
    export.services[name] = {
        **{key: definition[key] for key in ("image", "build") if key in definition},
        "entrypoint": [*owner_command.split(), *mounts],
        "profiles": definition.get("profiles"),
        "network_mode": "none",
        "restart": "no",
        "volumes": [f"{volume}:{folder}" for folder, volume in mounts.items()],
        "user": "0:0",
        back.EXTENSION: {back.GENERATED_KEY: workload.name},
    }
