"""The workload that a rollout waits for, as the inputs of the plugin's Rollout resource describe it."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self, cast

Kind = Literal["Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob"]
WorkloadType = Literal["service", "store", "job"]

WORKLOAD_TYPES: Mapping[Kind, WorkloadType] = {
    "Deployment": "service",
    "DaemonSet": "service",
    "StatefulSet": "store",
    "Job": "job",
    "CronJob": "job",
}
"""What an application calls the workloads of each kind, in the order of `seaway status`."""

UNDECLARED: Mapping[str, str] = {"": ""}
"""The sources of a workload that no application of Seaway declares."""


WORKING_DIR = "WORKDIR"
"""The key of a source: the WORKDIR in the Dockerfile of a workload."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One workload that must become healthy."""

    kind: Kind
    name: str
    """Of the Kubernetes object."""
    owner: str
    """Name of the service, store or job."""
    deadline: int
    """Seconds until the rollout fails even if the workload could still recover."""
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], compare=False, repr=False)
    """Where the user wrote its keys, see ``hints.collect_sources``. Empty if only the cluster is known."""
    routes: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Its routes and their Gateway, see ``routes.hash_routes``."""
    declared_kind: Kind | None = None
    """The kind of the object that the application declares, where this one is a Job of `seaway run`."""

    @property
    def workload_type(self) -> WorkloadType:
        """What the application calls it."""
        return WORKLOAD_TYPES[self.declared_kind or self.kind]

    @property
    def is_declared(self) -> bool:
        """Whether an application of Seaway declares it."""
        return self.sources != UNDECLARED

    @property
    def model_path(self) -> str:
        """Its path in app.yaml: ``services.web``."""
        return f"{self.workload_type}s.{self.owner}"

    @property
    def working_dir(self) -> str:
        """The WORKDIR in the Dockerfile of its image; empty: unknown."""
        return self.sources.get(f"{self.model_path}.{WORKING_DIR}", "")

    @classmethod
    def parse(cls, inputs: Mapping[str, Any], sources: Mapping[str, str]) -> Self:
        """From the inputs of the Rollout resource; other keys are ignored."""
        return cls(
            kind=cast(Kind, inputs["kind"]),
            name=str(inputs["name"]),
            owner=str(inputs["owner"]),
            deadline=int(inputs["deadline"]),
            sources=sources,
            routes=inputs.get("routes") or {},
        )
