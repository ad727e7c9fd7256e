"""Chooses the pod of a service, store or job for `seaway exec` and `seaway port-forward`."""

import datetime
from typing import Any

from seaway.cli import command, stack
from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.rollout import status
from seaway.syntax import decode, diagnosis

_NO_STATE: snapshot.Object = {}


class NoPodError(Exception):
    """There is no such workload, pod or container. The text is one line for the user."""


async def choose_pod(
    cluster: client.KubeClient, target: stack.TargetStack, name: str, container: str | None = None
) -> snapshot.Object:
    """The newest ready pod of a workload; if no pod is ready, the newest that runs.

    Args:
        container: must run in the pod; None: the main one.

    Raises:
        NoPodError: no pod runs, with the reason.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    pods = (await reflector.read_snapshot(cluster, target.namespace, ("Pod",))).list_objects("Pod")
    own = [
        pod
        for pod in pods
        if status.belongs_to_application(pod, target.app, target.name) and status.get_owner(pod) == name
    ]
    if container and own and not any(unstructured.find_container(pod, container) for pod in own):
        known = [status_["name"] for status_ in unstructured.list_container_statuses(own[0])]
        raise NoPodError(
            f"{name} has no container {diagnosis.quote(container)}; {decode.suggest_name(container, known)}"
        )
    running = [pod for pod in own if is_running(pod, container or name) and not unstructured.is_terminating(pod)]
    if not running:
        raise NoPodError(await _explain_missing_pod(cluster, target, name))
    return max(running, key=lambda pod: (unstructured.is_pod_ready(pod), unstructured.get_creation_time(pod)))


def report_unready(target: stack.TargetStack, pod: snapshot.Object) -> None:
    """Warn if a pod is not ready."""
    if not unstructured.is_pod_ready(pod):
        command.report(f"pod {unstructured.get_name(pod)} is not ready; for the reason run: {_format_status(target)}")


def is_running(pod: snapshot.Object, container: str) -> bool:
    """Whether a container of a pod runs; also an ephemeral container."""
    return "running" in get_container_state(pod, container)


def get_container_state(pod: snapshot.Object, container: str) -> snapshot.Object:
    """The state of a container, also of an ephemeral one; empty if it is not known yet."""
    statuses = [
        *unstructured.list_container_statuses(pod),
        *unstructured.get_list(pod, "status", "ephemeralContainerStatuses"),
    ]
    states = (unstructured.get_mapping(status_, "state") for status_ in statuses if status_["name"] == container)
    return next(states, _NO_STATE)


def get_state_message(state: snapshot.Object) -> str:
    """Why a container ended or waits; empty while it runs."""
    details = unstructured.get_mapping(state, "terminated" if "terminated" in state else "waiting")
    return details.get("message") or details.get("reason") or ""


async def find_workload(
    cluster: client.KubeClient, target: stack.TargetStack, name: str
) -> tuple[status.WorkloadStatus, dict[str, Any]]:
    """A workload of the stack, its status and its object.

    Raises:
        NoPodError: there is none.
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    live_objects = await reflector.read_snapshot(cluster, target.namespace)
    now = datetime.datetime.now(datetime.UTC)
    rows = status.list_workloads(live_objects, app_name=target.app, stack=target.name, now=now)
    for row in rows:
        if row.name == name:
            kind, object_name = row.health.target.kind, row.health.target.name
            manifests = live_objects.list_objects(kind)
            manifest = next(m for m in manifests if unstructured.get_name(m) == object_name)
            return row, {**manifest, "kind": kind}
    names = [row.name for row in rows]
    hint = decode.suggest_name(name, names) if names else f"{target.app} is not deployed there"
    raise NoPodError(f"namespace {target.namespace} has no workload {diagnosis.quote(name)}; {hint}")


async def _explain_missing_pod(cluster: client.KubeClient, target: stack.TargetStack, name: str) -> str:
    row, _ = await find_workload(cluster, target, name)
    reason = f": {row.health.findings[0].message}" if row.health.findings else ""
    return f"{name} has no running pod{reason}; for details run: {_format_status(target)}"


def _format_status(target: stack.TargetStack) -> str:
    return f"seaway status --stack {target.name}"
