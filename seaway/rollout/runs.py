"""What a CronJob has started: the runs of a job that has a schedule, or that people start."""

import dataclasses
import datetime
from typing import Literal

from seaway.kubernetes.cluster import snapshot
from seaway.manifests import workloads
from seaway.rollout import evidence

State = Literal["none", "running", "done", "failed"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """When it runs, and how its newest run ended."""

    schedule: str | None
    """In cron's fields; None: when somebody starts it."""
    zone: str
    suspended: bool
    """Whether somebody has stopped the schedule."""
    state: State
    """Of the newest run."""
    last: datetime.datetime | None
    """When that began."""

    @property
    def told(self) -> str:
        """When it runs, as a person reads it."""
        if self.schedule is None:
            return "when started by hand"
        return f"{self.schedule} {self.zone}" + (", suspended" if self.suspended else "")


def of(cron_job: snapshot.Object, jobs: list[snapshot.Object]) -> Runs:
    """From a CronJob and the Jobs that it has made."""
    spec = cron_job["spec"]
    last = newest(jobs)
    never = spec["schedule"] == workloads.NEVER
    return Runs(
        schedule=None if never else spec["schedule"],
        zone=spec.get("timeZone") or "",
        suspended=bool(spec.get("suspend")) and not never,
        state=_state(last),
        last=None if last is None else _created(last),
    )


def newest(jobs: list[snapshot.Object]) -> snapshot.Object | None:
    """The one that was made last."""
    return max(jobs, key=_created, default=None)


def started(job: snapshot.Object) -> bool:
    """Whether a CronJob made it, by its schedule or for somebody (`kubectl create job --from`)."""
    return any(one.get("kind") == "CronJob" for one in evidence.parts(job, "metadata", "ownerReferences"))


def _state(job: snapshot.Object | None) -> State:
    if job is None:
        return "none"
    if evidence.holds(job, "Failed"):
        return "failed"
    return "done" if evidence.holds(job, "Complete") else "running"


def _created(job: snapshot.Object) -> datetime.datetime:
    return evidence.moment(job["metadata"]["creationTimestamp"])
