"""The volumes of a pod, and their mounts in its containers."""

from collections.abc import Mapping
from typing import Annotated, Any

from seaway.kubernetes.api import quantity
from seaway.manifests import config, inputs, names, secrets
from seaway.model import application
from seaway.model import secrets as model_secrets
from seaway.model import volumes as model_volumes
from seaway.syntax.field_help import Help, Rationale

WRITABLE_SIZE_LIMIT: Annotated[
    str,
    Help("maximum size of a writable folder; a pod above it is evicted"),
    Rationale("a leak stops one pod, and does not fill the disk of the node"),
] = "256Mi"

_DEFAULT_DISK = quantity.parse(application.Resources().disk)

TMP_PATH = "/tmp"  # noqa: S108 - a path in the container, empty at each start

ROOT_PATH = "/"
"""In `writable`: the container may write wherever its user may. Nothing is mounted for it."""


def build_volumes(
    workload: application.AnyWorkload, container_inputs: Mapping[str, inputs.ContainerInputs]
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """The volumes of a pod, and the mounts of each container.

    A path is one folder in the whole pod: a proxy reads the socket that the program creates, and a backup the volume of
    the store. Only /tmp is separate for each container. The volumes of a store come from its claim templates: only
    their mounts are here.
    """
    claims: dict[str, str] = {}
    if isinstance(workload, application.Store):
        claims = {volume.path: name for name, volume in model_volumes.list_claims(workload).items()}
    volumes: dict[str, dict[str, Any]] = {}

    def add_volume(name: str, source: dict[str, Any]) -> str:
        volumes[name] = {"name": name, **source}
        return name

    for shared_volume in workload.shared_volumes:
        claim = model_volumes.format_claim_name(shared_volume)
        name = names.shorten_name(f"shared-{claim.removesuffix('-0')}")
        claims[shared_volume.path] = add_volume(name, {"persistentVolumeClaim": {"claimName": claim}})
    mounts: dict[str, list[dict[str, Any]]] = {}
    for container_spec in workload.list_containers():
        suffix = "" if container_spec is workload else f"-{container_spec.name}"
        container_mounts = mounts[container_spec.name] = []
        # A program that needs a larger disk writes it somewhere.
        disk = container_spec.resources.disk
        size_limit = WRITABLE_SIZE_LIMIT if quantity.parse(disk) <= _DEFAULT_DISK else disk
        for path in sorted({TMP_PATH, *container_spec.writable} - {ROOT_PATH}):
            volume = claims.get(path) or add_volume(
                _format_volume_name(path, suffix), {"emptyDir": {"sizeLimit": size_limit}}
            )
            container_mounts.append({"name": volume, "mountPath": path})
        if config_map := container_inputs[container_spec.name].config_map:
            volume = add_volume(names.shorten_name(f"config{suffix}"), {"configMap": {"name": config_map}})
            container_mounts += _build_file_mounts(volume, container_spec)
        container_mounts += secrets.build_mounts(container_spec)
    if projected := secrets.build_volume(workload, container_inputs[workload.name].secret):
        volumes[model_secrets.VOLUME_NAME] = projected
    read_only = {shared_volume.path for shared_volume in workload.shared_volumes if shared_volume.read_only}
    mounts[workload.name] += [
        {"name": name, "mountPath": path} | ({"readOnly": True} if path in read_only else {})
        for path, name in claims.items()
    ]
    return list(volumes.values()), mounts


def _format_volume_name(path: str, suffix: str) -> str:
    if path == TMP_PATH and suffix:
        return names.shorten_name(f"tmp{suffix}")
    return names.shorten_name(f"writable-{names.slugify_path(path)}")


def _build_file_mounts(volume: str, container_spec: application.ContainerSpec) -> list[dict[str, Any]]:
    """Single files (subPath) keep the rest of the image's folder. They are never updated in place, and need not be: a
    changed file is another ConfigMap."""
    return [
        {"name": volume, "mountPath": file.path, "subPath": config.format_file_key(file.path), "readOnly": True}
        for file in sorted(container_spec.files, key=lambda file: file.path)
    ]
