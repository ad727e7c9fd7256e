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
    label: str
    """What tells it apart in a few letters: ``web-x2x4z``, or ``web-x2x4z/proxy`` if it is not the pod's main one."""
    run: str
    """Id of its newest run; empty while it has never begun, and so has no log."""
    restarts: int
    endings: Mapping[str, str]
    """By the id of the run how it ended, as ``exit code 1 (Error)``; the newest one and the one before at most."""
    previous: bool
    """It has the log of a run before the newest."""


def of(seen: snapshot.Snapshot, *, application: str, stack: str, owner: str | None) -> list[Container]:
    """The containers of a service, store or job, or (None) of all of them; in the order of their labels."""
    found = [
        _container(pod, each)
        for pod in seen.of("Pod")
        if status.belongs(pod, application, stack) and owner in (None, status.owner(pod))
        for each in evidence.statuses(pod)
    ]
    return sorted(found, key=lambda each: each.label)


def owners(seen: snapshot.Snapshot, *, application: str, stack: str) -> list[str]:
    """The services, stores and jobs that have pods, or should have."""
    pods = {status.owner(pod) for pod in seen.of("Pod") if status.belongs(pod, application, stack)}
    return sorted(pods.union(status.owners(seen, application=application, stack=stack)))


def _container(pod: snapshot.Object, each: Mapping[str, Any]) -> Container:
    name, owner = evidence.named(pod), status.owner(pod)
    short = f"{owner}-{name.rpartition('-')[2]}"
    states: Sequence[Mapping[str, Any]] = (each.get("state") or {}, each.get("lastState") or {})
    endings: Sequence[Mapping[str, Any]] = [state["terminated"] for state in states if "terminated" in state]
    return Container(
        pod=name,
        uid=pod["metadata"]["uid"],
        name=each["name"],
        label=short if each["name"] == owner else f"{short}/{each['name']}",
        run=each.get("containerID") or "",
        restarts=evidence.number(each, "restartCount"),
        endings={one.get("containerID") or "": _ending(one) for one in endings},
        previous="terminated" in states[1],
    )


def _ending(terminated: Mapping[str, Any]) -> str:
    reason = terminated.get("reason")
    return f"exit code {terminated['exitCode']}" + (f" ({reason})" if reason else "")
