"""What a container finds in its file system beside its image."""

from typing import Annotated, Any

from seaway.manifests import config, names
from seaway.model import application
from seaway.model.describe import Doc, Why

SCRATCH: Annotated[
    str,
    Doc("most that a writable folder takes before the pod is evicted"),
    Why("a leak ends one pod, not the node's disk"),
] = "256Mi"

VOLUME = "data"
"""Name of a store's volume and of its claim."""


def volumes(each: application.Container, config_map: str | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts. A store's own volume comes from its claim template, so only its mount is here."""
    found: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    for path in sorted({"/tmp", *each.writable}):  # noqa: S108 - a path in the container, empty at each start
        name = names.cut(f"writable-{names.slug(path)}")
        found.append({"name": name, "emptyDir": {"sizeLimit": SCRATCH}})
        mounts.append({"name": name, "mountPath": path})
    if config_map is not None:
        found.append({"name": "config", "configMap": {"name": config_map}})
        # Single files (subPath) leave the rest of the folder as the image has it. They are never updated in place,
        # and need not be: a changed file is another ConfigMap.
        mounts += [
            {"name": "config", "mountPath": file.path, "subPath": config.file_key(file.path), "readOnly": True}
            for file in sorted(each.files, key=lambda each: each.path)
        ]
    if isinstance(each, application.Store):
        mounts.append({"name": VOLUME, "mountPath": each.volume.path})
    return found, mounts
