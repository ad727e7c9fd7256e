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

DEFAULT_SIZE = "1Gi"
"""Of a disk whose size nobody says; compose has no word for it."""

SIZE_LABEL = "kompose.volume.size"
CLASS_LABEL = "kompose.volume.storage-class-name"

MAX_FILES = 50
"""Files of a folder that become configuration; more is no configuration."""

SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock")
CLOCK_PATHS = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")

PLACEHOLDER_FILES = (".gitkeep", ".gitignore", ".keep")
"""Files of a folder that is empty, and in Git."""

_CONFIGURATION = ("/etc/", "/docker-entrypoint-initdb.d", "/usr/local/etc/")
"""Where programs look for what they are told, and write nothing."""

_DATA = re.compile(r"(data|db|logs?|uploads?|media|storage|backups?|cache|tmp|dumps?)", re.IGNORECASE)
"""What folders are called that programs write to."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in the container

MountKind = Literal[
    "memory", "disk", "empty", "anonymous", "file", "folder", "source", "missing", "clock", "socket", "host", "other"
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One entry of `volumes`, and what it is for a cluster."""

    kind: MountKind
    key: str
    """``volumes.0``."""
    place: diagnosis.SourceLocation
    source: str
    target: str
    read_only: bool
    files: tuple[str, ...] = ()
    """Of a folder of configuration, relative to it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDir:
    """The folder of the project; None: nothing on disk is looked at."""

    folder: Path | None
    root: roots.Root | None = None
    """What may be read."""

    def to_relative(self, source: str) -> str | None:
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

    def is_missing(self, relative: str) -> bool:
        return self.folder is not None and not (self.folder / relative).exists()

    def is_empty(self, relative: str) -> bool:
        """Whether a folder holds nothing, or is not there."""
        if self.folder is None:
            return False
        path = self.folder / relative
        return not path.exists() or (path.is_dir() and all(one.name in PLACEHOLDER_FILES for one in path.iterdir()))

    def list_text_files(self, relative: str) -> tuple[str, ...]:
        """The files of a folder if they are few, small and all of them text; else none."""
        if self.folder is None:
            return ()
        root, size, found = self.folder / relative, 0, list[str]()
        for above, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                path = Path(above) / name
                if path.is_symlink() or not path.is_file() or len(found) >= MAX_FILES:
                    return ()
                size += path.stat().st_size
                if size > mounts.MAX_CONFIG_MAP_BYTES:
                    return ()
                found.append(path.relative_to(root).as_posix())
        return tuple(found) if all(self.is_text(f"{relative}/{name}") for name in found) else ()

    def read_text(self, relative: str) -> str | None:
        """A file that is configuration; None: it is none, or not there."""
        if self.folder is None or (inside := self.to_relative(relative)) is None or not self.is_text(inside):
            return None
        return self._decode(self.folder / inside)

    def is_text(self, relative: str) -> bool:
        """Whether a file can be configuration: UTF-8, and not too big. What is not there is told when it is read."""
        if self.folder is None or not (path := self.folder / relative).is_file():
            return True
        return self._decode(path) is not None

    def _decode(self, path: Path) -> str | None:
        """A text; None: it is none, is too big, or may not be read."""
        if self.root is None:
            return None
        try:
            return self.root.read(
                path, "", diagnosis.SourceLocation(""), "", limit=mounts.MAX_CONFIG_MAP_BYTES
            ).decode()
        except (diagnosis.InvalidInput, UnicodeDecodeError):
            return None


def read_mounts(
    keys: key_reader.KeyReader, project_dir: ProjectDir, *, build_context: str | None, data_dir: str | None
) -> list[Mount]:
    """The mounts of a service. ``built``: its build context, whose folders are in the image already; ``data``: where
    the image keeps its data."""
    found: list[Mount] = []
    for number, said in enumerate(keys.enter_sequence("volumes")):
        _report_details(said)
        source, target = said.get_text("source") or "", posixpath.normpath(said.get_text("target") or "/")
        read_only = said.is_true("read_only")
        kind, files = _classify(
            said.get_text("type") or "volume", source, target, read_only, project_dir, build_context
        )
        if kind == "folder" and (target == data_dir or (not read_only and _DATA.fullmatch(posixpath.basename(target)))):
            kind, files = "disk", ()
        mount = Mount(
            kind=kind,
            key=f"volumes.{number}",
            place=said.locate("source") if source else said.mapping.location,
            source=(project_dir.to_relative(source) or source) if said.get_text("type") == "bind" else source,
            target=target,
            read_only=read_only,
            files=files,
        )
        found.append(mount)
    return found


def _report_details(volume: key_reader.KeyReader) -> None:
    """What a mount says beside what it mounts."""
    for key in ("volume.subpath", "volume.labels", "image.subpath"):
        volume.drop(key, "a disk is mounted as a whole")
    for key in ("bind.propagation", "bind.recursive", "bind.selinux", "consistency"):
        volume.drop(key, "is about folders of a host")
    for key in ("tmpfs.size", "tmpfs.mode"):
        volume.approximate(key, "resources.disk bounds all writable folders together")


def _classify(  # noqa: PLR0911, PLR0917 - one return a kind
    mount_type: str, source: str, target: str, read_only: bool, project_dir: ProjectDir, build_context: str | None
) -> tuple[MountKind, tuple[str, ...]]:
    if mount_type == "volume":
        return ("disk" if source else "anonymous"), ()
    if mount_type == "tmpfs":
        return "empty", ()
    if mount_type != "bind":
        return "other", ()
    if posixpath.normpath(source) in SOCKETS or target in SOCKETS:
        return "socket", ()
    if posixpath.normpath(source).startswith(CLOCK_PATHS):
        return "clock", ()
    if posixpath.normpath(source) == target == SHARED_MEMORY:
        return "memory", ()
    relative = project_dir.to_relative(source)
    if relative is None:
        return "host", ()
    if project_dir.is_missing(relative) and (
        read_only or target.startswith(_CONFIGURATION) or not project_dir.is_folder(relative)
    ):
        return "missing", ()
    if not project_dir.is_folder(relative):
        return "file", ()
    if build_context is not None and f"{relative}/".startswith("./" if build_context == "." else f"{build_context}/"):
        return "source", ()
    if project_dir.is_empty(relative):
        return "disk", ()
    files = project_dir.list_text_files(relative)
    if files:
        return "folder", files
    return ("host" if read_only else "disk"), ()


def read_size(keys: key_reader.KeyReader, definition: key_reader.KeyReader | None) -> tuple[str, str | None, bool]:
    """Capacity and kind of a disk, and whether somebody said the capacity, in labels of the volume or service."""
    told = keys.get_scalars("labels")
    if definition is not None:
        told = {**told, **definition.get_scalars("labels")}
        options = definition.get_scalars("driver_opts")
        if "size" in options and SIZE_LABEL not in told:
            told[SIZE_LABEL] = options["size"]
    capacity = amounts.to_size(told[SIZE_LABEL].text) if SIZE_LABEL in told else None
    return capacity or DEFAULT_SIZE, told[CLASS_LABEL].text if CLASS_LABEL in told else None, capacity is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disks:
    """Whose disk a mount is. ``own``: by mount its name, None for the first; ``shared``: by mount store and name."""

    own_names: Mapping[Mount, str | None]
    shared: Mapping[Mount, tuple[str, str | None]]
    definitions: Mapping[str, key_reader.KeyReader]


def name_disks(own: Sequence[Mount]) -> dict[Mount, str | None]:
    """What a store's disks are called: the first has no name."""
    found: dict[Mount, str | None] = {}
    for mount in own:
        name = naming.to_dns_label(posixpath.basename(mount.source) or "disk", max_length=40)
        if name in ("data", "tmp") or name.startswith(("config", "secrets", "shared", "writable")):
            name = f"{name}-disk" if name in ("data", "tmp") else f"disk-{name}"
        taken = {each for each in found.values() if each}
        found[mount] = naming.to_dns_label(name, taken, max_length=40) if found else None
    return found


def convert(
    keys: key_reader.KeyReader,
    builder: service_builder.ServiceBuilder,
    found: Sequence[Mount],
    *,
    disks: Disks,
    project_dir: ProjectDir,
    renames: naming.Renames,
    writable_root: bool,
) -> None:
    """The mounts of a service. ``whole``: whether all of its own file system may be written to."""
    taken = {"/tmp", "/"}  # noqa: S108 - a path in the container
    ordered = sorted(found, key=lambda mount: mount not in disks.own_names)
    for mount in ordered:
        if mount.target in taken and (mount not in disks.own_names or mount.target == "/"):
            at = "always writable" if mount.target == "/tmp" else "mounted twice"  # noqa: S108
            keys.approximate(mount.key, f"{mount.target} is {at}")
            continue
        taken.add(mount.target)
        if mount in disks.own_names:
            _convert_disk(keys, builder, mount, disks, project_dir)
        elif mount in disks.shared:
            _convert_shared_disk(keys, builder, mount, *disks.shared[mount])
        else:
            _convert_other_mount(
                keys, builder, mount, project_dir=project_dir, renames=renames, writable_root=writable_root
            )


def _convert_disk(
    keys: key_reader.KeyReader,
    builder: service_builder.ServiceBuilder,
    mount: Mount,
    disks: Disks,
    project_dir: ProjectDir,
) -> None:
    capacity, kind, told = read_size(keys, disks.definitions.get(mount.source))
    name = disks.own_names[mount]
    path = ("volume",) if name is None else ("volumes", name)
    builder.set((*path, "path"), mount.target, mount.place)
    builder.set((*path, "size"), capacity, mount.place)
    if kind:
        builder.set((*path, "storageClass"), kind, mount.place)
    into = ".".join(path)
    if project_dir.to_relative(mount.source) == mount.source and mount.source.startswith("./"):
        full = not project_dir.is_empty(mount.source)
        how = f"a new disk of {capacity}, and {'not the files' if full else 'no folder'} of the project"
        keys.approximate(mount.key, how, "copy data into it", into=into)
    elif told:
        keys.keep(mount.key, f"a disk of {capacity}", into=into)
    else:
        how = f"a disk of {capacity}, empty at first: compose says no size"
        keys.complete(mount.key, how, "label the volume with kompose.volume.size", into=into)


def _convert_shared_disk(
    keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder, mount: Mount, store: str, name: str | None
) -> None:
    plain = name is None and not mount.read_only
    body = {"store": store, **({"volume": name} if name else {}), **({"readOnly": True} if mount.read_only else {})}
    builder.set(("sharedVolumes", mount.target), store if plain else body, mount.place)
    keys.complete(
        mount.key, f"the disk of {store}: pods run on its node, since a disk is one node's", into="sharedVolumes"
    )


def _convert_other_mount(
    keys: key_reader.KeyReader,
    builder: service_builder.ServiceBuilder,
    mount: Mount,
    *,
    project_dir: ProjectDir,
    renames: naming.Renames,
    writable_root: bool,
) -> None:
    key, target = mount.key, mount.target
    match mount.kind:
        case "disk":
            if not mount.read_only:
                builder.append_unique("writable", target, mount.place)
            why = "a disk belongs to what runs for ever, and only jobs mount this one; empty at each start"
            keys.drop(key, why, "let a service mount the volume, too")
        case "anonymous" if writable_root:
            keys.keep(key, "the image's own folder, which may be written to")
        case "empty" | "anonymous":
            builder.append_unique("writable", target, mount.place)
            keys.approximate(key, "a folder that is empty at each start", into="writable")
        case "file":
            renamed = _add_file(builder, mount, target, mount.source, project_dir, renames)
            how = "with the names and paths that things have here; " if renamed else ""
            if mount.read_only and not renamed:
                keys.keep(key, into="files")
            keys.approximate(key, f"{how}read-only; a change of the file rolls the pods", into="files")
        case "folder":
            for name in mount.files:
                _add_file(builder, mount, f"{target}/{name}", f"{mount.source}/{name}", project_dir, renames)
            number = len(mount.files)
            how = f"the {number} {'file' if number == 1 else 'files'} that the folder has now, read-only"
            keys.approximate(key, how, "import again when there are others", into="files")
        case "memory":
            builder.pod_spec["volumes"] = [{"name": "shm", "emptyDir": {"medium": "Memory"}}]
            builder.container["volumeMounts"] = [{"name": "shm", "mountPath": target}]
            keys.approximate(key, "memory of the pod's own, which counts as the container's", into="raw")
        case "socket" | "host":
            why, remedy = _REFUSED[mount.kind]
            keys.refuse(key, f"{mount.source} {why}", remedy)
        case _:
            why, remedy = _DROPPED.get(
                mount.kind, ("is no kind of volume that a pod can have", "name a volume instead")
            )
            keys.drop(key, why, remedy)


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


def _add_file(  # noqa: PLR0917 - from there to here
    builder: service_builder.ServiceBuilder,
    mount: Mount,
    target: str,
    source: str,
    project_dir: ProjectDir,
    renames: naming.Renames,
) -> bool:
    """Whether something in it is called differently now."""
    text = project_dir.read_text(source) if renames.hosts else None
    said = renames.rewrite(text) if text else text
    if said and said != text:
        builder.set(("files", target, "content"), said, mount.place)
        return True
    builder.set(("files", target), source, mount.place)
    return False


def convert_tmpfs(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> None:
    """Folders in memory."""
    for number, text in enumerate(keys.get_texts("tmpfs") or []):
        path = posixpath.normpath(text.partition(":")[0])
        key = f"tmpfs.{number}" if isinstance(keys.get_node("tmpfs"), nodes.SequenceNode) else "tmpfs"
        if path not in ("/tmp", "/"):  # noqa: S108
            builder.append_unique("writable", path, keys.locate(key))
        keys.approximate(key, "a writable folder on the node's disk, empty at each start", into="writable")
