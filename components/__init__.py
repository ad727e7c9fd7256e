"""The Pulumi components: with plugin/ the only folder that imports pulumi."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .application import Application
    from .image import Image, ImageArgs
    from .program_values import ApplicationArgs
    from .registry import Registry, RegistryArgs
    from .rollout import SKIP_AWAIT, Rollout, RolloutArgs
    from .workload import Workload, WorkloadArgs

__all__ = [
    "SKIP_AWAIT",
    "Application",
    "ApplicationArgs",
    "Image",
    "ImageArgs",
    "Registry",
    "RegistryArgs",
    "Rollout",
    "RolloutArgs",
    "Workload",
    "WorkloadArgs",
]

_MODULES = {
    "Application": "application",
    "ApplicationArgs": "program_values",
    "Image": "image",
    "ImageArgs": "image",
    "Registry": "registry",
    "RegistryArgs": "registry",
    "Rollout": "rollout",
    "RolloutArgs": "rollout",
    "SKIP_AWAIT": "rollout",
    "Workload": "workload",
    "WorkloadArgs": "workload",
}


def __getattr__(name: str) -> Any:
    """Import a component when it is used: the imports take longer than the first preview needs to start."""
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
