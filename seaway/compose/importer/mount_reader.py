"""Classifies the mounts of a compose service: a disk, configuration, or a folder that a cluster does not have."""

import dataclasses
import os
import posixpath
import re
from typing import Literal

from seaway.compose.importer import images, key_reader, project_dir
from seaway.syntax import diagnosis

SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock")
CLOCK_PATHS = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path in the container

_CONFIGURATION = ("/etc/", "/docker-entrypoint-initdb.d", "/usr/local/etc/")
"""Programs read their configuration here, and write nothing."""

_DATA = re.compile(r"(data|db|logs?|uploads?|media|storage|backups?|cache|tmp|dumps?)", re.IGNORECASE)
"""Names of folders that programs write to."""

MountKind = Literal[
    "memory",
    "disk",
    "empty",
    "anonymous",
    "file",
    "folder",
    "source",
    "code",
    "missing",
    "clock",
    "null",
    "socket",
    "host",
    "unusable",
    "other",
]


EXTENSION = "x-seaway"
"""The extension that Seaway reads: ``{waive: {privileged: <reason>}}`` in a service."""

_CODE_FOLDERS = ("node_modules", "vendor", "bundle", ".venv", "venv", "site-packages", "target", "deps", "_build")
"""Folders in which a build installs packages. An empty disk would hide them."""

_HELD_DATA = re.compile(r"^/(data|config)$|^/var/lib/|/(data|db)$")
"""Folders that an anonymous volume keeps while its container is replaced."""

_SYSTEM_FOLDERS = re.compile(
    r"/|/(proc|sys|dev|run|var/run|etc|boot|lib|usr(?!/local/[^/]+/.)|var/lib/docker|var/log)(/.*)?"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mount of `volumes`."""

    kind: MountKind
    key: str
    """``volumes.0``."""
    location: diagnosis.SourceLocation
    source: str
    target: str
    read_only: bool
    no_copy: bool = False
    """Docker copies no files of the image to it."""
    files: tuple[str, ...] = ()
    """Files of a configuration folder, relative to it."""


def overlaps(folder: str, other: str) -> bool:
    """Whether one of two folders is in the other."""
    return f"{folder}/".startswith(f"{other}/") or f"{other}/".startswith(f"{folder}/")


def read_mounts(
    keys: key_reader.KeyReader,
    project: project_dir.ProjectDir,
    *,
    build_context: str | None,
    data_dir: str | None,
    stage: images.Stage | None = None,
    document: key_reader.KeyReader,
) -> list[Mount]:
    """The mounts of a service. The image holds the folders of its ``build_context`` that the ``stage`` copies."""
    mounts: list[Mount] = []
    host_folders = document.enter(EXTENSION).get_text("hostFolders")
    for number, volume in enumerate(keys.enter_sequence("volumes")):
        volume.drop("volume.subpath volume.labels image.subpath", "the whole disk is mounted")
        volume.keep("bind.selinux", "pods have their own labels")
        volume.drop("bind.propagation bind.recursive consistency", "applies to folders of a host only")
        volume.approximate("tmpfs.size tmpfs.mode", "resources.disk limits all writable folders together")
        mount_type = volume.get_text("type") or "volume"
        source, target = volume.get_text("source") or "", posixpath.normpath(volume.get_text("target") or "/")
        mount = Mount(
            kind="other",
            key=f"volumes.{number}",
            location=volume.locate("source") if source else volume.mapping.location,
            source=(project.to_relative(source) or source) if mount_type == "bind" else source,
            target=target,
            read_only=volume.is_true("read_only"),
            no_copy=volume.enter("volume").is_true("nocopy"),
        )
        kind, files = _classify(mount, mount_type, source, project, build_context, stage), ()
        kind = "empty" if kind in ("disk", "anonymous") and target == "/tmp" else kind  # noqa: S108
        if kind == "disk" and mount_type == "volume" and is_temporary(document.enter("volumes").enter(source)):
            kind = "empty"
        elif kind in ("disk", "anonymous") and posixpath.basename(target) in _CODE_FOLDERS:
            kind = "code"
        elif kind == "anonymous" and target != data_dir and _HELD_DATA.search(target):
            kind = "disk"
            mount = dataclasses.replace(mount, source=f"{keys.path.rpartition('.')[2]}-{posixpath.basename(target)}")
        elif kind == "host" and describe_host_path(source, target) == "folder" and host_folders == "disks":
            kind = "disk"
        elif kind == "file" and project.explain_unusable(mount.source):
            kind = "unusable"
        if kind == "folder":
            is_configuration = mount.read_only or target.startswith(_CONFIGURATION)
            files = project.list_files(mount.source, text_only=not is_configuration)
            writes = not mount.read_only and _DATA.fullmatch(posixpath.basename(target))
            if not files or target == data_dir or writes:
                kind, files = "unusable" if mount.read_only and not files else "disk", ()
        mounts.append(dataclasses.replace(mount, kind=kind, files=files))
    return mounts


def is_temporary(definition: key_reader.KeyReader) -> bool:
    """Whether a named volume is in memory, and lost with its container."""
    return definition.enter("driver_opts").get_text("type") == "tmpfs"


def describe_host_path(source: str, target: str) -> Literal["system", "file", "folder"]:
    """What a path of a host is, by its name: the machine itself, a file, or a folder with data."""
    if _SYSTEM_FOLDERS.fullmatch(posixpath.normpath(source)):
        return "system"
    names = (posixpath.basename(path).lstrip(".") for path in (source, target))
    return "file" if all("." in name for name in names) else "folder"


def _classify(  # noqa: PLR0911, PLR0917 - one return per kind
    mount: Mount,
    mount_type: str,
    source: str,
    project: project_dir.ProjectDir,
    build_context: str | None,
    stage: images.Stage | None,
) -> MountKind:
    if mount_type == "volume":
        return "disk" if source else "anonymous"
    if mount_type != "bind":
        return "empty" if mount_type == "tmpfs" else "other"
    path, target = posixpath.normpath(source), mount.target
    if path in SOCKETS or target in SOCKETS:
        return "socket"
    if path.startswith(CLOCK_PATHS):
        return "clock"
    if path == os.devnull:
        return "null"
    if path == target == SHARED_MEMORY:
        return "memory"
    relative = project.to_relative(source)
    if relative is None:
        return "host"
    is_folder = project.is_folder(relative)
    if project.is_missing(relative) and (mount.read_only or target.startswith(_CONFIGURATION) or not is_folder):
        return "missing"
    if not is_folder:
        return "file"
    if build_context is not None and stage is not None:
        inner = posixpath.relpath(relative, build_context)
        if stage.has_copy(inner, target) and not project.is_ignored(build_context, inner):
            return "source"
    return "disk" if project.is_empty(relative) else "folder"
