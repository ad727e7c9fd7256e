"""Volumes: a named one is a store's disk, a file is configuration, a folder of a host is nothing that a cluster has."""

import dataclasses
import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from seaway.compose.importer import amounts, key_reader, naming, service_builder
from seaway.files import roots
from seaway.model.validate import mounts
from seaway.syntax import diagnosis, nodes

SIZE = "1Gi"
"""Of a disk whose size nobody says; compose has no word for it."""

SIZE_LABEL = "kompose.volume.size"
CLASS_LABEL = "kompose.volume.storage-class-name"

MOST_FILES = 50
"""Files of a folder that become configuration; more is no configuration."""

SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock")
CLOCK = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")

KEEPERS = (".gitkeep", ".gitignore", ".keep")
"""Files of a folder that is empty, and in Git."""

_CONFIGURATION = ("/etc/", "/docker-entrypoint-initdb.d", "/usr/local/etc/")
"""Where programs look for what they are told, and write nothing."""

_DATA = re.compile(r"(data|db|logs?|uploads?|media|storage|backups?|cache|tmp|dumps?)", re.IGNORECASE)
"""What folders are called that programs write to."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in the container

Kind = Literal[
    "memory", "disk", "empty", "anonymous", "file", "folder", "source", "missing", "clock", "socket", "host", "other"
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One entry of `volumes`, and what it is for a cluster."""

    kind: Kind
    key: str
    """``volumes.0``."""
    place: diagnosis.Place
    source: str
    target: str
    read_only: bool
    files: tuple[str, ...] = ()
    """Of a folder of configuration, relative to it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The folder of the project; None: nothing on disk is looked at."""

    folder: Path | None
    root: roots.Root | None = None
    """What may be read."""

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

    def missing(self, relative: str) -> bool:
        return self.folder is not None and not (self.folder / relative).exists()

    def empty(self, relative: str) -> bool:
        """Whether a folder holds nothing, or is not there."""
        if self.folder is None:
            return False
        path = self.folder / relative
        return not path.exists() or (path.is_dir() and all(one.name in KEEPERS for one in path.iterdir()))

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

    def content(self, relative: str) -> str | None:
        """A file that is configuration; None: it is none, or not there."""
        if self.folder is None or (inside := self.relative(relative)) is None or not self.text(inside):
            return None
        return self._read(self.folder / inside)

    def text(self, relative: str) -> bool:
        """Whether a file can be configuration: UTF-8, and not too big. What is not there is told when it is read."""
        if self.folder is None or not (path := self.folder / relative).is_file():
            return True
        return self._read(path) is not None

    def _read(self, path: Path) -> str | None:
        """A text; None: it is none, is too big, or may not be read."""
        if self.root is None:
            return None
        try:
            return self.root.read(path, "", diagnosis.Place(""), "", limit=mounts.MAX_BYTES).decode()
        except (diagnosis.Invalid, UnicodeDecodeError):
            return None


def read(one: key_reader.Part, where: Where, *, built: str | None, data: str | None) -> list[Mount]:
    """The mounts of a service. ``built``: its build context, whose folders are in the image already; ``data``: where
    the image keeps its data."""
    found: list[Mount] = []
    for number, said in enumerate(one.items("volumes")):
        _details(said)
        source, target = said.text("source") or "", posixpath.normpath(said.text("target") or "/")
        read_only = said.true("read_only")
        kind, files = _kind(said.text("type") or "volume", source, target, read_only, where, built)
        if kind == "folder" and (target == data or (not read_only and _DATA.fullmatch(posixpath.basename(target)))):
            kind, files = "disk", ()
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


def _details(said: key_reader.Part) -> None:
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
        return ("disk" if source else "anonymous"), ()
    if said == "tmpfs":
        return "empty", ()
    if said != "bind":
        return "other", ()
    if posixpath.normpath(source) in SOCKETS or target in SOCKETS:
        return "socket", ()
    if posixpath.normpath(source).startswith(CLOCK):
        return "clock", ()
    if posixpath.normpath(source) == target == SHARED_MEMORY:
        return "memory", ()
    relative = where.relative(source)
    if relative is None:
        return "host", ()
    if where.missing(relative) and (read_only or target.startswith(_CONFIGURATION) or not where.is_folder(relative)):
        return "missing", ()
    if not where.is_folder(relative):
        return "file", ()
    if built is not None and f"{relative}/".startswith("./" if built == "." else f"{built}/"):
        return "source", ()
    if where.empty(relative):
        return "disk", ()
    files = where.texts(relative)
    if files:
        return "folder", files
    return ("host" if read_only else "disk"), ()


def size(one: key_reader.Part, declared: key_reader.Part | None) -> tuple[str, str | None, bool]:
    """Capacity and kind of a disk, and whether somebody said the capacity, in labels of the volume or service."""
    told = one.scalars("labels")
    if declared is not None:
        told = {**told, **declared.scalars("labels")}
        options = declared.scalars("driver_opts")
        if "size" in options and SIZE_LABEL not in told:
            told[SIZE_LABEL] = options["size"]
    capacity = amounts.size(told[SIZE_LABEL].text) if SIZE_LABEL in told else None
    return capacity or SIZE, told[CLASS_LABEL].text if CLASS_LABEL in told else None, capacity is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disks:
    """Whose disk a mount is. ``own``: by mount its name, None for the first; ``shared``: by mount store and name."""

    own: Mapping[Mount, str | None]
    shared: Mapping[Mount, tuple[str, str | None]]
    declared: Mapping[str, key_reader.Part]


def names(own: Sequence[Mount]) -> dict[Mount, str | None]:
    """What a store's disks are called: the first has no name."""
    found: dict[Mount, str | None] = {}
    for mount in own:
        name = naming.label(posixpath.basename(mount.source) or "disk", longest=40)
        if name in ("data", "tmp") or name.startswith(("config", "secrets", "shared", "writable")):
            name = f"{name}-disk" if name in ("data", "tmp") else f"disk-{name}"
        taken = {each for each in found.values() if each}
        found[mount] = naming.label(name, taken, longest=40) if found else None
    return found


def convert(
    one: key_reader.Part,
    made: service_builder.Draft,
    found: Sequence[Mount],
    *,
    disks: Disks,
    where: Where,
    called: naming.Names,
    whole: bool,
) -> None:
    """The mounts of a service. ``whole``: whether all of its own file system may be written to."""
    taken = {"/tmp", "/"}  # noqa: S108 - a path in the container
    ordered = sorted(found, key=lambda mount: mount not in disks.own)
    for mount in ordered:
        if mount.target in taken and (mount not in disks.own or mount.target == "/"):
            at = "always writable" if mount.target == "/tmp" else "mounted twice"  # noqa: S108
            one.approximated(mount.key, f"{mount.target} is {at}")
            continue
        taken.add(mount.target)
        if mount in disks.own:
            _disk(one, made, mount, disks, where)
        elif mount in disks.shared:
            _shared(one, made, mount, *disks.shared[mount])
        else:
            _other(one, made, mount, where=where, called=called, whole=whole)


def _disk(one: key_reader.Part, made: service_builder.Draft, mount: Mount, disks: Disks, where: Where) -> None:
    capacity, kind, told = size(one, disks.declared.get(mount.source))
    name = disks.own[mount]
    path = ("volume",) if name is None else ("volumes", name)
    made.put((*path, "path"), mount.target, mount.place)
    made.put((*path, "size"), capacity, mount.place)
    if kind:
        made.put((*path, "storageClass"), kind, mount.place)
    into = ".".join(path)
    if where.relative(mount.source) == mount.source and mount.source.startswith("./"):
        full = not where.empty(mount.source)
        how = f"a new disk of {capacity}, and {'not the files' if full else 'no folder'} of the project"
        one.approximated(mount.key, how, "copy data into it", into=into)
    elif told:
        one.kept(mount.key, f"a disk of {capacity}", into=into)
    else:
        how = f"a disk of {capacity}, empty at first: compose says no size"
        one.added(mount.key, how, "label the volume with kompose.volume.size", into=into)


def _shared(one: key_reader.Part, made: service_builder.Draft, mount: Mount, store: str, name: str | None) -> None:
    plain = name is None and not mount.read_only
    body = {"store": store, **({"volume": name} if name else {}), **({"readOnly": True} if mount.read_only else {})}
    made.put(("shares", mount.target), store if plain else body, mount.place)
    one.added(mount.key, f"the disk of {store}: pods run on its node, since a disk is one node's", into="shares")


def _other(
    one: key_reader.Part, made: service_builder.Draft, mount: Mount, *, where: Where, called: naming.Names, whole: bool
) -> None:
    key, target = mount.key, mount.target
    match mount.kind:
        case "disk":
            if not mount.read_only:
                made.add("writable", target, mount.place)
            why = "a disk belongs to what runs for ever, and only jobs mount this one; empty at each start"
            one.dropped(key, why, "let a service mount the volume, too")
        case "anonymous" if whole:
            one.kept(key, "the image's own folder, which may be written to")
        case "empty" | "anonymous":
            made.add("writable", target, mount.place)
            one.approximated(key, "a folder that is empty at each start", into="writable")
        case "file":
            renamed = _file(made, mount, target, mount.source, where, called)
            how = "with the names and paths that things have here; " if renamed else ""
            if mount.read_only and not renamed:
                one.kept(key, into="files")
            one.approximated(key, f"{how}read-only; a change of the file rolls the pods", into="files")
        case "folder":
            for name in mount.files:
                _file(made, mount, f"{target}/{name}", f"{mount.source}/{name}", where, called)
            number = len(mount.files)
            how = f"the {number} {'file' if number == 1 else 'files'} that the folder has now, read-only"
            one.approximated(key, how, "import again when there are others", into="files")
        case "memory":
            made.pod["volumes"] = [{"name": "shm", "emptyDir": {"medium": "Memory"}}]
            made.container["volumeMounts"] = [{"name": "shm", "mountPath": target}]
            one.approximated(key, "memory of the pod's own, which counts as the container's", into="raw")
        case "socket" | "host":
            why, remedy = _REFUSED[mount.kind]
            one.refused(key, f"{mount.source} {why}", remedy)
        case _:
            why, remedy = _DROPPED.get(
                mount.kind, ("is no kind of volume that a pod can have", "name a volume instead")
            )
            one.dropped(key, why, remedy)


_DROPPED: Mapping[str, tuple[str, str]] = {
    "source": ("the image that is built has the source; a change is deployed, not seen at once", "build"),
    "missing": ("is not there: Docker makes an empty folder, which says nothing", "add it, and import again"),
    "clock": ("the clock of a host is nothing that a pod sees", "set the variable TZ"),
}
_REFUSED: Mapping[str, tuple[str, str]] = {
    "socket": ("makes root on its node of whoever writes to it", "use `kubernetesApi`, which gives rights one by one"),
    "host": (
        "is a folder of one machine, and pods come and go between many",
        "name a volume instead, or build the files into the image",
    ),
}


def _file(  # noqa: PLR0917 - from there to here
    made: service_builder.Draft, mount: Mount, target: str, source: str, where: Where, called: naming.Names
) -> bool:
    """Whether something in it is called differently now."""
    text = where.content(source) if called.hosts else None
    said = called.rewritten(text) if text else text
    if said and said != text:
        made.put(("files", target, "content"), said, mount.place)
        return True
    made.put(("files", target), source, mount.place)
    return False


def tmpfs(one: key_reader.Part, made: service_builder.Draft) -> None:
    """Folders in memory."""
    for number, text in enumerate(one.texts("tmpfs") or []):
        path = posixpath.normpath(text.partition(":")[0])
        key = f"tmpfs.{number}" if isinstance(one.node("tmpfs"), nodes.Items) else "tmpfs"
        if path not in ("/tmp", "/"):  # noqa: S108
            made.add("writable", path, one.place(key))
        one.approximated(key, "a writable folder on the node's disk, empty at each start", into="writable")
