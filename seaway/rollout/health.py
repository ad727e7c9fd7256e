"""The state of one workload, from a snapshot: complete, still coming, or failed, and why. Pure, without a clock.

Complete is what ``kubectl rollout status`` calls so. Failed is what cannot heal, at once, and everything else at the
workload's deadline. A workload that was changed just now is never judged by the pods that it had before.
"""

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import causes, evidence, message_parsers, pods, symptoms, target, workload_health

REVISION_ANNOTATION = "deployment.kubernetes.io/revision"
"""Annotation of a Deployment and of its ReplicaSets: the same number on it and on its newest one.

The youngest need not be the newest: a revert takes an old ReplicaSet up again, and only this number moves.
"""

GENERATION_ANNOTATION = "deprecated.daemonset.template.generation"
GENERATION_LABEL = "pod-template-generation"
"""Annotation of a DaemonSet and label of its pods: the same number on it and on its newest ones.
https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/daemon/util/daemonset_util.go"""


def assess_workload(
    rollout_target: target.Target, live_objects: snapshot.Snapshot, *, elapsed: float, started: datetime.datetime
) -> workload_health.WorkloadHealth:
    """The verdict on one workload.

    Args:
        of: the workload.
        seen: the objects of its namespace.
        elapsed: seconds since this rollout began to be watched.
        started: that moment. What happened before is told, but fails nothing until it happens again.
    """
    found = evidence.ObjectIndex(live_objects, started)
    workload = found.find(rollout_target.kind, rollout_target.name)
    if workload is None:
        return _build_health(
            _Progress(target=rollout_target),
            _find_missing_object(rollout_target, elapsed),
            causes.Location(target=rollout_target, namespace=""),
            elapsed,
        )
    place = causes.Location(target=rollout_target, namespace=workload["metadata"].get("namespace") or "")
    numbers, findings = _ASSESSORS[rollout_target.kind](workload, found, place, elapsed)
    return _build_health(numbers, findings, place, elapsed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """How far a workload is."""

    target: target.Target
    complete: bool = False
    desired: int = 1
    newest_pods: Sequence[pods.PodHealth] = ()
    """Of the newest version."""
    updated: int = 0
    ready: int = 0
    old_pods: int = 0
    """Pods of old versions that are still there."""


def _build_health(
    progress: _Progress, findings: Iterable[workload_health.Finding], location: causes.Location, elapsed: float
) -> workload_health.WorkloadHealth:
    told = () if progress.complete else merge_findings(findings)
    state: workload_health.State = "complete" if progress.complete else "progressing"
    late = elapsed >= progress.target.deadline
    if not progress.complete and (late or any(one.fatal for one in told)):
        state = "failed"
        told = told or (_explain_timeout(progress, location),)
    return workload_health.WorkloadHealth(
        target=progress.target,
        state=state,
        desired=progress.desired,
        updated=progress.desired if progress.complete else progress.updated,
        ready=progress.desired if progress.complete else progress.ready,
        findings=told,
    )


def merge_findings(findings: Iterable[workload_health.Finding]) -> tuple[workload_health.Finding, ...]:
    """Worst first, and what several pods show only once."""
    ordered = sorted(findings, key=lambda one: (not one.fatal, causes.RANK[one.cause], one.pod or ""))
    alike: dict[tuple[str, str | None], list[workload_health.Finding]] = {}
    for one in ordered:
        alike.setdefault((one.cause, one.container), []).append(one)
    return tuple(dataclasses.replace(same[0], more=len(same) - 1) for same in alike.values())


def _find_missing_object(rollout_target: target.Target, elapsed: float) -> Iterator[workload_health.Finding]:
    if elapsed >= symptoms.SETTLE_SECONDS:
        place = causes.Location(target=rollout_target, namespace="")
        yield causes.create_finding(
            "object-missing", f"there is no {rollout_target.kind} {rollout_target.name}", place, fatal=False
        )


def _explain_timeout(progress: _Progress, location: causes.Location) -> workload_health.Finding:
    """The deadline has come, and nothing was seen that would explain it."""
    deadline = progress.target.deadline
    if progress.target.kind == "Job":
        return causes.create_finding("job-too-slow", f"it has not ended within {deadline} s", location, fatal=False)
    if not progress.updated:
        return causes.create_finding("not-created", f"no new pod was made within {deadline} s", location, fatal=False)
    unready = next(
        (there for pod in progress.newest_pods if (there := pod.locate_unready_container()).container), location
    )
    line = f"{progress.ready} of {progress.desired} pods are ready after {deadline} s"
    if progress.old_pods and progress.ready >= progress.desired:
        line += f", but {progress.old_pods} of the version before are still there"
    return causes.create_finding("not-ready", line, unready, fatal=False)


_Assessment = tuple[_Progress, list[workload_health.Finding]]


def _is_observed(workload: snapshot.Object) -> bool:
    """Whether the controller has seen the last change; before that, every number is of the version before."""
    status = evidence.get_mapping(workload, "status")
    return evidence.get_count(status, "observedGeneration") >= evidence.get_count(workload["metadata"], "generation")


def find_newest_replica_set(deployment: snapshot.Object, index: evidence.ObjectIndex) -> snapshot.Object | None:
    """The ReplicaSet of a Deployment's newest version."""
    revision = evidence.get_annotation(deployment, REVISION_ANNOTATION)
    owned = index.find_owned("ReplicaSet", deployment)
    return next(
        (each for each in owned if revision and evidence.get_annotation(each, REVISION_ANNOTATION) == revision), None
    )


def _assess_deployment(
    workload: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location, elapsed: float
) -> _Assessment:
    desired = workload["spec"].get("replicas", 1)
    if not _is_observed(workload):
        return _Progress(target=location.target, desired=desired), []
    status = evidence.get_mapping(workload, "status")
    replicas, updated = evidence.get_count(status, "replicas"), evidence.get_count(status, "updatedReplicas")
    made_by = find_newest_replica_set(workload, index)
    own = index.find_owned("Pod", made_by) if made_by else []
    judged = [pods.PodHealth(pod, index, location) for pod in own]
    numbers = _Progress(
        target=location.target,
        complete=desired == updated == replicas == evidence.get_count(status, "availableReplicas"),
        desired=desired,
        newest_pods=judged,
        updated=updated,
        ready=sum(map(evidence.is_pod_ready, own)),
        old_pods=replicas - updated,
    )
    findings = [one for pod in judged for one in pod.list_findings()]
    return numbers, [*findings, *_find_replica_failure(workload, made_by, index, location)]


def _find_replica_failure(
    deployment: snapshot.Object,
    replica_set: snapshot.Object | None,
    index: evidence.ObjectIndex,
    location: causes.Location,
) -> Iterator[workload_health.Finding]:
    """The controllers keep the last refusal in a condition for as long as it stands."""
    failure = evidence.find_condition(replica_set or deployment, "ReplicaFailure")
    progress = evidence.find_condition(deployment, "Progressing")
    if replica_set is None and progress.get("reason") == "ReplicaSetCreateError":
        failure = progress
    if failure and (failure.get("status") == "True" or failure is progress):
        times = [evidence.parse_time(failure.get("lastTransitionTime"))]
        # It stands until the controller tries again, which it does ever more seldom: it may be from before a repair.
        owner = replica_set or deployment
        times += [event.time for event in index.list_events(owner) if event.reason == "FailedCreate"]
        yield _explain_refusal(
            failure.get("message") or "", location, fresh=any(index.is_fresh(each, owner) for each in times)
        )


def _explain_refusal(text: str, location: causes.Location, *, fresh: bool) -> workload_health.Finding:
    meaning = message_parsers.parse_admission_error(text)
    return causes.create_finding(meaning.cause, meaning.line, location, fatal=fresh and not meaning.is_transient)


def _assess_stateful_set(
    workload: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location, elapsed: float
) -> _Assessment:
    desired = workload["spec"].get("replicas", 1)
    if not _is_observed(workload):
        return _Progress(target=location.target, desired=desired), []
    status = evidence.get_mapping(workload, "status")
    # After a revert, kubectl takes a pod of the version that was given up for one of the newest: this number does not.
    counts = {evidence.get_count(status, key) for key in ("replicas", "updatedReplicas", "readyReplicas")}
    owned = index.find_owned("Pod", workload)
    own = [pod for pod in owned if _get_revision(pod) == status.get("updateRevision")]
    old = [pod for pod in owned if pod not in own and not evidence.is_terminating(pod)]
    judged = [pods.PodHealth(pod, index, location) for pod in own]
    numbers = _Progress(
        target=location.target,
        complete=counts == {desired},
        desired=desired,
        newest_pods=judged,
        updated=evidence.get_count(status, "updatedReplicas"),
        ready=sum(map(evidence.is_pod_ready, own)),
        old_pods=len(old),
    )
    findings = [one for pod in judged for one in pod.list_findings()]
    if len(owned) < desired:
        findings += _find_failed_create(workload, index, location)
    # A healthy pod of the version before is deleted within a moment of the change.
    if elapsed >= symptoms.SETTLE_SECONDS:
        findings += [_explain_stuck_pod(pod, index, location) for pod in old if not evidence.is_pod_ready(pod)]
    return numbers, findings


def _assess_daemon_set(
    workload: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location, elapsed: float
) -> _Assessment:
    """As many pods as nodes that it fits. On each, the old pod counts until the new one is ready and it is gone."""
    status = evidence.get_mapping(workload, "status")
    desired = evidence.get_count(status, "desiredNumberScheduled")
    if not _is_observed(workload):
        return _Progress(target=location.target, desired=desired), []
    updated = evidence.get_count(status, "updatedNumberScheduled")
    owned = index.find_owned("Pod", workload)
    generation = evidence.get_annotation(workload, GENERATION_ANNOTATION)
    own = [pod for pod in owned if generation is None or evidence.get_label(pod, GENERATION_LABEL) == generation]
    judged = [pods.PodHealth(pod, index, location) for pod in own]
    numbers = _Progress(
        target=location.target,
        complete=desired == updated == evidence.get_count(status, "numberAvailable"),
        desired=desired,
        newest_pods=judged,
        updated=len(own),
        ready=sum(map(evidence.is_pod_ready, own)),
        old_pods=sum(pod not in own and not evidence.is_terminating(pod) for pod in owned),
    )
    findings = [one for pod in judged for one in pod.list_findings()]
    if len(own) < desired:
        findings += _find_failed_create(workload, index, location)
    return numbers, findings


def _get_revision(pod: snapshot.Object) -> str | None:
    return evidence.get_label(pod, "controller-revision-hash")


def _find_failed_create(
    workload: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location
) -> Iterator[workload_health.Finding]:
    """StatefulSets, DaemonSets and Jobs keep no condition: only an event tells, unless a pod could be made after it."""
    tries = [event for event in index.list_events(workload) if event.reason in {"FailedCreate", "SuccessfulCreate"}]
    if tries and tries[-1].reason == "FailedCreate":
        yield _explain_refusal(tries[-1].message, location, fresh=index.is_fresh(tries[-1].time, workload))


def _explain_stuck_pod(
    pod: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location
) -> workload_health.Finding:
    """Kubernetes waits for it to become healthy before it replaces it, which it may never do.

    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
    """
    there = location.narrow(pod=evidence.get_name(pod))
    own = merge_findings(pods.PodHealth(pod, index, location).list_findings())
    why = f": {own[0].line}" if own else ""
    line = f"pod {there.pod} of the version before is not healthy, and the new version waits for it{why}"
    return causes.create_finding("stuck-store", line, there, fatal=any(one.fatal for one in own))


def _assess_job(
    workload: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location, elapsed: float
) -> _Assessment:
    desired = workload["spec"].get("completions") or 1
    status = evidence.get_mapping(workload, "status")
    own = index.find_owned("Pod", workload)
    judged = [pods.PodHealth(pod, index, location) for pod in own]
    numbers = _Progress(
        target=location.target,
        complete=evidence.is_condition_true(workload, "Complete")
        or evidence.is_condition_true(workload, "SuccessCriteriaMet"),
        desired=desired,
        newest_pods=judged,
        updated=len(own),
        ready=evidence.get_count(status, "succeeded"),
    )
    findings = [_convert_crash_loop(one, location) for pod in judged for one in pod.list_findings()]
    if all(evidence.get_mapping(pod, "status").get("phase") == "Failed" for pod in own):
        findings += _find_failed_create(workload, index, location)
    if evidence.is_condition_true(workload, "Failed"):
        findings = [
            _explain_failed_job(evidence.find_condition(workload, "Failed"), merge_findings(findings), location)
        ]
    return numbers, findings


def _assess_cron_job(
    workload: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location, elapsed: float
) -> _Assessment:
    """As well as its newest run that has ended or runs, if that was started with the template that it has now."""
    template = workload["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    runs = [one for one in index.find_owned("Job", workload) if one["spec"]["template"]["spec"] == template]
    if not runs:
        return _Progress(target=location.target, complete=True, desired=0), []
    last = max(runs, key=lambda one: one["metadata"]["creationTimestamp"])
    numbers, findings = _assess_job(last, index, location, elapsed)
    return dataclasses.replace(numbers, complete=not evidence.is_condition_true(last, "Failed")), findings


def _convert_crash_loop(finding: workload_health.Finding, location: causes.Location) -> workload_health.Finding:
    """A pod of a job that ends with an error is not started again, but followed by another one."""
    if finding.cause != "crash-loop":
        return finding
    there = location.narrow(pod=finding.pod or "", container=finding.container or "")
    return causes.create_finding("job-failed", finding.line, there, fatal=False)


def _explain_failed_job(
    condition: Mapping[str, Any], pod_findings: Sequence[workload_health.Finding], location: causes.Location
) -> workload_health.Finding:
    """The last word on a job. Its pod tells more, if it is still there."""
    if condition.get("reason") == "DeadlineExceeded":
        why = f" ({pod_findings[0].line})" if pod_findings else ""
        return causes.create_finding(
            "job-too-slow", f"it was ended, as it took longer than it may{why}", location, fatal=True
        )
    if pod_findings:
        return dataclasses.replace(pod_findings[0], fatal=True)
    said = message_parsers.truncate_line(condition.get("message") or condition.get("reason") or "no reason was given")
    return causes.create_finding("job-failed", said, location, fatal=True)


_ASSESSORS = {
    "Deployment": _assess_deployment,
    "DaemonSet": _assess_daemon_set,
    "StatefulSet": _assess_stateful_set,
    "Job": _assess_job,
    "CronJob": _assess_cron_job,
}
