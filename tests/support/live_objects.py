"""Builders for objects as the API returns them: the application shop in the stack dev."""

import datetime
from collections.abc import Collection
from typing import Any

from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import snapshot
from seaway.manifests import names
from seaway.rollout import evidence, health, owned_pods, target, workload_health
from tests.support import apiserver

NAMESPACE = "shop-dev"
STARTED = datetime.datetime(2026, 3, 1, 3, 0, tzinfo=datetime.UTC)
"""Start of the rollout."""
NOW = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)
IMAGE = "registry.example.com/shop/web@sha256:d547149797ba" + "0" * 52
MEMORY = {"limits": {"memory": "128Mi"}}
WEB = target.Target(kind="Deployment", name="web", owner="web", deadline=300)
DB = target.Target(kind="StatefulSet", name="db", owner="db", deadline=300)
MIGRATE = target.Target(kind="Job", name="migrate-1a2b", owner="migrate", deadline=300)

Object = dict[str, Any]


def format_time(time: datetime.datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def at(seconds: float) -> str:
    """A time in seconds since the rollout started."""
    return format_time(STARTED + datetime.timedelta(seconds=seconds))


def ago(**past: float) -> str:
    """A time before NOW: ``ago(hours=2)``."""
    return format_time(NOW - datetime.timedelta(**past))


def manifest(kind: str, name: str, owner: str = "", *, made: str = "", by: str = "", **more: Any) -> Object:
    """Kind and metadata. ``owner``: the workload in the application; ``by``: the name of the owning object."""
    labels = {"app.kubernetes.io/name": owner or name, "app.kubernetes.io/part-of": "shop", "seaway/stack": "dev"}
    metadata: Object = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-{name}",
        "labels": labels | more.pop("labels", {}),
        "creationTimestamp": made or at(-60),
        "generation": 2,
    }
    if by:
        metadata["ownerReferences"] = [{"uid": f"uid-{by}", "name": by, "controller": True}]
    return {"kind": kind, "metadata": metadata | more}


def template(owner: str, image: str) -> Object:
    return {"template": {"spec": {"containers": [{"name": owner, "image": image}]}}}


def deployment(
    name: str = "web",
    *,
    replicas: int = 2,
    ready: int = 2,
    updated: int = 2,
    total: int | None = None,
    image: str = IMAGE,
    revision: int = 1,
    **status: Any,
) -> Object:
    counts = {
        "observedGeneration": 2,
        "replicas": replicas if total is None else total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
    annotations = {owned_pods.REVISION_ANNOTATION: str(revision)}
    return {
        **manifest("Deployment", name, made=ago(days=9), annotations=annotations),
        "spec": {"replicas": replicas, "progressDeadlineSeconds": 300} | template(name, image),
        "status": counts | status,
    }


def replica_set(
    name: str, *, of: str = "web", made: str = "", revision: int = 1, ready: int = 0, **status: Any
) -> Object:
    annotations = {owned_pods.REVISION_ANNOTATION: str(revision)}
    own = manifest("ReplicaSet", name, of, made=made, by=of, annotations=annotations)
    return {**own, "spec": {}, "status": {"readyReplicas": ready} | status}


def stateful_set(
    name: str = "db", *, ready: int = 1, image: str = "docker.io/library/postgres:17", **status: Any
) -> Object:
    counts = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready}
    revisions = {"updateRevision": "db-2", "currentRevision": "db-2"}
    return {
        **manifest("StatefulSet", name, made=ago(days=9)),
        "spec": {"replicas": 1, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]} | template(name, image),
        "status": counts | revisions | status,
    }


def daemon_set(**status: int) -> Object:
    counts = {"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2}
    own = manifest("DaemonSet", "agent", annotations={owned_pods.GENERATION_ANNOTATION: "2"})
    return {**own, "spec": template("agent", "agent:2"), "status": counts | status}


def job(
    name: str = "migrate-1a2b", *conditions: Object, owner: str = "migrate", made: str = "", **status: Any
) -> Object:
    return {
        **manifest("Job", name, owner, made=made),
        "spec": {"activeDeadlineSeconds": 300} | template(owner, IMAGE),
        "status": {"conditions": list(conditions)} | status,
    }


def cron_job(schedule: str = "0 3 * * *", **spec: Any) -> Object:
    """The job report, with a schedule."""
    body = {"schedule": schedule, "timeZone": "Etc/UTC", "jobTemplate": {"spec": template("report", "report:2")}}
    return {**manifest("CronJob", "report", made=ago(days=9)), "spec": body | spec}


def run(name: str, hours: int, *conditions: Object, image: str = "report:2") -> Object:
    """A Job of the CronJob report."""
    own = manifest("Job", name, "report", made=ago(hours=hours), by="report")
    own["metadata"]["ownerReferences"][0]["kind"] = "CronJob"
    return {**own, "spec": template("report", image), "status": {"conditions": list(conditions)}}


def condition(kind: str, status: str = "True", *, reason: str = "", message: str = "", since: float = 1) -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": at(since)}


def pod(
    name: str,
    *,
    by: str,
    owner: str = "web",
    made: str = "",
    ready: bool = True,
    containers: list[Object] | None = None,
    init: list[Object] | None = None,
    phase: str = "Running",
    **more: Any,
) -> Object:
    """A pod with these container statuses. ``more``: fields of its metadata."""
    statuses = [container(owner, run=f"containerd://{name}")] if containers is None else containers
    specs = [
        [{"name": status["name"], "image": IMAGE, "resources": MEMORY} for status in group]
        for group in (statuses, init or [])
    ]
    return {
        **manifest("Pod", name, owner, made=made or ago(hours=2), by=by, **more),
        "spec": {"containers": specs[0], "initContainers": specs[1]},
        "status": {
            "phase": phase,
            "conditions": [condition("Ready", str(ready)), condition("PodScheduled")],
            "containerStatuses": statuses,
            **({"initContainerStatuses": init} if init else {}),
        },
    }


def starting_pod(
    owner: Object,
    name: str,
    *statuses: Object,
    ready: bool = False,
    phase: str = "Pending",
    init: bool = False,
    **more: Any,
) -> Object:
    """A pod of an object during a rollout. ``init``: the statuses are those of init containers."""
    workload = owner["metadata"]["labels"]["app.kubernetes.io/name"]
    containers = {"init": [*statuses], "containers": []} if init else {"containers": [*statuses]}
    made = more.pop("creationTimestamp", at(-60))
    by = owner["metadata"]["name"]
    return pod(name, by=by, owner=workload, made=made, ready=ready, phase=phase, **containers, **more)


def ready_pod(owner: Object, name: str, **more: Any) -> Object:
    status = container_status(ready=True, running={"startedAt": at(1)})
    return starting_pod(owner, name, status, ready=True, phase="Running", **more)


def container(
    name: str, *, run: str = "", restarts: int = 0, code: int | None = None, before: int | None = None
) -> Object:
    """A container's status. ``code``: exit code of this run; ``before``: of the run before it."""
    state: Object = {"running": {"startedAt": ago(hours=1)}}
    if code is not None:
        state = {"terminated": _end_run(code, run)}
    elif not run:
        state = {"waiting": {"reason": "ContainerCreating"}}
    last = {} if before is None else {"terminated": _end_run(before, f"{run}-before")}
    return {"name": name, "containerID": run, "restartCount": restarts, "state": state, "lastState": last}


def _end_run(code: int, run: str) -> Object:
    reason = "Error" if code else "Completed"
    return {"exitCode": code, "reason": reason, "containerID": run, "finishedAt": ago(minutes=5)}


def container_status(
    name: str = "web", *, ready: bool = False, restarts: int = 0, last: Object | None = None, **state: Any
) -> Object:
    """A container's status; the state as ``waiting={"reason": ...}``."""
    status: Object = {"name": name, "image": IMAGE, "ready": ready, "restartCount": restarts, "state": state}
    return status | ({"lastState": {"terminated": last}} if last else {})


def waiting(reason: str, message: str = "", **more: Any) -> Object:
    """The status of a container that waits."""
    return container_status(waiting={"reason": reason, "message": message}, **more)


def ended(code: int, reason: str = "Error", *, message: str = "", finished: float = 20) -> Object:
    """How a container ended."""
    times = {"startedAt": at(finished - 5), "finishedAt": at(finished)}
    return {"exitCode": code, "reason": reason, "message": message} | times


def event(
    about: Object | str,
    reason: str,
    message: str,
    *,
    seen: str = "",
    seconds: float = 5,
    count: int = 1,
    of: str = "",
    type: str = "Warning",  # noqa: A002 - the field's name
) -> Object:
    """An event of core/v1, last seen at a time or so many seconds after the start; ``of``: the container."""
    kind, name = about.split("/") if isinstance(about, str) else (about["kind"], about["metadata"]["name"])
    involved = {"kind": kind, "name": name, "uid": f"uid-{name}"}
    time = seen or at(seconds)
    return {
        "metadata": {"name": f"{name}.{reason}.{time}", "uid": f"uid-event-{name}-{reason}-{time}"},
        "involvedObject": involved | ({"fieldPath": f"spec.containers{{{of}}}"} if of else {}),
        "reason": reason,
        "message": message,
        "type": type,
        "count": count,
        "lastTimestamp": time,
    }


def pull(about: Object, error: str, *, seconds: float = 15, count: int = 2, image: str = IMAGE) -> Object:
    """The kubelet's event of a failed pull."""
    return event(about, "Failed", f'Failed to pull image "{image}": {error}', seconds=seconds, count=count, of="web")


def healthy() -> dict[str, list[Object]]:
    """By kind: a service with two pods, a store, and a job that has run."""
    complete = condition("Complete")
    return {
        "Deployment": [deployment()],
        "ReplicaSet": [replica_set("web-5d9c", made=ago(days=3))],
        "StatefulSet": [stateful_set()],
        "Job": [job("migrate-0a1b", complete, made=ago(hours=3), succeeded=1)],
        "Pod": [
            pod("web-5d9c-aaaaa", by="web-5d9c"),
            pod("web-5d9c-bbbbb", by="web-5d9c", made=ago(hours=1)),
            pod("db-0", by="db", owner="db", made=ago(days=2), labels={owned_pods.REVISION_LABEL: "db-2"}),
            pod("migrate-0a1b-ccccc", by="migrate-0a1b", owner="migrate", made=ago(hours=3)),
        ],
        "Event": [],
    }


def with_external_store() -> dict[str, list[Object]]:
    """The same without the pod of the store, which runs elsewhere and is called by the others."""
    objects = healthy()
    del objects["StatefulSet"]
    objects["Pod"] = [pod for pod in objects["Pod"] if pod["metadata"]["name"] != "db-0"]
    for caller in (*objects["Deployment"], *objects["Job"]):
        annotations = caller["metadata"].setdefault("annotations", {})
        annotations[names.EXTERNAL_ANNOTATION] = "db=db.example.com:5432"
    return objects


def rollout(*statuses: Object, **more: Any) -> tuple[Object, Object, Object]:
    """A Deployment, its newest ReplicaSet, and the pod of that, during a rollout."""
    newest = replica_set("web-new", revision=2)
    return deployment(updated=1, total=3, revision=2), newest, starting_pod(newest, "web-new-a", *statuses, **more)


def index_objects(*manifests: Object) -> evidence.ObjectIndex:
    """Objects without a kind are events."""
    by_kind: dict[str, list[Object]] = {}
    for live in manifests:
        by_kind.setdefault(live.get("kind", "Event"), []).append(live)
    return evidence.ObjectIndex(snapshot.Snapshot(by_kind))


def assess(
    of: target.Target, *manifests: Object, elapsed: float = 30, finished: Collection[str] = ()
) -> workload_health.WorkloadHealth:
    """The health of a workload, so many seconds after the start of its rollout."""
    return health.assess_workload(of, index_objects(*manifests), elapsed=elapsed, started=STARTED, finished=finished)


def put(api: apiserver.ApiServer, *manifests: Object) -> None:
    """Into the stand-in for an API server."""
    for live in manifests:
        version = kinds.KINDS[live["kind"]].api_version
        fields = {key: live[key] for key in live if key != "kind"}
        api.put(version, live["kind"], NAMESPACE, live["metadata"]["name"], **fields)
