"""What a container asks of its node. https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"""

from typing import Any

from seaway.kubernetes.api import quantity
from seaway.manifests import placement
from seaway.model import application

DISK_REQUEST = "64Mi"
"""Set aside for logs and writable folders: few fill them."""


def resources(asked: application.Resources) -> dict[str, Any]:
    """Devices are asked for by their limit alone: they cannot be shared, and the request is the same."""
    limits = {"memory": asked.memory, "ephemeral-storage": asked.disk}
    if asked.cpu_limit is not None:
        limits["cpu"] = asked.cpu_limit
    if asked.gpu is not None:
        limits[asked.gpu.resource] = str(asked.gpu.count)
    if asked.tpu is not None:
        limits[placement.TPU] = str(asked.tpu.count)
    disk = min(DISK_REQUEST, asked.disk, key=quantity.parse)
    return {"requests": {"cpu": asked.cpu, "memory": asked.memory, "ephemeral-storage": disk}, "limits": limits}
