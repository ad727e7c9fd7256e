"""The containers of an application's pods, for their logs: which exist, which have run, and how they ended."""

import dataclasses
from collections.abc import Mapping

from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.rollout import status


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of one pod."""

    pod: str
    uid: str
    """Of the pod: the next pod of a store has the same name."""
    name: str
    short_name: str
    """``web-x2x4z`` for the main container of a pod, ``web-x2x4z/proxy`` for another."""
    run_id: str
    """Id of its newest run; empty if it has not started yet, and so has no log."""
    restarts: int
    terminations: Mapping[str, str]
    """How its newest run and the run before ended, by the id of the run: ``exit code 1 (Error)``."""
    has_failed_run: bool
    """Whether there is the log of a run that failed or was followed by another."""

    @property
    def is_between_runs(self) -> bool:
        """Whether its newest run has ended: the API then gives the log of that run, and not as the previous one."""
        return self.run_id in self.terminations


def find_containers(
    live_objects: snapshot.Snapshot, *, app_name: str, stack: str, owner: str | None
) -> list[Container]:
    """The containers of a service, store or job, or (None) of all of them, by short name."""
    containers = [
        _build_container(pod, container_status)
        for pod in live_objects.list_objects("Pod")
        if status.belongs_to_application(pod, app_name, stack) and owner in (None, status.get_owner(pod))
        for container_status in unstructured.list_container_statuses(pod)
    ]
    return sorted(containers, key=lambda container: container.short_name)


def list_owners(live_objects: snapshot.Snapshot, *, app_name: str, stack: str) -> list[str]:
    """The services, stores and jobs that have pods, or should have some."""
    owners = {
        status.get_owner(pod)
        for pod in live_objects.list_objects("Pod")
        if status.belongs_to_application(pod, app_name, stack)
    }
    return sorted(owners.union(status.list_owners(live_objects, app_name=app_name, stack=stack)))


def _build_container(pod: snapshot.Object, container_status: snapshot.Object) -> Container:
    pod_name, owner, name = unstructured.get_name(pod), status.get_owner(pod), container_status["name"]
    short_name = f"{owner}-{pod_name.rpartition('-')[2]}"
    states = [unstructured.get_mapping(container_status, key) for key in ("state", "lastState")]
    terminations = [state["terminated"] for state in states if "terminated" in state]
    return Container(
        pod=pod_name,
        uid=pod["metadata"]["uid"],
        name=name,
        short_name=short_name if name == owner else f"{short_name}/{name}",
        run_id=container_status.get("containerID") or "",
        restarts=unstructured.get_count(container_status, "restartCount"),
        terminations={ended.get("containerID") or "": _format_termination(ended) for ended in terminations},
        has_failed_run="terminated" in states[1]
        or bool(unstructured.get_mapping(states[0], "terminated").get("exitCode")),
    )


def _format_termination(terminated: snapshot.Object) -> str:
    reason = terminated.get("reason")
    return f"exit code {terminated['exitCode']}" + (f" ({reason})" if reason else "")
