"""What a container asks of its node. https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"""

from typing import Any

from seaway.model import application

DISK_REQUEST = "64Mi"
DISK_LIMIT = "1Gi"
"""Logs and writable folders together."""


def resources(asked: application.Resources) -> dict[str, Any]:
    return {
        "requests": {"cpu": asked.cpu, "memory": asked.memory, "ephemeral-storage": DISK_REQUEST},
        "limits": {"memory": asked.memory, "ephemeral-storage": DISK_LIMIT},
    }
