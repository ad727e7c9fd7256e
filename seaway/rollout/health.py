"""The health of one workload: complete, progressing or failed, and why. Pure functions of a snapshot, without a clock.

Complete means the same as in ``kubectl rollout status``. A workload fails at once if a problem cannot go away by
itself, and otherwise at its deadline. Pods of an earlier version never decide the health of a changed workload.
"""

import dataclasses
import datetime
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from seaway.kubernetes.api import kinds, unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.manifests import names
from seaway.rollout import (
    causes,
    evidence,
    message_parsers,
    owned_pods,
    pods,
    routes,
    symptoms,
    target,
    workload_health,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """A workload with what its health is computed from."""

    manifest: snapshot.Object
    owned: owned_pods.OwnedPods
    index: evidence.ObjectIndex
    location: causes.Location
    elapsed: float

    @property
    def status(self) -> snapshot.Object:
        return unstructured.get_mapping(self.manifest, "status")

    def list_pod_health(self) -> list[pods.PodHealth]:
        """Of the newest version."""
        return [pods.PodHealth(pod, self.index, self.location) for pod in self.owned.newest]

    def list_pod_findings(self) -> list[workload_health.Finding]:
        return [finding for pod in self.list_pod_health() for finding in pod.list_findings()]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """How far a rollout is."""

    complete: bool = False
    desired: int = 1
    updated: int = 0
    ready: int = 0
    old: int = 0
    """Pods of earlier versions that still exist."""


def assess_workload(
    rollout_target: target.Target,
    index: evidence.ObjectIndex,
    *,
    elapsed: float,
    started: datetime.datetime,
    finished: Collection[str] = (),
    is_settled: bool = False,
) -> workload_health.WorkloadHealth:
    """The health of one workload.

    Args:
        index: the objects of its namespace.
        elapsed: seconds since the start of the rollout.
        started: the start. Earlier problems are reported, but are not fatal until they occur again.
        finished: names of the Jobs that have succeeded: a TTL, or a person, may delete them.
        is_settled: no rollout runs, so a controller of Gateways had time to answer.
    """
    manifest = index.find(rollout_target.kind, rollout_target.name)
    if manifest is not None:
        owned = owned_pods.select_pods(rollout_target.kind, manifest, index)
        workload = assess_pods(rollout_target, manifest, owned, index, elapsed=elapsed, started=started)
        age = math.inf if is_settled else elapsed
        unserved = routes.find_findings(index, _locate(rollout_target, manifest), age)
        return workload if unserved is None else _add_route_findings(workload, unserved, elapsed)
    location = causes.Location(target=rollout_target)
    if rollout_target.kind == "Job" and rollout_target.name in finished:
        return _build_health(_Progress(complete=True), (), location, elapsed)
    findings: list[workload_health.Finding] = []
    if elapsed >= symptoms.SETTLE_SECONDS:
        # Pulumi has created it before, or believes that it exists: nothing creates it in this run.
        message = f"there is no {rollout_target.kind} {rollout_target.name}"
        findings.append(causes.create_finding("object-missing", message, location, fatal=True))
    return _build_health(_Progress(), findings, location, elapsed)


def _add_route_findings(
    workload: workload_health.WorkloadHealth, findings: Sequence[workload_health.Finding], elapsed: float
) -> workload_health.WorkloadHealth:
    """The health with that of the routes: a workload that no request reaches is not complete."""
    failed = workload.state == "failed" or elapsed >= workload.target.deadline or any(f.fatal for f in findings)
    return dataclasses.replace(
        workload,
        state="failed" if failed else "progressing",
        findings=merge_findings([*workload.findings, *findings]),
    )


def _locate(rollout_target: target.Target, manifest: snapshot.Object) -> causes.Location:
    return causes.Location(
        target=rollout_target,
        namespace=manifest["metadata"].get("namespace") or "",
        stack=unstructured.get_label(manifest, names.STACK_LABEL) or "",
        is_single=manifest["spec"].get("replicas", 1) == 1,
    )


def assess_pods(
    rollout_target: target.Target,
    manifest: snapshot.Object,
    owned: owned_pods.OwnedPods,
    index: evidence.ObjectIndex,
    *,
    elapsed: float,
    started: datetime.datetime,
) -> workload_health.WorkloadHealth:
    """The health of a workload whose pods were selected already."""
    subject = _Subject(
        manifest=manifest,
        owned=owned,
        index=index.for_rollout(started),
        location=_locate(rollout_target, manifest),
        elapsed=elapsed,
    )
    assess = {"CronJob": _assess_cron_job, "Job": _assess_job}.get(rollout_target.kind, _assess_service)
    progress, findings = assess(subject)
    return _build_health(progress, findings, subject.location, elapsed, subject)


def _build_health(
    progress: _Progress,
    findings: Iterable[workload_health.Finding],
    location: causes.Location,
    elapsed: float,
    subject: _Subject | None = None,
) -> workload_health.WorkloadHealth:
    merged = () if progress.complete else merge_findings(findings)
    state: workload_health.State = "complete" if progress.complete else "progressing"
    timed_out = elapsed >= location.target.deadline
    if not progress.complete and (timed_out or any(finding.fatal for finding in merged)):
        state = "failed"
        merged = merged or (_explain_timeout(progress, location, subject),)
    return workload_health.WorkloadHealth(
        target=location.target,
        state=state,
        desired=progress.desired,
        updated=progress.desired if progress.complete else progress.updated,
        ready=progress.desired if progress.complete else progress.ready,
        findings=merged,
    )


def merge_findings(findings: Iterable[workload_health.Finding]) -> tuple[workload_health.Finding, ...]:
    """Worst first. Several pods with the same problem are one finding."""
    groups: dict[tuple[str, str | None], list[workload_health.Finding]] = {}
    for finding in sorted(findings, key=lambda f: (not f.fatal, causes.RANK[f.cause], f.pod or "")):
        groups.setdefault((finding.cause, finding.container), []).append(finding)
    return tuple(dataclasses.replace(group[0], more=len(group) - 1) for group in groups.values())


def _explain_timeout(
    progress: _Progress, location: causes.Location, subject: _Subject | None
) -> workload_health.Finding:
    """The finding at the deadline if no other finding explains it."""
    deadline = location.target.deadline
    if location.target.kind == "Job":
        return causes.create_finding("job-too-slow", f"it did not finish within {deadline} s", location)
    if subject is None or not progress.updated:
        return causes.create_finding("not-created", f"no new pod was created within {deadline} s", location)
    unready = (pod.locate_unready_container() for pod in subject.list_pod_health())
    location = next((container for container in unready if container.container), location)
    message = f"{progress.ready} of {progress.desired} pods are ready after {deadline} s"
    if progress.old and progress.ready >= progress.desired:
        message += f", but {progress.old} of the previous version still exist"
    return causes.create_finding("not-ready", message, location)


_Assessment = tuple[_Progress, list[workload_health.Finding]]


def _assess_service(subject: _Subject) -> _Assessment:
    """A Deployment, DaemonSet or StatefulSet."""
    measure, explain = _LONG_RUNNING[subject.location.target.kind]
    progress = measure(subject)
    generation = unstructured.get_count(subject.manifest["metadata"], "generation")
    if unstructured.get_count(subject.status, "observedGeneration") < generation:
        # The controller has not seen the last change: all numbers are of the previous version.
        return _Progress(desired=progress.desired), list(_explain_idle_controllers(subject))
    ready = sum(map(unstructured.is_pod_ready, subject.owned.newest))
    findings = [*subject.list_pod_findings(), *explain(subject, progress)]
    return dataclasses.replace(progress, ready=ready), findings


def _explain_idle_controllers(subject: _Subject) -> Iterator[workload_health.Finding]:
    """They act within a second, unless they are slow or down."""
    if subject.elapsed >= symptoms.SETTLE_SECONDS:
        message = f"the cluster's controllers have not acted on the {subject.location.target.kind} yet"
        yield causes.create_finding("not-created", message, subject.location)


def _measure_deployment(subject: _Subject) -> _Progress:
    desired = subject.manifest["spec"].get("replicas", 1)
    replicas, updated, available = (
        unstructured.get_count(subject.status, key) for key in ("replicas", "updatedReplicas", "availableReplicas")
    )
    complete = desired == updated == replicas == available
    return _Progress(complete=complete, desired=desired, updated=updated, old=replicas - updated)


def _explain_deployment(subject: _Subject, progress: _Progress) -> Iterator[workload_health.Finding]:
    """The controllers keep the last rejection of a pod in a condition while it lasts."""
    deployment, replica_set = subject.manifest, subject.owned.newest_owner
    owner = replica_set or deployment
    condition = unstructured.find_condition(owner, "ReplicaFailure")
    failed = condition.get("status") == "True"
    if replica_set is None:
        progressing = unstructured.find_condition(deployment, "Progressing")
        if progressing.get("reason") == "ReplicaSetCreateError":
            condition, failed = progressing, True
    if not failed:
        return
    # The controller retries with increasing delays, so the condition may be older than a repair.
    times = [unstructured.parse_time(condition.get("lastTransitionTime"))]
    times += [event.time for event in subject.index.list_events(owner) if event.reason == "FailedCreate"]
    fatal = any(subject.index.is_fresh(time, owner) for time in times)
    parsed = message_parsers.parse_admission_error(condition.get("message") or "")
    yield causes.convert_message(parsed, subject.location, fatal=fatal)


def _measure_stateful_set(subject: _Subject) -> _Progress:
    desired = subject.manifest["spec"].get("replicas", 1)
    # After a rollback kubectl counts a pod of the abandoned version as updated. These numbers do not.
    keys = ("replicas", "updatedReplicas", "readyReplicas")
    complete = {unstructured.get_count(subject.status, key) for key in keys} == {desired}
    updated = unstructured.get_count(subject.status, "updatedReplicas")
    return _Progress(complete=complete, desired=desired, updated=updated, old=len(subject.owned.old))


def _explain_stateful_set(subject: _Subject, progress: _Progress) -> Iterator[workload_health.Finding]:
    if len(subject.owned.pods) < progress.desired:
        yield from _find_failed_create(subject)
    # A healthy pod of the previous version is deleted within a moment of the change.
    if subject.elapsed >= symptoms.SETTLE_SECONDS:
        yield from (_explain_stuck_pod(pod, subject) for pod in subject.owned.old if not unstructured.is_pod_ready(pod))


def _explain_stuck_pod(pod: snapshot.Object, subject: _Subject) -> workload_health.Finding:
    """Kubernetes waits until the old pod is healthy before it replaces it, which may never happen.

    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
    """
    location = dataclasses.replace(subject.location, pod=unstructured.get_name(pod))
    findings = merge_findings(pods.PodHealth(pod, subject.index, location).list_findings())
    reason = f": {findings[0].message}" if findings else ""
    message = f"pod {location.pod} of the previous version is not healthy, and the new version waits for it{reason}"
    return causes.create_finding("stuck-store", message, location, fatal=any(finding.fatal for finding in findings))


def _measure_daemon_set(subject: _Subject) -> _Progress:
    """One pod per matching node. The old pod of a node counts until the new one is ready and the old one is gone."""
    desired, scheduled, available = (
        unstructured.get_count(subject.status, key)
        for key in ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
    )
    complete = desired == scheduled == available
    return _Progress(complete=complete, desired=desired, updated=len(subject.owned.newest), old=len(subject.owned.old))


def _explain_daemon_set(subject: _Subject, progress: _Progress) -> Iterator[workload_health.Finding]:
    if progress.updated < progress.desired:
        yield from _find_failed_create(subject)


_Measure = Callable[[_Subject], _Progress]
_Explain = Callable[[_Subject, _Progress], Iterator[workload_health.Finding]]
_LONG_RUNNING: Mapping[target.Kind, tuple[_Measure, _Explain]] = {
    "Deployment": (_measure_deployment, _explain_deployment),
    "DaemonSet": (_measure_daemon_set, _explain_daemon_set),
    "StatefulSet": (_measure_stateful_set, _explain_stateful_set),
}


def _find_failed_create(subject: _Subject) -> Iterator[workload_health.Finding]:
    """StatefulSets, DaemonSets and Jobs report a rejected pod only by an event. A later success cancels it."""
    events = subject.index.list_events(subject.manifest)
    attempts = [event for event in events if event.reason in {"FailedCreate", "SuccessfulCreate"}]
    if attempts and attempts[-1].reason == "FailedCreate":
        parsed = message_parsers.parse_admission_error(attempts[-1].message)
        fatal = subject.index.is_fresh(attempts[-1].time, subject.manifest)
        yield causes.convert_message(parsed, subject.location, fatal=fatal)


def _assess_job(subject: _Subject) -> _Assessment:
    job, newest = subject.manifest, subject.owned.newest
    progress = _Progress(
        complete=any(unstructured.is_condition_true(job, name) for name in ("Complete", "SuccessCriteriaMet")),
        desired=job["spec"].get("completions") or 1,
        updated=len(newest),
        ready=unstructured.get_count(subject.status, "succeeded"),
    )
    findings = subject.list_pod_findings()
    if all(unstructured.get_mapping(pod, "status").get("phase") == "Failed" for pod in newest):
        findings += _find_failed_create(subject)
    if not (subject.status or findings or newest):
        findings += _explain_idle_controllers(subject)
    if failure := _find_failure(job):
        findings = [_explain_failed_job(subject, failure, merge_findings(findings))]
    return progress, findings


def _assess_cron_job(subject: _Subject) -> _Assessment:
    """The health of the newest run that was started with the current template. It fails only if that run failed."""
    template = kinds.find_pod_template(subject.manifest, "CronJob") or {}
    runs = [run for run in subject.owned.owners if run["spec"]["template"]["spec"] == template["spec"]]
    if not runs:
        return _Progress(complete=True, desired=0), []
    run = max(runs, key=unstructured.get_creation_time)
    owned = owned_pods.select_pods("Job", run, subject.index)
    progress, findings = _assess_job(dataclasses.replace(subject, manifest=run, owned=owned))
    return dataclasses.replace(progress, complete=not unstructured.is_condition_true(run, "Failed")), findings


def _find_failure(job: snapshot.Object) -> snapshot.Object | None:
    """The condition of a failed job.

    It has FailureTarget at once, and Failed when its pods have ended.
    https://kubernetes.io/docs/concepts/workloads/controllers/job/#termination-of-job-pods
    """
    for name in ("Failed", "FailureTarget"):
        if unstructured.is_condition_true(job, name):
            return unstructured.find_condition(job, name)
    return None


def _explain_failed_job(
    subject: _Subject, condition: snapshot.Object, pod_findings: Sequence[workload_health.Finding]
) -> workload_health.Finding:
    """Why a job failed. Its pod has more details, if it still exists."""
    if condition.get("reason") == "DeadlineExceeded":
        detail = f" ({pod_findings[0].message})" if pod_findings else ""
        message = f"it was stopped because it exceeded its time limit{detail}"
        return causes.create_finding("job-too-slow", message, subject.location, fatal=True)
    if pod_findings:
        return dataclasses.replace(pod_findings[0], fatal=True)
    message = condition.get("message") or condition.get("reason") or message_parsers.NO_REASON
    return causes.create_finding("job-failed", message_parsers.truncate_line(message), subject.location, fatal=True)
