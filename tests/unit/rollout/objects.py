"""Kubernetes objects as the API gives them, in few words: for the tests of judgements."""

import datetime
from typing import Any

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import health, target, workload_health

NAMESPACE = "shop-dev"
STARTED = datetime.datetime(2026, 3, 1, 3, 0, 0, tzinfo=datetime.UTC)
IMAGE = "registry.example.com/shop/web:2"

Object = dict[str, Any]


def at(seconds: float) -> str:
    """A moment, in seconds since the rollout began."""
    return (STARTED + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def meta(kind: str, name: str, *, owner: Object | None = None, **more: Any) -> Object:
    """Metadata with a uid that follows from kind and name."""
    made: Object = {"name": name, "namespace": NAMESPACE, "uid": f"{kind}/{name}", "creationTimestamp": at(-60)}
    if owner:
        own = owner["metadata"]
        made["ownerReferences"] = [{"uid": own["uid"], "name": own["name"], "controller": True}]
    return {"kind": kind, "metadata": made | more}


def deployment(
    *, replicas: int = 2, updated: int = 0, total: int = 2, available: int = 2, revision: str = "2", **more: Any
) -> Object:
    """The Deployment web in the middle of a rollout."""
    status = {
        "observedGeneration": 2,
        "replicas": total,
        "updatedReplicas": updated,
        "availableReplicas": available,
    }
    return {
        **meta("Deployment", "web", generation=2, annotations={health.REVISION_ANNOTATION: revision}),
        "spec": {"replicas": replicas},
        "status": status | more,
    }


def replica_set(owner: Object, name: str, revision: str, *, ready: int = 0, **status: Any) -> Object:
    """A ReplicaSet of a Deployment."""
    own = meta("ReplicaSet", name, owner=owner, annotations={health.REVISION_ANNOTATION: revision})
    return {**own, "status": {"readyReplicas": ready} | status}


def stateful_set(**status: Any) -> Object:
    """The StatefulSet db in the middle of an update."""
    counts = {"replicas": 1, "readyReplicas": 0, "updatedReplicas": 1}
    revisions = {"observedGeneration": 2, "currentRevision": "db-1", "updateRevision": "db-2"}
    return {
        **meta("StatefulSet", "db", generation=2),
        "spec": {"replicas": 1},
        "status": counts | revisions | status,
    }


def job(*conditions: Object, **status: Any) -> Object:
    """The Job migrate-1a2b."""
    return {**meta("Job", "migrate-1a2b"), "spec": {}, "status": {"conditions": list(conditions)} | status}


def condition(kind: str, status: str = "True", *, reason: str = "", message: str = "", since: float = 1) -> Object:
    """A condition of any object."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": at(since),
    }


def container(
    name: str = "web", *, ready: bool = False, restarts: int = 0, last: Object | None = None, **state: Any
) -> Object:
    """A container's status; the state as ``waiting={"reason": ...}``."""
    made: Object = {"name": name, "image": IMAGE, "ready": ready, "restartCount": restarts, "state": state}
    return made | ({"lastState": {"terminated": last}} if last else {})


def waiting(reason: str, message: str = "", **more: Any) -> Object:
    """A container that waits."""
    return container(waiting={"reason": reason, "message": message}, **more)


def ended(code: int, reason: str = "Error", *, message: str = "", finished: float = 20) -> Object:
    """How a container ended."""
    times = {"startedAt": at(finished - 5), "finishedAt": at(finished)}
    return {"exitCode": code, "reason": reason, "message": message} | times


def pod(
    owner: Object,
    name: str,
    *statuses: Object,
    ready: bool = False,
    phase: str = "Pending",
    init: bool = False,
    **more: Any,
) -> Object:
    """A pod with one container, which is an init container if ``init``; more: fields of its metadata."""
    spec = {
        "name": statuses[0]["name"] if statuses else "web",
        "image": IMAGE,
        "resources": {"limits": {"memory": "128Mi"}},
    }
    return {
        **meta("Pod", name, owner=owner, **more),
        "spec": {"initContainers" if init else "containers": [spec]},
        "status": {
            "phase": phase,
            "conditions": [condition("Ready", str(ready)), condition("PodScheduled")],
            "initContainerStatuses" if init else "containerStatuses": list(statuses),
        },
    }


def healthy(owner: Object, name: str, **more: Any) -> Object:
    """A pod that serves."""
    return pod(owner, name, container(ready=True, running={"startedAt": at(1)}), ready=True, phase="Running", **more)


def event(
    about: Object, reason: str, message: str, *, seconds: float = 5, count: int = 1, of: str = "", kind: str = "Warning"
) -> Object:
    """An event of core/v1, last seen so many seconds after the rollout began; ``of``: the container."""
    involved = {"kind": about["kind"], "name": about["metadata"]["name"], "uid": about["metadata"]["uid"]}
    return {
        "metadata": {"name": f"{reason}.{seconds}", "creationTimestamp": at(seconds)},
        "involvedObject": involved | ({"fieldPath": f"spec.containers{{{of}}}"} if of else {}),
        "reason": reason,
        "message": message,
        "type": kind,
        "count": count,
        "lastTimestamp": at(seconds),
    }


def pull(about: Object, why: str, *, seconds: float = 15, count: int = 2, image: str = IMAGE) -> Object:
    """The kubelet's event of a failed pull."""
    return event(about, "Failed", f'Failed to pull image "{image}": {why}', seconds=seconds, count=count, of="web")


def seen(*objects: Object) -> snapshot.Snapshot:
    """A snapshot of these objects; those without a kind are events."""
    kinds: dict[str, list[Object]] = {}
    for each in objects:
        kinds.setdefault(each.get("kind", "Event"), []).append(each)
    return snapshot.Snapshot(kinds)


WEB = target.Target(kind="Deployment", name="web", owner="web", deadline=300)
DB = target.Target(kind="StatefulSet", name="db", owner="db", deadline=300)
MIGRATE = target.Target(kind="Job", name="migrate-1a2b", owner="migrate", deadline=300)


def judged(of: target.Target, *objects: Object, elapsed: float = 30) -> workload_health.WorkloadHealth:
    """The verdict on a workload, so many seconds into its rollout."""
    return health.assess_workload(of, seen(*objects), elapsed=elapsed, started=STARTED)


def rollout(*statuses: Object, **more: Any) -> tuple[Object, Object, Object]:
    """Deployment, newest ReplicaSet and its one pod, in the middle of a rollout."""
    web = deployment(updated=1, total=3)
    made_by = replica_set(web, "web-new", "2")
    return web, made_by, pod(made_by, "web-new-a", *statuses, **more)
