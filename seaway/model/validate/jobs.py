"""When a job runs: as a part of a release, by the clock, or when somebody starts it. And the rules about that."""

import zoneinfo
from collections.abc import Iterator

from seaway.model import application
from seaway.model.validate import cron
from seaway.syntax import diagnosis

MIN_STARTING_DEADLINE = 10
"""Seconds between two looks at the clock of Kubernetes' controller: a run that must start sooner may never do.
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#cron-job-limitations"""

_SCHEDULE_FIELDS = ("time_zone", "starting_deadline", "concurrency_policy")
"""What says nothing without a schedule."""


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Each job is told when in one way, and Kubernetes understands it."""
    default = application.Job("default")
    for job in app.jobs:
        path = f"jobs.{job.name}"
        if job.schedule is not None:
            yield from _check_schedule(job, job.schedule, path, locations)
            if f"{path}.run" in locations.by_path or job.run != default.run:
                at = f"{path}.run"
                yield diagnosis.Diagnostic(
                    locations.find(at), at, f"is {job.run} beside a schedule", "remove one of the two"
                )
        elif not locations.has_undecoded(f"{path}.schedule"):
            said = {
                "time_zone": "timeZone",
                "starting_deadline": "startingDeadline",
                "concurrency_policy": "concurrencyPolicy",
            }
            for field in _SCHEDULE_FIELDS:
                at = f"{path}.{said[field]}"
                if at in locations.by_path or getattr(job, field) != getattr(default, field):
                    yield diagnosis.Diagnostic(
                        locations.find(at), at, "says nothing without a schedule", "add `schedule:`, or remove it"
                    )
        if job.backoff_limit < 0:
            at = f"{path}.backoffLimit"
            yield diagnosis.Diagnostic(locations.find(at), at, f"{job.backoff_limit} is negative", "write 0 or more")
        at = f"{path}.historyLimit"
        if job.history_limit < 0:
            yield diagnosis.Diagnostic(
                locations.find(at), at, f"{job.history_limit} is no number of runs", "write 0 or more"
            )
        elif (
            job.is_release_job()
            and (at in locations.by_path or job.history_limit != default.history_limit)
            and not locations.has_undecoded(f"{path}.schedule", f"{path}.run")
        ):
            wrong = "says nothing of a job that runs once a release: its log stays until the next one"
            yield diagnosis.Diagnostic(
                locations.find(at), at, wrong, "add `schedule:` or `run: on-demand`, or remove it"
            )


def _check_schedule(
    job: application.Job, expression: str, path: str, locations: diagnosis.SourceLocations
) -> Iterator[diagnosis.Diagnostic]:
    if wrong := cron.find_error(expression):
        at = f"{path}.schedule"
        remedy = "write minute, hour, day, month and weekday, as 30 3 * * mon-fri, or @daily"
        yield diagnosis.Diagnostic(locations.find(at), at, f"{diagnosis.quote(expression)} {wrong}", remedy)
    if not _is_known_time_zone(job.time_zone) and _is_known_time_zone(
        "Etc/UTC"
    ):  # a machine without any zone knows no better
        at = f"{path}.timeZone"
        wrong = f"there is no time zone {diagnosis.quote(job.time_zone)}"
        yield diagnosis.Diagnostic(locations.find(at), at, wrong, "write one of the tz database, as Europe/Berlin")
    if job.starting_deadline < MIN_STARTING_DEADLINE:
        at = f"{path}.startingDeadline"
        wrong = f"{job.starting_deadline} s may pass between two looks at the clock, and it would never run"
        yield diagnosis.Diagnostic(locations.find(at), at, wrong, f"write {MIN_STARTING_DEADLINE} or more")


def _is_known_time_zone(name: str) -> bool:
    """Whether the machine knows it. Kubernetes wants it in the tz database's own letters."""
    try:
        return zoneinfo.ZoneInfo(name).key == name
    except (LookupError, ValueError, OSError):
        return False
