"""Disks of stores and folders that may be written to, as volumes and as memory."""

import re
from collections.abc import Mapping
from typing import Any

from seaway.compose.exporter import container
from seaway.compose.importer import convert as back
from seaway.compose.importer import images
from seaway.model import application
from seaway.model.defaults import image_profiles
from seaway.model.validate import structure


def names(app: application.Application) -> dict[tuple[str, str | None], str]:
    """What the disks of stores are called, by store and name; None: the first."""
    found: dict[tuple[str, str | None], str] = {}
    for store in app.stores:
        for name in (None, *store.volumes):
            # An import calls a disk as it is called here: that name stays.
            plain = f"{store.name}-{name or 'data'}" if name is None or f"{store.name}-" not in name else name
            found[store.name, name] = container.free(plain, found.values())
    return found


def convert(out: container.Out, path: str, each: structure.Workload, made: dict[str, Any]) -> dict[str, str]:
    """Disks, and folders that may be written to: in memory, or a volume where containers share one.

    Returns the volumes by folder, which a companion mounts if it writes there.
    """
    processes: list[tuple[str, application.Process]] = [(path, each)]
    processes += [(f"{path}.{kind}.{one.name}", one) for kind in ("sidecars", "init") for one in getattr(each, kind)]
    disks: dict[str, str] = {}
    if isinstance(each, application.Store):
        for name, volume in {None: each.volume, **each.volumes}.items():
            disks[volume.path] = out.disks[each.name, name]
            _disk(out, f"{path}.volumes.{name}" if name else f"{path}.volume", disks[volume.path], volume)
        if out.told.has(f"{path}.keep"):
            how = "`docker compose down` keeps it, `down --volumes` does not"
            out.told.approximated(f"{path}.keep", how, "take care which one you write")
    shared: dict[str, str] = {}
    for folder in sorted({folder for _, one in processes for folder in one.writable}):
        users = [at for at, one in processes if folder in one.writable]
        if len(users) > 1 and folder not in (container.TMP, container.ROOT, *disks):
            slug = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")
            shared[folder] = container.free(f"{each.name}-{slug}", out.volumes)
            out.volumes[shared[folder]] = None
            how = "a volume, which its containers share; it is not empty at each start"
            for at in users:
                out.told.approximated(f"{at}.writable", how, "docker compose down --volumes empties it")
    mounts = disks | shared
    mount(out, path, each, made, {at: name for at, name in mounts.items() if at in disks or at in each.writable})
    foreign = [f"{out.disks[one.store, one.volume]}:{one.path}{':ro' * one.read_only}" for one in each.shares]
    made["volumes"] = [*(made["volumes"] or ()), *foreign] or None
    if owner := _owner(out, each, made["user"], disks, shared):
        _given(out, each, made, owner, mounts)
    return mounts


def _disk(out: container.Out, at: str, name: str, volume: application.Volume) -> None:
    labels = {"kompose.volume.size": volume.size}
    out.told.approximated(f"{at}.size", "Docker bounds no volume; the label is for an import", "watch the disk")
    if volume.storage_class is not None:
        labels["kompose.volume.storage-class-name"] = volume.storage_class
        out.told.dropped(f"{at}.storageClass", "volumes are where Docker keeps them; the label is for an import")
    out.volumes[name] = {"labels": labels}


def mount(
    out: container.Out, path: str, one: application.Process, made: dict[str, Any], mounts: Mapping[str, str]
) -> None:
    made["volumes"] = [f"{name}:{folder}" for folder, name in mounts.items()] or None
    folders = sorted({container.TMP, *one.writable} - {*mounts, container.ROOT})
    # What is there in the image may be root's; and what is written to may be run.
    made["tmpfs"] = [f"{folder}:mode=1777,exec" for folder in folders]
    for folder in one.writable:
        if folder in folders:
            how = "in memory, which counts as the container's"
            out.told.approximated(f"{path}.writable.{folder}", how, "give it more memory if it is much")


def _owner(
    out: container.Out, each: structure.Workload, user: str | None, disks: Mapping[str, str], shared: Mapping[str, str]
) -> str:
    """The program that gives a new volume to its users, where the image does not say whose it is: else it is root's."""
    users = {one.user for one in (each, *each.sidecars, *each.init)}
    others = structure.workloads(out.app).values()
    users |= {one.user for one in others for share in one.shares if share.store == each.name and not share.read_only}
    if user is None or user.startswith("0:") or not (disks or shared):
        return ""
    known = images.fact(each.image)
    own = application.Store("", port=1, volume=application.Volume(path="", size=""), image=each.image)
    users_of_image = {said.value for said in image_profiles.said(own) if said.field == "user"} | {known and known.user}
    if not shared and list(disks) == [images.data(each.image)] and each.user in users_of_image:
        return ""
    return f"chown {each.user}:{each.user}" if len(users) == 1 else "chmod 1777"


def _given(
    out: container.Out, each: structure.Workload, made: dict[str, Any], owner: str, mounts: Mapping[str, str]
) -> None:
    name = out.name(f"{each.name}-volumes")
    out.companions[name] = each.name
    out.services[name] = {
        **{key: made[key] for key in ("image", "build") if key in made},
        "entrypoint": [*owner.split(), *mounts],
        "profiles": made.get("profiles"),
        "network_mode": "none",
        "restart": "no",
        "volumes": [f"{volume}:{folder}" for folder, volume in mounts.items()],
        "user": "0:0",
        back.EXTENSION: {back.MADE: each.name},
    }
