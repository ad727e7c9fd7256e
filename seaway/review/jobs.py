"""What becomes of jobs when they change, in words: what runs now goes on as it is, and nothing else notices."""

from collections.abc import Iterator

from seaway.manifests import workloads
from seaway.review import change


def describe_run(job: change.Manifest) -> str:
    """When a job of a release runs."""
    notes: change.Manifest = change.get_field(job, "metadata.annotations") or {}
    after = notes.get(workloads.RUN_ANNOTATION) == workloads.AFTER_ROLLOUT
    return f"runs once, {'when all services are healthy' if after else 'before the services change'}"


def describe_schedule_change(old: change.Manifest, new: change.Manifest) -> Iterator[str]:
    """What is another one with a job that runs by the clock or by hand.

    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#modifying-a-cron-job
    """
    before, after = (
        f"{change.get_field(one, 'spec.schedule')} {change.get_field(one, 'spec.timeZone')}" for one in (old, new)
    )
    by_hand = change.get_field(new, "spec.suspend")
    if by_hand != change.get_field(old, "spec.suspend"):
        yield "runs by hand only" if by_hand else f"runs at {after}"
    elif before != after:
        yield f"runs at {after} instead of {before}"
    if change.get_field(old, "spec.jobTemplate") != change.get_field(new, "spec.jobTemplate"):
        yield "its next run is the new one"
