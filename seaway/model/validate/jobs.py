"""When a job runs: as a part of a release, by the clock, or when somebody starts it. And the rules about that."""

import zoneinfo
from collections.abc import Iterator

from seaway.model import application
from seaway.model.validate import cron
from seaway.syntax import diagnosis

SOONEST = 10
"""Seconds between two looks at the clock of Kubernetes' controller: a run that must start sooner may never do.
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#cron-job-limitations"""

_SCHEDULED = ("time_zone", "start_within", "overlap")
"""What says nothing without a schedule."""


def released(job: application.Job) -> bool:
    """Whether it runs once a release: those jobs must not run again where somebody goes back to an older one."""
    return job.schedule is None and job.run != "on-demand"


def check(app: application.Application, places: diagnosis.Places) -> Iterator[diagnosis.Problem]:
    """Each job is told when in one way, and Kubernetes understands it."""
    default = application.Job("default")
    for job in app.jobs:
        path = f"jobs.{job.name}"
        if job.schedule is not None:
            yield from _clock(job, job.schedule, path, places)
            if f"{path}.run" in places.known or job.run != default.run:
                at = f"{path}.run"
                yield diagnosis.Problem(places.of(at), at, f"is {job.run} beside a schedule", "remove one of the two")
        elif not places.lost(f"{path}.schedule"):
            said = {"time_zone": "timeZone", "start_within": "startWithin", "overlap": "overlap"}
            for field in _SCHEDULED:
                at = f"{path}.{said[field]}"
                if at in places.known or getattr(job, field) != getattr(default, field):
                    yield diagnosis.Problem(
                        places.of(at), at, "says nothing without a schedule", "add `schedule:`, or remove it"
                    )
        if job.tries < 1:
            at = f"{path}.tries"
            yield diagnosis.Problem(places.of(at), at, f"{job.tries} tries are none", "write 1 or more")
        at = f"{path}.history"
        if job.history < 0:
            yield diagnosis.Problem(places.of(at), at, f"{job.history} is no number of runs", "write 0 or more")
        elif (
            released(job)
            and (at in places.known or job.history != default.history)
            and not places.lost(f"{path}.schedule", f"{path}.run")
        ):
            wrong = "says nothing of a job that runs once a release: its log stays until the next one"
            yield diagnosis.Problem(places.of(at), at, wrong, "add `schedule:` or `run: on-demand`, or remove it")


def _clock(job: application.Job, text: str, path: str, places: diagnosis.Places) -> Iterator[diagnosis.Problem]:
    if wrong := cron.wrong(text):
        at = f"{path}.schedule"
        remedy = "write minute, hour, day, month and weekday, as 30 3 * * mon-fri, or @daily"
        yield diagnosis.Problem(places.of(at), at, f"{diagnosis.quoted(text)} {wrong}", remedy)
    if not _zone(job.time_zone) and _zone("Etc/UTC"):  # a machine without any zone knows no better
        at = f"{path}.timeZone"
        wrong = f"there is no time zone {diagnosis.quoted(job.time_zone)}"
        yield diagnosis.Problem(places.of(at), at, wrong, "write one of the tz database, as Europe/Berlin")
    if job.start_within < SOONEST:
        at = f"{path}.startWithin"
        wrong = f"{job.start_within} s may pass between two looks at the clock, and it would never run"
        yield diagnosis.Problem(places.of(at), at, wrong, f"write {SOONEST} or more")


def _zone(name: str) -> bool:
    """Whether the machine knows it. Kubernetes wants it in the tz database's own letters."""
    try:
        return zoneinfo.ZoneInfo(name).key == name
    except (LookupError, ValueError, OSError):
        return False
