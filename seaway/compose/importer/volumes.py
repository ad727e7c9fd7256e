"""Converts mounts: a named volume is the disk of a store, a file is configuration."""

import posixpath
from collections.abc import Mapping, Sequence

from seaway.compose.importer import amounts, image_files, images, key_reader, mount_reader, naming, plan, security

DEFAULT_SIZE = "1Gi"
"""Compose states no size."""

SIZE_LABEL = "kompose.volume.size"
CLASS_LABEL = "kompose.volume.storage-class-name"


def convert(service: plan.ServicePlan) -> None:
    """The mounts of a service, its own disks first."""
    keys, own_names = service.keys, name_disks(service.own_disks)
    paths = {"/tmp", "/"}  # noqa: S108 - a path in the container
    for mount in sorted(service.mounts, key=lambda mount: mount not in own_names):
        if mount.target in paths and (mount not in own_names or mount.target == "/"):
            state = "always writable" if mount.target == "/tmp" else "mounted twice"  # noqa: S108
            keys.approximate(mount.key, f"{mount.target} is {state}")
            continue
        paths.add(mount.target)
        if mount in own_names:
            _convert_disk(service, mount, own_names[mount])
        elif mount in service.shared_disks:
            _convert_shared_disk(service, mount)
        else:
            _convert_other_mount(service, mount)
    if image_files.has_shell(service):
        image_files.copy(service, own_names)


def name_disks(own: Sequence[mount_reader.Mount]) -> dict[mount_reader.Mount, str | None]:
    """The names of a store's disks. The first disk has none."""
    names: dict[mount_reader.Mount, str | None] = {}
    for mount in own:
        name = naming.to_dns_label(posixpath.basename(mount.source) or "disk", max_length=40)
        if name in ("data", "tmp") or name.startswith(("config", "secrets", "shared", "writable")):
            name = f"{name}-disk" if name in ("data", "tmp") else f"disk-{name}"
        used_names = {other for other in names.values() if other}
        names[mount] = naming.to_dns_label(name, used_names, max_length=40) if names else None
    return names


def _read_disk_labels(service: plan.ServicePlan, mount: mount_reader.Mount) -> tuple[str | None, str | None]:
    """Size and storage class in the labels of the volume or the service, or in the options of the driver."""
    definition = service.document.enter("volumes").enter(mount.source)
    labels = service.labels | {name: node.text for name, node in definition.get_scalars("labels").items()}
    size = labels.get(SIZE_LABEL, definition.enter("driver_opts").get_text("size"))
    return amounts.to_size(size), labels.get(CLASS_LABEL)


def _convert_disk(service: plan.ServicePlan, mount: mount_reader.Mount, name: str | None) -> None:
    keys, builder = service.keys, service.builder
    label_size, storage_class = _read_disk_labels(service, mount)
    size = label_size or DEFAULT_SIZE
    path = ("volume",) if name is None else ("volumes", name)
    builder.set((*path, "path"), mount.target, mount.location)
    _set_postgres_folder(service, mount.target)
    builder.set((*path, "size"), size, mount.location)
    if storage_class:
        builder.set((*path, "storageClass"), storage_class, mount.location)
    into = ".".join(path)
    if mount.source.startswith(("/", "~")):
        message = f"a new {size} disk, empty at first, and not the folder {mount.source} of the host"
        keys.approximate(mount.key, message, "copy data into it", into=into)
    elif mount.source.startswith(("./", "../")) and service.project.to_relative(mount.source) == mount.source:
        absence = "no folder" if service.project.is_empty(mount.source) else "not the files"
        keys.approximate(mount.key, f"a new {size} disk, {absence} of the project", "copy data into it", into=into)
    elif image_files.has_files(service, mount):
        if image_files.has_shell(service):
            message = f"a {size} disk; while it is empty, an init container copies the image's files to it"
            hint = "without a shell in the image, it cannot: set volume.nocopy"
        else:
            message = (
                f"a {size} disk, empty at first: Docker would copy the image's files, and here the image has no shell"
            )
            hint = "if the program needs them, copy them when it starts"
        keys.approximate(mount.key, message, hint, into=into)
    elif label_size:
        keys.keep(mount.key, f"a {size} disk", into=into)
    else:
        message = f"a {size} disk, empty at first: compose states no size"
        keys.record(mount.key, "added", message, f"label the volume with {SIZE_LABEL}", into=into)


def _convert_shared_disk(service: plan.ServicePlan, mount: mount_reader.Mount) -> None:
    owner = service.shared_disks[mount]
    names = {own.source: name for own, name in name_disks(owner.own_disks).items()}
    name, store = names[mount.source], owner.dns_name
    fields = {"store": store, **({"volume": name} if name else {}), **({"readOnly": True} if mount.read_only else {})}
    service.builder.set(("sharedVolumes", mount.target), fields if len(fields) > 1 else store, mount.location)
    message = f"the disk of {store}: the pods run on its node, because one node mounts a disk"
    service.keys.record(mount.key, "added", message, into="sharedVolumes")


def _convert_other_mount(  # noqa: PLR0912 - one case per kind
    service: plan.ServicePlan, mount: mount_reader.Mount
) -> None:
    keys, builder, key = service.keys, service.builder, mount.key
    match mount.kind:
        case "disk":
            if not mount.read_only:
                builder.append("writable", mount.target, mount.location)
            message = "no service with a pod mounts this volume, so there is no disk; empty at each start"
            keys.drop(key, message, "mount the volume in a service too")
        case "anonymous" if mount.target == service.image_volume:
            message = "a new disk, as without this line: it holds the data of the image"
            keys.approximate(key, message, "copy data into it", into="volume")
        case "anonymous" if security.choose_run_as(service).writable_root:
            keys.keep(key, "the image's own folder, which is writable")
        case "code":
            keys.keep(key, "the image's own folder: it holds what the build has installed")
        case "empty" | "anonymous":
            builder.append("writable", mount.target, mount.location)
            keys.approximate(key, "a folder that is empty at each start", into="writable")
        case "file":
            is_renamed = service.add_file(mount.target, mount.location, source=mount.source)
            message = "read-only; a change of the file restarts the pods"
            message = f"{naming.RENAMED}; {message}" if is_renamed else message
            exact = mount.read_only and not is_renamed
            keys.record(key, "kept" if exact else "approximated", "" if exact else message, into="files")
        case "folder":
            for name in mount.files:
                service.add_file(f"{mount.target}/{name}", mount.location, source=f"{mount.source}/{name}")
            count = len(mount.files)
            message = f"the {count} {'file' if count == 1 else 'files'} that the folder holds now, read-only"
            hint = "import again after files were added"
            hint += "" if mount.read_only else "; a program that writes there needs a volume"
            keys.approximate(key, message, hint, into="files")
        case "memory":
            builder.add_volume({"name": "shm", "emptyDir": {"medium": "Memory"}})
            builder.add_mount({"name": "shm", "mountPath": mount.target})
            keys.approximate(key, "memory of the pod, which counts as the container's", into="raw")
        case "unusable":
            keys.refuse(key, f"{mount.source} {service.project.explain_unusable(mount.source)}", _BUILD_HINT)
        case "socket" | "host":
            kind = mount_reader.describe_host_path(mount.source, mount.target) if mount.kind == "host" else mount.kind
            message, hint = _REFUSED[kind]
            keys.refuse(key, f"{mount.source} {message}", hint)
        case _:
            keys.drop(key, *_DROPPED.get(mount.kind, ("pods have no such volume type", "name a volume instead")))


_DROPPED: Mapping[str, tuple[str, str]] = {
    "source": ("the built image contains the source; a change needs a deployment", "deploy after a change"),
    "missing": ("it does not exist: Docker would create an empty folder", "add it, and import again"),
    "null": ("it is empty", "remove it"),
    "clock": ("pods do not use the clock files of a host", "set the variable TZ"),
}
_BUILD_HINT = "build it into the image"
_REFUSED: Mapping[str, tuple[str, str]] = {
    "socket": ("gives root on the node to every process that can write to it", "use `kubernetesApi` with few rights"),
    "system": ("is a part of the machine, and pods move between machines", "remove it"),
    "file": ("is a file of one machine, and pods move between machines", "copy it into the project"),
    "folder": (
        "is a folder of one machine, and pods move between machines",
        "name a volume instead, or write `x-seaway: {hostFolders: disks}` at the top of the file for empty disks",
    ),
}


def convert_tmpfs(service: plan.ServicePlan) -> None:
    keys = service.keys
    for key, text in keys.list_entries("tmpfs"):
        path = posixpath.normpath(text.partition(":")[0])
        if path not in ("/tmp", "/"):  # noqa: S108
            service.builder.append("writable", path, keys.locate(key))
        keys.approximate(key, "a writable folder on the node's disk, empty at each start", into="writable")


def convert_image_volume(service: plan.ServicePlan) -> None:
    """The disk of an image that declares a volume, where compose mounts none."""
    builder, folder = service.builder, service.image_volume
    if folder is None:
        return
    path = ("volumes", "image-data") if builder.has("volume") else ("volume",)
    builder.set((*path, "path"), folder)
    builder.set((*path, "size"), DEFAULT_SIZE)
    _set_postgres_folder(service, folder)
    message = f"a {DEFAULT_SIZE} disk at {folder}, which the image declares as a volume"
    service.keys.note("added", message, "name the volume", into=".".join(path))


def _set_postgres_folder(service: plan.ServicePlan, disk: str) -> None:
    """initdb needs an empty folder, and the top of a disk has lost+found. For the image itself, the model does it."""
    is_known = service.build is None and images.get_short_name(service.image or "") == "postgres"
    if disk == images.POSTGRES_DATA and not is_known and not service.builder.has("env", "PGDATA"):
        service.builder.set(("env", "PGDATA"), f"{images.POSTGRES_DATA}/pgdata")
        message = f"PGDATA is a folder of {images.POSTGRES_DATA}: PostgreSQL needs an empty one"
        service.keys.note("added", message, into="env.PGDATA")


def convert_definitions(document: key_reader.KeyReader, used: set[str]) -> None:
    """The volumes of the document. ``used``: the names that services mount."""
    for name, volume in document.enter_mapping("volumes"):
        unused = "" if name in used else "no service mounts it"
        if not volume.mapping.pairs:
            document.record(("volumes", name), "dropped" if unused else "kept", unused, "remove it" if unused else "")
        volume.keep("name", "only Docker uses this name")
        hint = "pulumi config set seaway:storageClass <class>"
        volume.drop("driver", "the environment selects the storage class", hint, kept={"local": ""})
        is_memory = mount_reader.is_temporary(volume)
        for key, node in volume.get_scalars("driver_opts").items():
            if is_memory:
                volume.keep(("driver_opts", key), "a folder that is empty at each start")
                continue
            if key == "size" and amounts.to_size(node.text):
                volume.keep(("driver_opts", key), unused)
            else:
                message = "the cluster creates disks, not a path of a host"
                volume.drop(("driver_opts", key), message, "copy the data into the new disk")
        volume.approximate("external", "a new disk, not Docker's disk", "copy the data into it", kept={"false": ""})
        for key, node in volume.get_scalars("labels").items():
            if key == SIZE_LABEL and amounts.to_size(node.text) is None:
                volume.drop(("labels", key), "is not a valid size", "write it as 5Gi")
            elif key in (SIZE_LABEL, CLASS_LABEL):
                volume.keep(("labels", key), unused)
            else:
                volume.drop(("labels", key), "Seaway does not read this label of a volume")
