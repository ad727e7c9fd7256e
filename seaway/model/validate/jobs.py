"""Rules about when a job runs, for how long and how often."""

import zoneinfo
from collections.abc import Iterator

from seaway.model import application
from seaway.model.validate import cron, structure
from seaway.syntax import decode, diagnosis

MIN_STARTING_DEADLINE = 10
"""Seconds between two checks of the CronJob controller: a run with an earlier deadline may never start.
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#cron-job-limitations"""

_SCHEDULE_FIELDS = ("time_zone", "starting_deadline", "concurrency_policy")
"""Fields without effect where there is no schedule."""

Diagnostics = Iterator[diagnosis.Diagnostic]


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """The errors in the jobs."""
    default = application.Job("default")
    for job in app.jobs:
        path = f"jobs.{job.name}"
        for key, number, minimum, hint in (
            ("timeout", job.timeout, 1, "write the seconds that the job may take"),
            ("backoffLimit", job.backoff_limit, 0, "write the number of retries"),
            ("historyLimit", job.history_limit, 0, "write the number of runs"),
        ):
            yield from structure.check_minimum(number, minimum, f"{path}.{key}", hint, locations)
        if job.schedule is not None:
            yield from _check_schedule(job, job.schedule, path, locations)
            if f"{path}.run" in locations.by_path or job.run != default.run:
                message = f"{job.run} conflicts with the schedule"
                yield locations.report(f"{path}.run", "conflicting-keys", message, "remove one of the two")
        elif not locations.has_undecoded(f"{path}.schedule"):
            for field in _SCHEDULE_FIELDS:
                key_path = f"{path}.{decode.to_camel_case(field)}"
                if key_path in locations.by_path or getattr(job, field) != getattr(default, field):
                    hint = "add `schedule:`, or remove it"
                    yield locations.report(key_path, "no-effect", "has no effect without a schedule", hint)
        yield from _check_history(job, path, locations, default.history_limit)


def _check_history(job: application.Job, path: str, locations: diagnosis.SourceLocations, default: int) -> Diagnostics:
    key_path = f"{path}.historyLimit"
    is_written = key_path in locations.by_path or job.history_limit != default
    is_undecoded = locations.has_undecoded(f"{path}.schedule", f"{path}.run")
    if is_written and job.history_limit >= 0 and job.is_release_job() and not is_undecoded:
        message = "has no effect on a job that runs once per release: its log stays until the next release"
        yield locations.report(key_path, "no-effect", message, "add `schedule:` or `run: on-demand`, or remove it")


def _check_schedule(
    job: application.Job, expression: str, path: str, locations: diagnosis.SourceLocations
) -> Diagnostics:
    if error := cron.find_error(expression):
        hint = "write minute, hour, day, month and weekday, as 30 3 * * mon-fri, or @daily"
        message = f"{diagnosis.quote(expression)} {error}"
        yield locations.report(f"{path}.schedule", "invalid-schedule", message, hint)
    # A machine without a tz database knows no zone at all.
    if not _is_known_time_zone(job.time_zone) and _is_known_time_zone("Etc/UTC"):
        message = f"there is no time zone {diagnosis.quote(job.time_zone)}"
        hint = "write a zone of the tz database, as Europe/Berlin"
        yield locations.report(f"{path}.timeZone", "unknown-time-zone", message, hint)
    if job.starting_deadline < MIN_STARTING_DEADLINE:
        message = f"{job.starting_deadline} s may pass between two checks of the schedule: the job would never run"
        hint = f"write {MIN_STARTING_DEADLINE} or more"
        yield locations.report(f"{path}.startingDeadline", "invalid-value", message, hint)


def _is_known_time_zone(name: str) -> bool:
    """Whether the machine knows the zone. Kubernetes requires the spelling of the tz database."""
    try:
        return zoneinfo.ZoneInfo(name).key == name
    except (LookupError, ValueError, OSError):
        return False
