"""Objects as a cluster shows them, for what reads whole namespaces: the application shop in the stack dev."""

import datetime
from typing import Any

from seaway.kubernetes.cluster import snapshot

NOW = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)
IMAGE = "registry.example.com/shop/web@sha256:d547149797ba" + "0" * 52
Object = dict[str, Any]


def ago(**past: float) -> str:
    """A time before NOW as Kubernetes writes it: ``ago(hours=2)``."""
    return f"{NOW - datetime.timedelta(**past):%Y-%m-%dT%H:%M:%SZ}"


def metadata(name: str, owner: str, *, made: str, by: str | None = None, **more: Any) -> Object:
    labels = {"app.kubernetes.io/name": owner, "app.kubernetes.io/part-of": "shop", "seaway/stack": "dev"}
    references = {"ownerReferences": [{"uid": f"uid-{by}"}]} if by else {}
    own = {"name": name, "uid": f"uid-{name}", "labels": labels | more.pop("labels", {}), "creationTimestamp": made}
    return own | references | {"generation": 1} | more


def template(owner: str, image: str) -> Object:
    return {"template": {"spec": {"containers": [{"name": owner, "image": image}]}}}


def deployment(
    name: str = "web", *, replicas: int = 2, ready: int = 2, updated: int = 2, image: str = IMAGE, revision: int = 1
) -> Object:
    status = {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": updated, "readyReplicas": ready}
    return {
        "metadata": metadata(
            name, name, made=ago(days=9), annotations={"deployment.kubernetes.io/revision": str(revision)}
        ),
        "spec": {"replicas": replicas, "progressDeadlineSeconds": 300} | template(name, image),
        "status": status | {"availableReplicas": ready},
    }


def replica_set(name: str, *, of: str, made: str, revision: int = 1) -> Object:
    number = {"deployment.kubernetes.io/revision": str(revision)}
    return {"metadata": metadata(name, of, made=made, by=of, annotations=number), "spec": {}, "status": {}}


def pod(
    name: str,
    *,
    by: str,
    owner: str = "web",
    made: str = "",
    ready: bool = True,
    containers: list[Object] | None = None,
    init: list[Object] | None = None,
    **more: Any,
) -> Object:
    started = containers if containers is not None else [container(owner, run=f"containerd://{name}")]
    return {
        "metadata": metadata(name, owner, made=made or ago(hours=2), by=by, **more),
        "spec": {"containers": [{"name": each["name"], "image": IMAGE} for each in started]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": started,
            **({"initContainerStatuses": init} if init else {}),
        },
    }


def container(
    name: str, *, run: str = "", restarts: int = 0, code: int | None = None, before: int | None = None
) -> Object:
    """A container's status. ``code``: it ended so; ``before``: so ended the run before this one."""
    state: Object = {"running": {"startedAt": ago(hours=1)}}
    if code is not None:
        state = {"terminated": ended(code, run)}
    elif not run:
        state = {"waiting": {"reason": "ContainerCreating"}}
    last = {} if before is None else {"terminated": ended(before, f"{run}-before")}
    return {"name": name, "containerID": run, "restartCount": restarts, "state": state, "lastState": last}


def ended(code: int, run: str) -> Object:
    reason = "Error" if code else "Completed"
    return {"exitCode": code, "reason": reason, "containerID": run, "finishedAt": ago(minutes=5)}


def stateful_set(name: str = "db", *, ready: int = 1, image: str = "docker.io/library/postgres:17") -> Object:
    numbers = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready}
    claims = [{"metadata": {"name": "data"}}]
    return {
        "metadata": metadata(name, name, made=ago(days=9)),
        "spec": {"replicas": 1, "volumeClaimTemplates": claims} | template(name, image),
        "status": numbers | {"updateRevision": "two", "currentRevision": "two"},
    }


def job(name: str, *, owner: str = "migrate", made: str, done: bool = True) -> Object:
    status = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]} if done else {"active": 1}
    return {
        "metadata": metadata(name, owner, made=made),
        "spec": {"completions": 1, "activeDeadlineSeconds": 300} | template(owner, IMAGE),
        "status": status,
    }


def event(about: str, reason: str, message: str, *, seen: str, type: str = "Warning") -> Object:  # noqa: A002
    kind, _, name = about.partition("/")
    return {
        "metadata": {"name": f"{name}.{reason}.{seen}", "uid": f"uid-event-{name}-{reason}-{seen}"},
        "involvedObject": {"kind": kind, "name": name, "uid": f"uid-{name}"},
        "type": type,
        "reason": reason,
        "message": message,
        "lastTimestamp": seen,
    }


def seen(**objects: list[Object]) -> snapshot.Snapshot:
    return snapshot.Snapshot(objects)


def healthy() -> dict[str, list[Object]]:
    """A service of two pods, a store, a job that has run."""
    return {
        "Deployment": [deployment()],
        "ReplicaSet": [replica_set("web-5d9c", of="web", made=ago(days=3))],
        "StatefulSet": [stateful_set()],
        "Job": [job("migrate-0a1b", made=ago(hours=3))],
        "Pod": [
            pod("web-5d9c-aaaaa", by="web-5d9c"),
            pod("web-5d9c-bbbbb", by="web-5d9c", made=ago(hours=1)),
            pod("db-0", by="db", owner="db", made=ago(days=2), labels={"controller-revision-hash": "two"}),
            pod("migrate-0a1b-ccccc", by="migrate-0a1b", owner="migrate", made=ago(hours=3)),
        ],
        "Event": [],
    }


def cron_job(schedule: str = "0 3 * * *", **spec: Any) -> Object:
    """The job report, by the clock."""
    own = metadata("report", "report", made=ago(days=9))
    job = {"jobTemplate": {"spec": template("report", "report:2")}}
    return {"metadata": own, "spec": {"schedule": schedule, "timeZone": "Etc/UTC"} | job | spec}


def run(name: str, hours: int, *conditions: Object, image: str = "report:2") -> Object:
    """A Job that it started."""
    own = metadata(name, "report", made=ago(hours=hours), by="report")
    own["ownerReferences"][0]["kind"] = "CronJob"
    return {"metadata": own, "spec": template("report", image), "status": {"conditions": list(conditions)}}
