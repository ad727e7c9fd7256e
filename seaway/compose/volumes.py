"""Volumes: a named one is a store's disk, a file is configuration, a folder of a host is nothing that a cluster has."""

import dataclasses
import os
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from seaway.compose import amounts, draft, images, labels, part
from seaway.model import mounts, nodes, problems

SIZE = "1Gi"
"""Of a disk whose size nobody says; compose has no word for it."""

SIZE_LABEL = "kompose.volume.size"
CLASS_LABEL = "kompose.volume.storage-class-name"

MOST_FILES = 50
"""Files of a folder that become configuration; more is no configuration."""

SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock")
CLOCK = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")

Kind = Literal["disk", "shared", "empty", "file", "folder", "source", "clock", "socket", "host", "other"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One entry of `volumes`, and what it is for a cluster."""

    kind: Kind
    key: str
    """``volumes.0``."""
    place: problems.Place
    source: str
    target: str
    read_only: bool
    files: tuple[str, ...] = ()
    """Of a folder of configuration, relative to it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The folder of the project; None: nothing on disk is looked at."""

    folder: Path | None

    def relative(self, source: str) -> str | None:
        """A path relative to the project, ``./nginx.conf``; None: it is outside of it."""
        if source.startswith("~"):
            return None
        if posixpath.isabs(source):
            if self.folder is None:
                return None
            source = os.path.relpath(source, self.folder.absolute())
        plain = posixpath.normpath(source)
        if plain == ".." or plain.startswith("../"):
            return None
        return plain if plain == "." else f"./{plain}"

    def is_folder(self, relative: str) -> bool:
        """Of what is not there, a name without a dot is taken for a folder: Docker would make one."""
        if self.folder is not None and (path := self.folder / relative).exists():
            return path.is_dir()
        return "." not in posixpath.basename(relative.rstrip("/")).lstrip(".")

    def empty(self, relative: str) -> bool:
        """Whether a folder holds nothing, or is not there."""
        if self.folder is None:
            return False
        path = self.folder / relative
        return not path.exists() or (path.is_dir() and not any(path.iterdir()))

    def texts(self, relative: str) -> tuple[str, ...]:
        """The files of a folder if they are few, small and all of them text; else none."""
        if self.folder is None:
            return ()
        root, size, found = self.folder / relative, 0, list[str]()
        for above, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                path = Path(above) / name
                if path.is_symlink() or not path.is_file() or len(found) >= MOST_FILES:
                    return ()
                size += path.stat().st_size
                if size > mounts.MAX_BYTES:
                    return ()
                found.append(path.relative_to(root).as_posix())
        return tuple(found) if all(self.text(f"{relative}/{name}") for name in found) else ()

    def text(self, relative: str) -> bool:
        """Whether a file can be configuration: UTF-8, and not too big. What is not there is told when it is read."""
        if self.folder is None or not (path := self.folder / relative).is_file():
            return True
        try:
            return len(path.read_bytes().decode()) <= mounts.MAX_BYTES
        except (OSError, UnicodeDecodeError):
            return False


def read(one: part.Part, where: Where, *, built: str | None) -> list[Mount]:
    """The mounts of a service. ``built``: its build context, whose folders are in the image already."""
    found: list[Mount] = []
    for number, said in enumerate(one.items("volumes")):
        _details(said)
        source, target = said.text("source") or "", posixpath.normpath(said.text("target") or "/")
        read_only = said.true("read_only")
        kind, files = _kind(said.text("type") or "volume", source, target, read_only, where, built)
        mount = Mount(
            kind=kind,
            key=f"volumes.{number}",
            place=said.place("source") if source else said.table.place,
            source=(where.relative(source) or source) if said.text("type") == "bind" else source,
            target=target,
            read_only=read_only,
            files=files,
        )
        found.append(mount)
    return found


def _details(said: part.Part) -> None:
    """What a mount says beside what it mounts."""
    for key in ("volume.subpath", "volume.labels", "image.subpath"):
        said.dropped(key, "a disk is mounted as a whole")
    for key in ("bind.propagation", "bind.recursive", "bind.selinux", "consistency"):
        said.dropped(key, "is about folders of a host")
    for key in ("tmpfs.size", "tmpfs.mode"):
        said.approximated(key, "resources.disk bounds all writable folders together")


def _kind(  # noqa: PLR0911, PLR0917 - one return a kind
    said: str, source: str, target: str, read_only: bool, where: Where, built: str | None
) -> tuple[Kind, tuple[str, ...]]:
    if said == "volume":
        return ("disk" if source else "empty"), ()
    if said == "tmpfs":
        return "empty", ()
    if said != "bind":
        return "other", ()
    if posixpath.normpath(source) in SOCKETS or target in SOCKETS:
        return "socket", ()
    if posixpath.normpath(source).startswith(CLOCK):
        return "clock", ()
    relative = where.relative(source)
    if relative is None:
        return "host", ()
    if not where.is_folder(relative):
        return "file", ()
    if built is not None and f"{relative}/".startswith("./" if built == "." else f"{built}/"):
        return "source", ()
    if where.empty(relative):
        return "disk", ()
    configuration = read_only or target.startswith(("/etc/", "/docker-entrypoint-initdb.d", "/usr/share/nginx/html"))
    files = where.texts(relative) if configuration else ()
    return ("folder", files) if files else ("host", ())


def owner(name: str, users: Sequence[tuple[str, Mount, str | None, bool]]) -> str:
    """Which service has a disk that several mount: whose data folder it is, else who writes to it and has a port.

    ``users``: service, mount, image and whether it has a port.
    """

    def rank(user: tuple[str, Mount, str | None, bool]) -> tuple[bool, bool, bool]:
        _, mount, image, port = user
        return images.data(image) != mount.target, mount.read_only, not port

    return min(users, key=rank)[0]


def size(one: part.Part, declared: part.Part | None) -> tuple[str, str | None, bool]:
    """Capacity and kind of a disk, and whether somebody said the capacity, in labels of the volume or service."""
    told = one.scalars("labels")
    if declared is not None:
        told = {**told, **declared.scalars("labels")}
        options = declared.scalars("driver_opts")
        if "size" in options and SIZE_LABEL not in told:
            told[SIZE_LABEL] = options["size"]
    capacity = amounts.size(told[SIZE_LABEL].text) if SIZE_LABEL in told else None
    return capacity or SIZE, told[CLASS_LABEL].text if CLASS_LABEL in told else None, capacity is not None


def convert(
    one: part.Part,
    made: draft.Draft,
    found: Sequence[Mount],
    *,
    store: bool,
    where: Where,
    declared: Mapping[str, part.Part],
    owned: Sequence[str],
) -> None:
    """The mounts of a service. ``owned``: keys of those that are its own disks."""
    taken = {"/tmp", "/"}  # noqa: S108 - a path in the container
    first = True
    ordered = sorted(found, key=lambda mount: mount.key not in owned)
    for mount in ordered:
        if mount.target in taken:
            at = "always writable" if mount.target == "/tmp" else "mounted twice"  # noqa: S108
            one.approximated(mount.key, f"{mount.target} is {at}")
            continue
        taken.add(mount.target)
        if mount.key in owned and store:
            _disk(one, made, mount, declared.get(mount.source), first=first, where=where)
            first = False
        else:
            _other(one, made, mount, owned=mount.key in owned)


def _disk(
    one: part.Part, made: draft.Draft, mount: Mount, declared: part.Part | None, *, first: bool, where: Where
) -> None:
    capacity, kind, told = size(one, declared)
    name = labels.label(posixpath.basename(mount.source) or "disk", longest=40)
    if name in ("data", "tmp") or name.startswith(("config", "secrets", "writable")):
        name = f"{name}-disk" if name in ("data", "tmp") else f"disk-{name}"
    path = ("volume",) if first else ("volumes", name)
    made.put((*path, "path"), mount.target, mount.place)
    made.put((*path, "size"), capacity, mount.place)
    if kind:
        made.put((*path, "storageClass"), kind, mount.place)
    into = ".".join(path)
    if where.relative(mount.source) == mount.source and mount.source.startswith("./"):
        one.approximated(
            mount.key, f"a new disk of {capacity}, and no folder of the project", "copy data into it", into=into
        )
    elif told:
        one.kept(mount.key, f"a disk of {capacity}", into=into)
    else:
        how = f"a disk of {capacity}: compose says no size"
        one.approximated(mount.key, how, "label the volume with kompose.volume.size", into=into)


def _other(one: part.Part, made: draft.Draft, mount: Mount, *, owned: bool) -> None:
    key, target = mount.key, mount.target
    match mount.kind:
        case "disk" if owned:
            made.add("writable", target, mount.place)
            remedy = "give it a port with `expose:`, and it becomes a store with a disk"
            one.dropped(key, "only a store has a disk, and a store has a port; empty at each start", remedy)
        case "disk":
            if not mount.read_only:
                made.add("writable", target, mount.place)
            why = "a disk belongs to one store, which another service cannot mount; an empty folder is there instead"
            why = why if not mount.read_only else "a disk belongs to one store, which another service cannot mount"
            one.dropped(key, why, "let one service hand the data to the other, or build it into the image")
        case "empty":
            made.add("writable", target, mount.place)
            one.approximated(key, "a folder that is empty at each start", into="writable")
        case "file":
            made.put(("files", target), mount.source, mount.place)
            how = "" if mount.read_only else "read-only; a change of the file rolls the pods"
            (one.kept(key, into="files") if mount.read_only else one.approximated(key, how, into="files"))
        case "folder":
            for name in mount.files:
                made.put(("files", f"{target}/{name}"), f"{mount.source}/{name}", mount.place)
            number = len(mount.files)
            how = f"the {number} {'file' if number == 1 else 'files'} that the folder has now, read-only"
            one.approximated(key, how, "import again when there are others", into="files")
        case "source":
            one.dropped(key, "the image that is built has the source; a change is deployed, not seen at once", "build")
        case "clock":
            one.dropped(key, "the clock of a host is nothing that a pod sees", "set the variable TZ")
        case "socket":
            why = f"{mount.source} makes root on its node of whoever writes to it"
            one.refused(key, why, "use `kubernetesApi`, which gives rights one by one")
        case "host":
            why = f"{mount.source} is a folder of one machine, and pods come and go between many"
            one.refused(key, why, "name a volume instead, or build the files into the image")
        case _:
            one.dropped(key, "is no kind of volume that a pod can have", "name a volume instead")


def tmpfs(one: part.Part, made: draft.Draft) -> None:
    """Folders in memory."""
    for number, text in enumerate(one.texts("tmpfs") or []):
        path = posixpath.normpath(text.partition(":")[0])
        key = f"tmpfs.{number}" if isinstance(one.node("tmpfs"), nodes.Items) else "tmpfs"
        if path not in ("/tmp", "/"):  # noqa: S108
            made.add("writable", path, one.place(key))
        one.approximated(key, "a writable folder on the node's disk, empty at each start", into="writable")
