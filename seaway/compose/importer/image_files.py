"""Copies the files of an image to its new disks, as Docker does for a named volume: an empty disk would hide them.

https://docs.docker.com/engine/storage/volumes/#mounting-a-volume-over-existing-data
"""

import re
from collections.abc import Mapping

from seaway.compose.importer import mount_reader, plan
from seaway.model import volumes as model_volumes

CONTAINER = "copy-files"
"""The init container, with the image and the user of the program."""

_IMAGE_FOLDERS = re.compile(r"/(etc|home|opt|srv|usr|var/www)/|/var/log(/|$)")
"""Images hold programs and configuration there, and data elsewhere."""

_WITHOUT_SHELL = re.compile(r"^scratch$|distroless|cgr\.dev/chainguard/")

SCRIPT = """\
while [ $# -gt 0 ]; do
  cd "$2"
  case "$(ls -A)" in
  "" | lost+found | *.seaway-copying*)
    : > .seaway-copying
    # A user other than root cannot read or keep everything. A full disk is an error.
    [ ! -d "$1" ] || cp -a "$1/." . || echo incomplete > .seaway-copying
    rm .seaway-copying
  esac
  shift 2
done
"""
"""Arguments: a folder of the image and its disk, in pairs. Resumes a copy that was interrupted."""


def has_files(service: plan.ServicePlan, mount: mount_reader.Mount) -> bool:
    """Whether Docker copies files to a disk, as far as the Dockerfile or the name of the folder tells."""
    if mount.no_copy or mount.target == "/" or mount.source.startswith(("/", "~", ".")):
        return False
    copies = service.stage.copies if service.stage else ()
    if any(place and mount_reader.overlaps(place, mount.target) for _, place in copies):
        return True
    return _IMAGE_FOLDERS.match(mount.target) is not None and service.profile is None


def has_shell(service: plan.ServicePlan) -> bool:
    """Whether the image may have a shell."""
    return not any(_WITHOUT_SHELL.search(image) for image in (service.base_image, service.image) if image)


def copy(service: plan.ServicePlan, disks: Mapping[mount_reader.Mount, str | None]) -> None:
    """Add the init container for the disks of a store; the first disk has no name."""
    volumes = {mount.target: name or model_volumes.MAIN_VOLUME_NAME for mount, name in disks.items()}
    places = {mount.target: f"/disks/{volumes[mount.target]}" for mount in disks if has_files(service, mount)}
    if not places:
        return
    arguments = [folder for pair in places.items() for folder in pair]
    service.builder.set(("init", CONTAINER, "command"), ["sh", "-ec", SCRIPT, CONTAINER, *arguments])
    service.builder.set(("init", CONTAINER, "resources"), {"cpu": "10m", "memory": "64Mi"})  # less than the program's
    mounts = [{"name": volumes[folder], "mountPath": place} for folder, place in places.items()]
    service.builder.pod_spec["initContainers"] = [{"name": CONTAINER, "volumeMounts": mounts}]
