"""The containers of an application's pods, for their logs: which there are, which have run, how they ended."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import evidence, status


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of one pod."""

    pod: str
    uid: str
    """Of the pod: a store's next pod has the name of the one before."""
    name: str
    short_name: str
    """What tells it apart in a few letters: ``web-x2x4z``, or ``web-x2x4z/proxy`` if it is not the pod's main one."""
    run_id: str
    """Id of its newest run; empty while it has never begun, and so has no log."""
    restarts: int
    terminations: Mapping[str, str]
    """By the id of the run how it ended, as ``exit code 1 (Error)``; the newest one and the one before at most."""
    has_previous_log: bool
    """It has the log of a run before the newest."""


def find_containers(
    live_objects: snapshot.Snapshot, *, app_name: str, stack: str, owner: str | None
) -> list[Container]:
    """The containers of a service, store or job, or (None) of all of them; in the order of their labels."""
    found = [
        _build_container(pod, each)
        for pod in live_objects.list_objects("Pod")
        if status.belongs_to_application(pod, app_name, stack) and owner in (None, status.get_owner(pod))
        for each in evidence.list_container_statuses(pod)
    ]
    return sorted(found, key=lambda each: each.short_name)


def list_owners(live_objects: snapshot.Snapshot, *, app_name: str, stack: str) -> list[str]:
    """The services, stores and jobs that have pods, or should have."""
    pods = {
        status.get_owner(pod)
        for pod in live_objects.list_objects("Pod")
        if status.belongs_to_application(pod, app_name, stack)
    }
    return sorted(pods.union(status.list_owners(live_objects, app_name=app_name, stack=stack)))


def _build_container(pod: snapshot.Object, each: Mapping[str, Any]) -> Container:
    name, owner = evidence.get_name(pod), status.get_owner(pod)
    short = f"{owner}-{name.rpartition('-')[2]}"
    states: Sequence[Mapping[str, Any]] = (each.get("state") or {}, each.get("lastState") or {})
    endings: Sequence[Mapping[str, Any]] = [state["terminated"] for state in states if "terminated" in state]
    return Container(
        pod=name,
        uid=pod["metadata"]["uid"],
        name=each["name"],
        short_name=short if each["name"] == owner else f"{short}/{each['name']}",
        run_id=each.get("containerID") or "",
        restarts=evidence.get_count(each, "restartCount"),
        terminations={one.get("containerID") or "": _format_termination(one) for one in endings},
        has_previous_log="terminated" in states[1],
    )


def _format_termination(terminated: Mapping[str, Any]) -> str:
    reason = terminated.get("reason")
    return f"exit code {terminated['exitCode']}" + (f" ({reason})" if reason else "")
