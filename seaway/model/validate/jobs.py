"""Rules about when a job runs, for how long and how often."""

import zoneinfo

from seaway.model import application
from seaway.model.validate import cron, structure
from seaway.syntax import decode, diagnosis

MIN_STARTING_DEADLINE = 10
"""Seconds between two checks of the CronJob controller: a run with an earlier deadline may never start.
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#cron-job-limitations"""

_SCHEDULE_FIELDS = ("time_zone", "starting_deadline", "concurrency_policy")
"""Fields without effect where there is no schedule."""


def check_workload(workload: application.AnyWorkload, part: diagnosis.Part) -> diagnosis.Diagnostics:
    """The errors in a job."""
    if not isinstance(workload, application.Job):
        return
    job, default = workload, application.Job("default")
    yield from structure.check_minimum(job.timeout, 1, part.at("timeout"), "write the seconds that the job may take")
    yield from structure.check_minimum(job.backoff_limit, 0, part.at("backoffLimit"), "write the number of retries")
    yield from structure.check_minimum(job.history_limit, 0, part.at("historyLimit"), "write the number of runs")
    if job.schedule is not None:
        yield from _check_schedule(job, job.schedule, part)
        if part.is_declared("run") or job.run != default.run:
            message = f"{job.run} conflicts with the schedule"
            yield part.at("run").report("conflicting-keys", message, "remove one of the two")
    elif not part.has_undecoded("schedule"):
        for field in _SCHEDULE_FIELDS:
            key = decode.to_camel_case(field)
            if part.is_declared(key) or getattr(job, field) != getattr(default, field):
                hint = "add `schedule:`, or remove it"
                yield part.at(key).report("no-effect", "has no effect without a schedule", hint)
    yield from _check_history(job, part, default.history_limit)


def _check_history(job: application.Job, part: diagnosis.Part, default: int) -> diagnosis.Diagnostics:
    is_written = part.is_declared("historyLimit") or job.history_limit != default
    is_release_job = job.is_release_job() and not part.has_undecoded("schedule", "run")
    if is_written and job.history_limit >= 0 and is_release_job:
        message = "has no effect on a job that runs once per release: its log stays until the next release"
        hint = "add `schedule:` or `run: on-demand`, or remove it"
        yield part.at("historyLimit").report("no-effect", message, hint)


def _check_schedule(job: application.Job, expression: str, part: diagnosis.Part) -> diagnosis.Diagnostics:
    if error := cron.find_error(expression):
        hint = "write minute, hour, day, month and weekday, as 30 3 * * mon-fri, or @daily"
        yield part.at("schedule").report("invalid-schedule", f"{diagnosis.quote(expression)} {error}", hint)
    # A machine without a tz database knows no zone at all.
    if not _is_known_time_zone(job.time_zone) and _is_known_time_zone("Etc/UTC"):
        message = f"there is no time zone {diagnosis.quote(job.time_zone)}"
        hint = "write a zone of the tz database, as Europe/Berlin"
        yield part.at("timeZone").report("unknown-time-zone", message, hint)
    if job.starting_deadline < MIN_STARTING_DEADLINE:
        message = f"{job.starting_deadline} s may pass between two checks of the schedule: the job would never run"
        hint = f"write {MIN_STARTING_DEADLINE} or more"
        yield part.at("startingDeadline").report("invalid-value", message, hint)


def _is_known_time_zone(name: str) -> bool:
    """Whether the machine knows the zone. Kubernetes requires the spelling of the tz database."""
    try:
        return zoneinfo.ZoneInfo(name).key == name
    except (LookupError, ValueError, OSError):
        return False
