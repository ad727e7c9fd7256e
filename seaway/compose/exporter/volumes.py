"""Exports disks as volumes, and writable folders as memory."""

import re
from collections.abc import Mapping
from typing import Any

from seaway.compose.exporter import container
from seaway.compose.importer import convert as importer
from seaway.compose.importer import images
from seaway.compose.importer import volumes as labels
from seaway.model import application
from seaway.model.defaults import image_defaults, image_profiles


def name_volumes(app: application.Application) -> dict[tuple[str, str | None], str]:
    """Volume names by store and disk; None: the first disk."""
    names: dict[tuple[str, str | None], str] = {}
    for store in app.stores:
        for disk in (None, *store.volumes):
            # An import names a disk after the volume, and the name must not grow with each export.
            name = disk if disk is not None and f"{store.name}-" in disk else f"{store.name}-{disk or 'data'}"
            names[store.name, disk] = container.find_free_name(name, names.values())
    return names


def convert(main: container.ExportedContainer) -> dict[str, str]:
    """Add the volumes of a workload. Returns them by folder, for its other containers."""
    export, workload = main.export, main.workload
    disks: dict[str, str] = {}
    if isinstance(workload, application.Store):
        main_volume = {None: workload.volume} if workload.volume else {}
        for name, volume in (main_volume | dict(workload.volumes)).items():
            disks[volume.path] = export.volume_names[workload.name, name]
            _export_disk(main, f"volumes.{name}" if name else "volume", disks[volume.path], volume)
        if main.is_declared("retain"):
            message = "`docker compose down` keeps it, `down --volumes` deletes it"
            main.approximate("retain", message, "choose the command")
    shared = _share_folders(main, disks)
    mounts = disks | shared
    own = {folder: name for folder, name in mounts.items() if folder in disks or folder in workload.writable}
    mount_folders(main, own)
    foreign = [
        f"{export.volume_names[share.store, share.volume]}:{share.path}{':ro' * share.read_only}"
        for share in workload.shared_volumes
    ]
    main.definition["volumes"] = [*(main.definition["volumes"] or ()), *foreign] or None
    if command := _find_owner_command(main, disks, shared):
        _add_owner_service(main, command, mounts)
    return mounts


def _share_folders(main: container.ExportedContainer, disks: Mapping[str, str]) -> dict[str, str]:
    """Volumes for folders to which several containers of a pod write."""
    workload, volumes = main.workload, main.export.volumes
    containers = workload.get_containers(main.path)
    shared: dict[str, str] = {}
    for folder in sorted({folder for spec in containers.values() for folder in spec.writable}):
        users = [path for path, spec in containers.items() if folder in spec.writable]
        if len(users) > 1 and folder not in (container.TMP_DIR, container.ROOT_DIR, *disks):
            slug = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")
            shared[folder] = container.find_free_name(f"{workload.name}-{slug}", volumes)
            volumes[shared[folder]] = None
            message = "a volume that its containers share; it is not empty at each start"
            for path in users:
                hint = "docker compose down --volumes empties it"
                main.export.report.record(f"{path}.writable.{folder}", "approximated", message, hint)
    return shared


def _export_disk(main: container.ExportedContainer, key: str, name: str, volume: application.Volume) -> None:
    definition = {labels.SIZE_LABEL: volume.size}
    message = "Docker does not limit volumes; the label is for an import"
    main.approximate(f"{key}.size", message, "monitor the disk")
    if volume.storage_class is not None:
        definition[labels.CLASS_LABEL] = volume.storage_class
        main.drop(f"{key}.storageClass", "Docker has one place for volumes; the label is for an import")
    main.export.volumes[name] = {"labels": definition}


def mount_folders(main: container.ExportedContainer, mounts: Mapping[str, str]) -> None:
    """Mount volumes, and memory for the other writable folders."""
    writable = main.container_spec.writable
    main.definition["volumes"] = [f"{name}:{folder}" for folder, name in mounts.items()] or None
    folders = sorted({container.TMP_DIR, *writable} - {*mounts, container.ROOT_DIR})
    # The image's folder may belong to root, and programs may execute what they write.
    main.definition["tmpfs"] = [f"{folder}:mode=1777,exec" for folder in folders]
    for folder in writable:
        if folder in folders:
            message = "in memory, which counts as the container's"
            main.approximate(f"writable.{folder}", message, "increase the memory if it holds much")


def _find_owner_command(main: container.ExportedContainer, disks: Mapping[str, str], shared: Mapping[str, str]) -> str:
    """The command that makes a new volume writable for its users; empty: the image does it.

    A new volume belongs to root, unless the image has the folder with another owner.
    """
    workload, user = main.workload, main.definition["user"]
    if user is None or user.startswith("0:") or not (disks or shared):
        return ""
    profile = image_profiles.find_profile(workload.image)
    sample = application.Store("", port=1, volume=application.Volume(path="", size=""), image=workload.image)
    image_users = {default.value for default in image_defaults.list_defaults(sample) if default.field == "user"}
    image_users.add(profile and profile.user)
    if not shared and list(disks) == [images.find_data_dir(workload.image)] and workload.user in image_users:
        return ""
    users = {spec.user for spec in (workload, *workload.sidecars, *workload.init)}
    for other in main.export.app.get_workloads().values():
        if any(share.store == workload.name and not share.read_only for share in other.shared_volumes):
            users.add(other.user)
    return f"chown {workload.user}:{workload.user}" if len(users) == 1 else "chmod 1777"


def _add_owner_service(main: container.ExportedContainer, command: str, mounts: Mapping[str, str]) -> None:
    """A service that prepares the volumes as root, before the others start."""
    name = main.export.reserve_name(f"{main.name}-volumes")
    main.export.owners[name] = main.name
    definition: dict[str, Any] = {key: main.definition[key] for key in ("image", "build") if key in main.definition}
    main.export.services[name] = definition | {
        "entrypoint": [*command.split(), *mounts],
        "profiles": main.definition.get("profiles"),
        "network_mode": "none",
        "restart": "no",
        "volumes": [f"{volume}:{folder}" for folder, volume in mounts.items()],
        "user": "0:0",
        importer.EXTENSION: {importer.GENERATED_KEY: main.name},
    }
