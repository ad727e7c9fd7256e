"""The health of one workload at one moment."""

import dataclasses
from typing import Literal

from seaway.rollout import target

State = Literal["complete", "progressing", "failed"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem. It may still go away by itself."""

    cause: str
    """Id of the cause in causes.py, such as `image-not-found`; also its anchor in docs/runbook.md."""
    message: str
    """The problem in one line, with its values: ``image registry.example.com/web:2 does not exist (...)``."""
    hint: str
    """How to fix it, in one line."""
    pod: str | None
    """The pod that shows it; None if the problem prevents pods from being created."""
    container: str | None
    fatal: bool
    """It does not go away by itself, so waiting longer does not help."""
    more: int = 0
    """How many further pods show the same problem."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadHealth:
    """The state of one workload."""

    target: target.Target
    state: State
    desired: int
    updated: int
    """Pods of the newest version."""
    ready: int
    """Ready pods of the newest version; of a Job, the pods that succeeded."""
    findings: tuple[Finding, ...]
    """Worst first: fatal findings, then those that explain most. Empty if the workload is complete."""

    @property
    def summary(self) -> str:
        """One line for a live display: ``web 1/2 ready``, and the first finding if there is one."""
        return f"{self.progress}: {self.findings[0].message}" if self.findings else self.progress

    @property
    def progress(self) -> str:
        """``web 1/2 ready``."""
        done = "succeeded" if self.target.kind == "Job" else "ready"
        return f"{self.target.owner} {self.ready}/{self.desired} {done}"
