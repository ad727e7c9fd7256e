"""Requests and limits of a container. https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"""

from typing import Any

from seaway.kubernetes.api import quantity
from seaway.manifests import placement
from seaway.model import application

DISK_REQUEST = "64Mi"
"""Reserved for logs and writable folders. Few containers fill their limit."""


def build_resources(container_resources: application.Resources) -> dict[str, Any]:
    """The resources of a container. Devices have a limit only: they cannot be shared, so the request is the same."""
    limits = {"memory": container_resources.memory, "ephemeral-storage": container_resources.disk}
    if container_resources.cpu_limit is not None:
        limits["cpu"] = container_resources.cpu_limit
    if container_resources.gpu is not None:
        limits[container_resources.gpu.resource] = str(container_resources.gpu.count)
    if container_resources.tpu is not None:
        limits[placement.TPU_RESOURCE] = str(container_resources.tpu.count)
    disk = min(DISK_REQUEST, container_resources.disk, key=quantity.parse)
    return {
        "requests": {"cpu": container_resources.cpu, "memory": container_resources.memory, "ephemeral-storage": disk},
        "limits": limits,
    }
