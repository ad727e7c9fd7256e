"""The effect of changed jobs. Runs that have started continue unchanged."""

from collections.abc import Iterator

from seaway.manifests import workloads
from seaway.review import change


def describe_run(job: change.Manifest) -> str:
    """When a job of a release runs."""
    annotations: change.Manifest = change.get_field(job, "metadata.annotations") or {}
    after = annotations.get(workloads.RUN_ANNOTATION) == workloads.AFTER_ROLLOUT
    return f"runs once, {'when all services are healthy' if after else 'before the services change'}"


def describe_schedule_change(old: change.Manifest, new: change.Manifest) -> Iterator[str]:
    """The changes of a job that runs by a schedule or by hand.

    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#modifying-a-cron-job
    """
    before, after = (
        f"{change.get_field(manifest, 'spec.schedule')} {change.get_field(manifest, 'spec.timeZone')}"
        for manifest in (old, new)
    )
    suspended = change.get_field(new, "spec.suspend")
    if suspended != change.get_field(old, "spec.suspend"):
        yield "runs only by hand" if suspended else f"runs at {after}"
    elif before != after:
        yield f"runs at {after} instead of {before}"
    if change.get_field(old, "spec.jobTemplate") != change.get_field(new, "spec.jobTemplate"):
        yield "its next run uses the new template"
