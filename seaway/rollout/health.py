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

REVISION = "deployment.kubernetes.io/revision"
"""Annotation of a Deployment and of its ReplicaSets: the same number on it and on its newest one.

The youngest need not be the newest: a revert takes an old ReplicaSet up again, and only this number moves.
"""

GENERATION = "deprecated.daemonset.template.generation"
GENERATION_OF = "pod-template-generation"
"""Annotation of a DaemonSet and label of its pods: the same number on it and on its newest ones.
https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/daemon/util/daemonset_util.go"""


def judge(
    of: target.Target, seen: snapshot.Snapshot, *, elapsed: float, started: datetime.datetime
) -> workload_health.Verdict:
    """The verdict on one workload.

    Args:
        of: the workload.
        seen: the objects of its namespace.
        elapsed: seconds since this rollout began to be watched.
        started: that moment. What happened before is told, but fails nothing until it happens again.
    """
    found = evidence.Seen(seen, started)
    workload = found.find(of.kind, of.name)
    if workload is None:
        return _judged(_Numbers(target=of), _missing(of, elapsed), causes.Place(target=of, namespace=""), elapsed)
    place = causes.Place(target=of, namespace=workload["metadata"].get("namespace") or "")
    numbers, findings = _KINDS[of.kind](workload, found, place, elapsed)
    return _judged(numbers, findings, place, elapsed)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """How far a workload is."""

    target: target.Target
    complete: bool = False
    desired: int = 1
    judged: Sequence[pods.Pod] = ()
    """Of the newest version."""
    updated: int = 0
    ready: int = 0
    leaving: int = 0
    """Pods of old versions that are still there."""


def _judged(
    numbers: _Numbers, findings: Iterable[workload_health.Finding], place: causes.Place, elapsed: float
) -> workload_health.Verdict:
    told = () if numbers.complete else once(findings)
    state: workload_health.State = "complete" if numbers.complete else "progressing"
    late = elapsed >= numbers.target.deadline
    if not numbers.complete and (late or any(one.fatal for one in told)):
        state = "failed"
        told = told or (_late(numbers, place),)
    return workload_health.Verdict(
        target=numbers.target,
        state=state,
        desired=numbers.desired,
        updated=numbers.desired if numbers.complete else numbers.updated,
        ready=numbers.desired if numbers.complete else numbers.ready,
        findings=told,
    )


def once(findings: Iterable[workload_health.Finding]) -> tuple[workload_health.Finding, ...]:
    """Worst first, and what several pods show only once."""
    ordered = sorted(findings, key=lambda one: (not one.fatal, causes.RANK[one.cause], one.pod or ""))
    alike: dict[tuple[str, str | None], list[workload_health.Finding]] = {}
    for one in ordered:
        alike.setdefault((one.cause, one.container), []).append(one)
    return tuple(dataclasses.replace(same[0], more=len(same) - 1) for same in alike.values())


def _missing(of: target.Target, elapsed: float) -> Iterator[workload_health.Finding]:
    if elapsed >= symptoms.SETTLED:
        place = causes.Place(target=of, namespace="")
        yield causes.finding("object-missing", f"there is no {of.kind} {of.name}", place, fatal=False)


def _late(numbers: _Numbers, place: causes.Place) -> workload_health.Finding:
    """The deadline has come, and nothing was seen that would explain it."""
    deadline = numbers.target.deadline
    if numbers.target.kind == "Job":
        return causes.finding("job-too-slow", f"it has not ended within {deadline} s", place, fatal=False)
    if not numbers.updated:
        return causes.finding("not-created", f"no new pod was made within {deadline} s", place, fatal=False)
    unready = next((there for pod in numbers.judged if (there := pod.unready()).container), place)
    line = f"{numbers.ready} of {numbers.desired} pods are ready after {deadline} s"
    if numbers.leaving and numbers.ready >= numbers.desired:
        line += f", but {numbers.leaving} of the version before are still there"
    return causes.finding("not-ready", line, unready, fatal=False)


_Judged = tuple[_Numbers, list[workload_health.Finding]]


def _current(workload: snapshot.Object) -> bool:
    """Whether the controller has seen the last change; before that, every number is of the version before."""
    status = evidence.part(workload, "status")
    return evidence.number(status, "observedGeneration") >= evidence.number(workload["metadata"], "generation")


def newest(deployment: snapshot.Object, seen: evidence.Seen) -> snapshot.Object | None:
    """The ReplicaSet of a Deployment's newest version."""
    revision = evidence.annotation(deployment, REVISION)
    owned = seen.owned("ReplicaSet", deployment)
    return next((each for each in owned if revision and evidence.annotation(each, REVISION) == revision), None)


def _deployment(workload: snapshot.Object, seen: evidence.Seen, place: causes.Place, elapsed: float) -> _Judged:
    desired = workload["spec"].get("replicas", 1)
    if not _current(workload):
        return _Numbers(target=place.target, desired=desired), []
    status = evidence.part(workload, "status")
    replicas, updated = evidence.number(status, "replicas"), evidence.number(status, "updatedReplicas")
    made_by = newest(workload, seen)
    own = seen.owned("Pod", made_by) if made_by else []
    judged = [pods.Pod(pod, seen, place) for pod in own]
    numbers = _Numbers(
        target=place.target,
        complete=desired == updated == replicas == evidence.number(status, "availableReplicas"),
        desired=desired,
        judged=judged,
        updated=updated,
        ready=sum(map(evidence.ready, own)),
        leaving=replicas - updated,
    )
    findings = [one for pod in judged for one in pod.findings()]
    return numbers, [*findings, *_refused_replicas(workload, made_by, seen, place)]


def _refused_replicas(
    deployment: snapshot.Object, made_by: snapshot.Object | None, seen: evidence.Seen, place: causes.Place
) -> Iterator[workload_health.Finding]:
    """The controllers keep the last refusal in a condition for as long as it stands."""
    failure = evidence.condition(made_by or deployment, "ReplicaFailure")
    progress = evidence.condition(deployment, "Progressing")
    if made_by is None and progress.get("reason") == "ReplicaSetCreateError":
        failure = progress
    if failure and (failure.get("status") == "True" or failure is progress):
        times = [evidence.moment(failure.get("lastTransitionTime"))]
        # It stands until the controller tries again, which it does ever more seldom: it may be from before a repair.
        owner = made_by or deployment
        times += [event.time for event in seen.events(owner) if event.reason == "FailedCreate"]
        yield _refusal(failure.get("message") or "", place, fresh=any(seen.fresh(each, owner) for each in times))


def _refusal(text: str, place: causes.Place, *, fresh: bool) -> workload_health.Finding:
    meaning = message_parsers.refusal(text)
    return causes.finding(meaning.cause, meaning.line, place, fatal=fresh and not meaning.heals)


def _stateful_set(workload: snapshot.Object, seen: evidence.Seen, place: causes.Place, elapsed: float) -> _Judged:
    desired = workload["spec"].get("replicas", 1)
    if not _current(workload):
        return _Numbers(target=place.target, desired=desired), []
    status = evidence.part(workload, "status")
    # After a revert, kubectl takes a pod of the version that was given up for one of the newest: this number does not.
    counts = {evidence.number(status, key) for key in ("replicas", "updatedReplicas", "readyReplicas")}
    owned = seen.owned("Pod", workload)
    own = [pod for pod in owned if _revision(pod) == status.get("updateRevision")]
    old = [pod for pod in owned if pod not in own and not evidence.going(pod)]
    judged = [pods.Pod(pod, seen, place) for pod in own]
    numbers = _Numbers(
        target=place.target,
        complete=counts == {desired},
        desired=desired,
        judged=judged,
        updated=evidence.number(status, "updatedReplicas"),
        ready=sum(map(evidence.ready, own)),
        leaving=len(old),
    )
    findings = [one for pod in judged for one in pod.findings()]
    if len(owned) < desired:
        findings += _refused_pods(workload, seen, place)
    # A healthy pod of the version before is deleted within a moment of the change.
    if elapsed >= symptoms.SETTLED:
        findings += [_stuck(pod, seen, place) for pod in old if not evidence.ready(pod)]
    return numbers, findings


def _daemon_set(workload: snapshot.Object, seen: evidence.Seen, place: causes.Place, elapsed: float) -> _Judged:
    """As many pods as nodes that it fits. On each, the old pod counts until the new one is ready and it is gone."""
    status = evidence.part(workload, "status")
    desired = evidence.number(status, "desiredNumberScheduled")
    if not _current(workload):
        return _Numbers(target=place.target, desired=desired), []
    updated = evidence.number(status, "updatedNumberScheduled")
    owned = seen.owned("Pod", workload)
    generation = evidence.annotation(workload, GENERATION)
    own = [pod for pod in owned if generation is None or evidence.label(pod, GENERATION_OF) == generation]
    judged = [pods.Pod(pod, seen, place) for pod in own]
    numbers = _Numbers(
        target=place.target,
        complete=desired == updated == evidence.number(status, "numberAvailable"),
        desired=desired,
        judged=judged,
        updated=len(own),
        ready=sum(map(evidence.ready, own)),
        leaving=sum(pod not in own and not evidence.going(pod) for pod in owned),
    )
    findings = [one for pod in judged for one in pod.findings()]
    if len(own) < desired:
        findings += _refused_pods(workload, seen, place)
    return numbers, findings


def _revision(pod: snapshot.Object) -> str | None:
    return evidence.label(pod, "controller-revision-hash")


def _refused_pods(
    workload: snapshot.Object, seen: evidence.Seen, place: causes.Place
) -> Iterator[workload_health.Finding]:
    """StatefulSets, DaemonSets and Jobs keep no condition: only an event tells, unless a pod could be made after it."""
    tries = [event for event in seen.events(workload) if event.reason in {"FailedCreate", "SuccessfulCreate"}]
    if tries and tries[-1].reason == "FailedCreate":
        yield _refusal(tries[-1].message, place, fresh=seen.fresh(tries[-1].time, workload))


def _stuck(pod: snapshot.Object, seen: evidence.Seen, place: causes.Place) -> workload_health.Finding:
    """Kubernetes waits for it to become healthy before it replaces it, which it may never do.

    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
    """
    there = place.at(pod=evidence.named(pod))
    own = once(pods.Pod(pod, seen, place).findings())
    why = f": {own[0].line}" if own else ""
    line = f"pod {there.pod} of the version before is not healthy, and the new version waits for it{why}"
    return causes.finding("stuck-store", line, there, fatal=any(one.fatal for one in own))


def _job(workload: snapshot.Object, seen: evidence.Seen, place: causes.Place, elapsed: float) -> _Judged:
    desired = workload["spec"].get("completions") or 1
    status = evidence.part(workload, "status")
    own = seen.owned("Pod", workload)
    judged = [pods.Pod(pod, seen, place) for pod in own]
    numbers = _Numbers(
        target=place.target,
        complete=evidence.holds(workload, "Complete") or evidence.holds(workload, "SuccessCriteriaMet"),
        desired=desired,
        judged=judged,
        updated=len(own),
        ready=evidence.number(status, "succeeded"),
    )
    findings = [_of_a_job(one, place) for pod in judged for one in pod.findings()]
    if all(evidence.part(pod, "status").get("phase") == "Failed" for pod in own):
        findings += _refused_pods(workload, seen, place)
    if evidence.holds(workload, "Failed"):
        findings = [_failed(evidence.condition(workload, "Failed"), once(findings), place)]
    return numbers, findings


def _cron_job(workload: snapshot.Object, seen: evidence.Seen, place: causes.Place, elapsed: float) -> _Judged:
    """As well as its newest run that has ended or runs, if that was started with the template that it has now."""
    template = workload["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    runs = [one for one in seen.owned("Job", workload) if one["spec"]["template"]["spec"] == template]
    if not runs:
        return _Numbers(target=place.target, complete=True, desired=0), []
    last = max(runs, key=lambda one: one["metadata"]["creationTimestamp"])
    numbers, findings = _job(last, seen, place, elapsed)
    return dataclasses.replace(numbers, complete=not evidence.holds(last, "Failed")), findings


def _of_a_job(one: workload_health.Finding, place: causes.Place) -> workload_health.Finding:
    """A pod of a job that ends with an error is not started again, but followed by another one."""
    if one.cause != "crash-loop":
        return one
    there = place.at(pod=one.pod or "", container=one.container or "")
    return causes.finding("job-failed", one.line, there, fatal=False)


def _failed(
    condition: Mapping[str, Any], own: Sequence[workload_health.Finding], place: causes.Place
) -> workload_health.Finding:
    """The last word on a job. Its pod tells more, if it is still there."""
    if condition.get("reason") == "DeadlineExceeded":
        why = f" ({own[0].line})" if own else ""
        return causes.finding("job-too-slow", f"it was ended, as it took longer than it may{why}", place, fatal=True)
    if own:
        return dataclasses.replace(own[0], fatal=True)
    said = message_parsers.line(condition.get("message") or condition.get("reason") or "no reason was given")
    return causes.finding("job-failed", said, place, fatal=True)


_KINDS = {
    "Deployment": _deployment,
    "DaemonSet": _daemon_set,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "CronJob": _cron_job,
}
