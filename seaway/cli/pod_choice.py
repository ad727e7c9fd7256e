"""Chooses the pod of a service, store or job for `seaway exec` and `seaway port-forward`."""

from collections.abc import Sequence
from typing import Any

from seaway.cli import command, connection, stack
from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.rollout import status
from seaway.syntax import decode, diagnosis


class NoPodError(command.UsageError):
    """There is no such workload, pod or container."""


async def choose_pod(
    cluster: client.KubeClient, target: stack.TargetStack, name: str, container: str | None = None
) -> snapshot.Object:
    """The newest ready pod of a workload; if no pod is ready, the newest that runs.

    Args:
        container: must run in the pod; None: the main one.

    Raises:
        NoPodError: no pod runs, with the reason.
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
    alive = [pod for pod in own if not unstructured.is_terminating(pod)]
    running = [pod for pod in alive if "running" in unstructured.get_container_state(pod, container or name)]
    if not running:
        raise NoPodError(await _explain_missing_pod(cluster, target, name))
    return max(running, key=lambda pod: (unstructured.is_pod_ready(pod), unstructured.get_creation_time(pod)))


def report_unready(target: stack.TargetStack, pod: snapshot.Object) -> None:
    """Warn if a pod is not ready."""
    if not unstructured.is_pod_ready(pod):
        command.report(f"pod {unstructured.get_name(pod)} is not ready; for the reason run: {_format_status(target)}")


async def find_workload(
    cluster: client.KubeClient, target: stack.TargetStack, name: str
) -> tuple[status.WorkloadStatus, dict[str, Any]]:
    """A workload of the stack, its status and its object; NoPodError if there is none."""
    live_objects = await reflector.read_snapshot(cluster, target.namespace)
    rows = connection.list_workloads(target, live_objects)
    for row in rows:
        if row.name == name:
            kind, object_name = row.health.target.kind, row.health.target.name
            manifests = live_objects.list_objects(kind)
            manifest = next(m for m in manifests if unstructured.get_name(m) == object_name)
            return row, {**manifest, "kind": kind}
    raise create_unknown_workload_error(target, rows, name)


def create_unknown_workload_error(
    target: stack.TargetStack, rows: Sequence[status.WorkloadStatus], name: str
) -> NoPodError:
    """Why there is no workload of this name among ``rows``."""
    for row in rows:
        if name in row.external:
            return NoPodError(
                f"{name} is external, at {row.external[name]}: it has no pod or log here; to connect from a pod that"
                f" calls it: seaway exec {row.name}"
            )
    names = [row.name for row in rows]
    hint = decode.suggest_name(name, names) if names else f"{target.app} is not deployed there"
    return NoPodError(f"namespace {target.namespace} has no workload {diagnosis.quote(name)}; {hint}")


async def _explain_missing_pod(cluster: client.KubeClient, target: stack.TargetStack, name: str) -> str:
    row, _ = await find_workload(cluster, target, name)
    reason = f": {row.health.findings[0].message}" if row.health.findings else ""
    return f"{name} has no running pod{reason}; for details run: {_format_status(target)}"


def _format_status(target: stack.TargetStack) -> str:
    return f"seaway status {target.options}"
