"""Workloads as a cluster shows them while they are rolled out, put into the stand-in for an API server."""

from typing import Any

from tests.support import apiserver

NAMESPACE = "shop-dev"


def deployment(api: apiserver.ApiServer, name: str, *, ready: int, replicas: int = 2) -> None:
    """A Deployment and the pods of its newest version, so many of them ready."""
    status = {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": ready}
    annotations = {"deployment.kubernetes.io/revision": "1"}
    api.put(
        "apps/v1",
        "Deployment",
        NAMESPACE,
        name,
        metadata={"annotations": annotations},
        spec={"replicas": replicas},
        status={**status, "availableReplicas": ready},
    )
    for each in range(replicas):
        condition = {"type": "Ready", "status": str(each < ready)}
        pod(api, name, f"{name}-5d4f-{each}", phase="Running", conditions=[condition])


def pod(api: apiserver.ApiServer, deployment: str, name: str, **status: Any) -> None:
    """A pod of a Deployment that was put before; its ReplicaSet is put too."""
    owner = api.put("apps/v1", "Deployment", NAMESPACE, deployment)["metadata"]
    made_by = api.put(
        "apps/v1",
        "ReplicaSet",
        NAMESPACE,
        f"{deployment}-5d4f",
        metadata={"annotations": owner["annotations"], "ownerReferences": [{"uid": owner["uid"]}]},
    )
    references = [{"uid": made_by["metadata"]["uid"]}]
    container = {"name": deployment, "image": "registry.example.com/web:2"}
    api.put(
        "v1",
        "Pod",
        NAMESPACE,
        name,
        metadata={"ownerReferences": references},
        spec={"containers": [container]},
        status=status,
    )


def unschedulable(api: apiserver.ApiServer, deployment: str, name: str) -> None:
    message = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    pod(api, deployment, name, phase="Pending", conditions=[condition])


def crashing(api: apiserver.ApiServer, deployment: str, name: str, *, restarts: int, running: bool = False) -> None:
    """A pod whose program has ended with exit code 3 so many times, and waits, or runs once more."""
    ended = {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": "2099-01-01T00:00:00Z"}}
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}}
    state = {"running": {"startedAt": "2099-01-01T00:00:01Z"}} if running else waiting
    container = {"name": deployment, "restartCount": restarts, "state": state, "lastState": ended, "ready": False}
    pod(api, deployment, name, phase="Running", containerStatuses=[container])


def job(api: apiserver.ApiServer, name: str, condition: str = "", **more: str) -> None:
    conditions = [{"type": condition, "status": "True", **more}] if condition else []
    api.put("batch/v1", "Job", NAMESPACE, name, spec={"completions": 1}, status={"conditions": conditions})
