"""What a rollout is about: one workload of the application, as the plugin's Rollout is told of it."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self, cast

Kind = Literal["Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One workload that must become healthy."""

    kind: Kind
    name: str
    """Of the Kubernetes object."""
    owner: str
    """The service, store or job that it belongs to: the name that a person knows."""
    deadline: int
    """Seconds that it may take; then what could still heal has failed too."""

    @classmethod
    def parse(cls, inputs: Mapping[str, Any]) -> Self:
        """From the plain mapping that travels through the engine; other keys are left alone."""
        return cls(
            kind=cast(Kind, inputs["kind"]),
            name=str(inputs["name"]),
            owner=str(inputs["owner"]),
            deadline=int(inputs["deadline"]),
        )
