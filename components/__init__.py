"""The Pulumi components: with plugin/ the only folder that imports pulumi."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .application import Application
    from .program_values import ApplicationArgs
    from .rollout import SKIP_AWAIT, Rollout, RolloutArgs

__all__ = ["SKIP_AWAIT", "Application", "ApplicationArgs", "Rollout", "RolloutArgs"]

_MODULES = {
    "Application": "application",
    "ApplicationArgs": "program_values",
    "SKIP_AWAIT": "rollout",
    "Rollout": "rollout",
    "RolloutArgs": "rollout",
}


def __getattr__(name: str) -> Any:
    """Import a component when it is used: the imports take longer than the first preview needs to start."""
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
