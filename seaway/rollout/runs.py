"""What a CronJob has started: the runs of a job that has a schedule, or that people start."""

import dataclasses
import datetime
from typing import Literal

from seaway.kubernetes.cluster import snapshot
from seaway.manifests import workloads
from seaway.rollout import evidence

State = Literal["none", "running", "done", "failed"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JobRuns:
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
    def schedule_text(self) -> str:
        """When it runs, as a person reads it."""
        if self.schedule is None:
            return "when started by hand"
        return f"{self.schedule} {self.zone}" + (", suspended" if self.suspended else "")


def summarize_runs(cron_job: snapshot.Object, jobs: list[snapshot.Object]) -> JobRuns:
    """From a CronJob and the Jobs that it has made."""
    spec = cron_job["spec"]
    last = find_newest(jobs)
    never = spec["schedule"] == workloads.NEVER_SCHEDULE
    return JobRuns(
        schedule=None if never else spec["schedule"],
        zone=spec.get("timeZone") or "",
        suspended=bool(spec.get("suspend")) and not never,
        state=_get_state(last),
        last=None if last is None else _get_creation_time(last),
    )


def find_newest(jobs: list[snapshot.Object]) -> snapshot.Object | None:
    """The one that was made last."""
    return max(jobs, key=_get_creation_time, default=None)


def is_started_by_cron_job(job: snapshot.Object) -> bool:
    """Whether a CronJob made it, by its schedule or for somebody (`kubectl create job --from`)."""
    return any(one.get("kind") == "CronJob" for one in evidence.get_list(job, "metadata", "ownerReferences"))


def _get_state(job: snapshot.Object | None) -> State:
    if job is None:
        return "none"
    if evidence.is_condition_true(job, "Failed"):
        return "failed"
    return "done" if evidence.is_condition_true(job, "Complete") else "running"


def _get_creation_time(job: snapshot.Object) -> datetime.datetime:
    return evidence.parse_time(job["metadata"]["creationTimestamp"])
