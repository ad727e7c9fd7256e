"""The runs of a job with a schedule, or of a job that people start: the Jobs of a CronJob."""

import dataclasses
import datetime
from typing import Literal

from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.manifests import workloads

State = Literal["none", "running", "done", "failed"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JobRuns:
    """When a job runs, and the result of its newest run."""

    schedule: str | None
    """A cron expression; None if the job is started by hand."""
    zone: str
    suspended: bool
    """Whether the schedule is suspended."""
    state: State
    """Of the newest run."""
    last: datetime.datetime | None
    """Start of the newest run."""

    @property
    def schedule_text(self) -> str:
        """The schedule, for people."""
        if self.schedule is None:
            return "started by hand"
        return f"{self.schedule} {self.zone}" + (", suspended" if self.suspended else "")


def summarize_runs(cron_job: snapshot.Object, newest: snapshot.Object | None) -> JobRuns:
    """From a CronJob and its newest Job."""
    spec = cron_job["spec"]
    on_demand = spec["schedule"] == workloads.NEVER_SCHEDULE
    return JobRuns(
        schedule=None if on_demand else spec["schedule"],
        zone=spec.get("timeZone") or "",
        suspended=bool(spec.get("suspend")) and not on_demand,
        state=_get_state(newest),
        last=unstructured.get_creation_time(newest) if newest else None,
    )


def is_started_by_cron_job(job: snapshot.Object) -> bool:
    """Whether a CronJob created it, on schedule or on request (`kubectl create job --from`)."""
    owners = unstructured.get_list(job, "metadata", "ownerReferences")
    return any(owner.get("kind") == "CronJob" for owner in owners)


def _get_state(job: snapshot.Object | None) -> State:
    if job is None:
        return "none"
    if unstructured.is_condition_true(job, "Failed"):
        return "failed"
    return "done" if unstructured.is_condition_true(job, "Complete") else "running"
