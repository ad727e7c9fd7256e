"""Requests and limits of a container. https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"""

from typing import Any

from seaway.kubernetes.api import quantity
from seaway.manifests import placement
from seaway.model import application

DISK_REQUEST = "64Mi"
"""Reserved for logs and writable folders. Few containers fill their limit."""


def build_resources(container_spec: application.ContainerSpec) -> dict[str, Any]:
    """The resources of a container. Devices have a limit only: they cannot be shared, so the request is the same."""
    resources = container_spec.resources
    limits = {"memory": resources.memory_limit or resources.memory, "ephemeral-storage": resources.disk}
    if resources.cpu_limit is not None:
        limits["cpu"] = resources.cpu_limit
    if resources.gpu is not None:
        limits[resources.gpu.resource] = str(resources.gpu.count)
    if resources.tpu is not None:
        limits[placement.TPU_RESOURCE] = str(resources.tpu.count)
    disk = min(DISK_REQUEST, resources.disk, key=quantity.parse)
    return {
        "requests": {"cpu": resources.cpu, "memory": resources.memory, "ephemeral-storage": disk},
        "limits": limits,
    }
