"""What is found out about one workload at one moment."""

import dataclasses
from typing import Literal

from seaway.rollout import target

State = Literal["complete", "progressing", "failed"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, whether or not it can still heal."""

    cause: str
    """Id of the cause in causes.py, as `image-not-found`; also its anchor in docs/runbook.md."""
    line: str
    """The cause in one line, with the values: ``image registry.example.com/web:2 does not exist (...)``."""
    hint: str
    """What to do about it, in one line."""
    pod: str | None
    """The pod that shows it; none: it kept pods from being made."""
    container: str | None
    fatal: bool
    """It cannot heal: waiting longer is of no use."""
    more: int = 0
    """How many further pods show the same."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadHealth:
    """The state of one workload."""

    target: target.Target
    state: State
    desired: int
    updated: int
    """Pods of the newest version."""
    ready: int
    """Pods of the newest version that are ready; of a Job, those that succeeded."""
    findings: tuple[Finding, ...]
    """Worst first: fatal ones, then by how much they explain. Empty when all is well."""

    @property
    def summary(self) -> str:
        """One line for a live display: ``web 1/2 ready`` and the first finding, if there is one."""
        done = "succeeded" if self.target.kind == "Job" else "ready"
        counted = f"{self.target.owner} {self.ready}/{self.desired} {done}"
        return f"{counted}: {self.findings[0].line}" if self.findings else counted
