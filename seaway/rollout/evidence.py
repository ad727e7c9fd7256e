"""Events and statuses, read: the shapes that Kubernetes gives them, and which of them are about what."""

import collections
import dataclasses
import datetime
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from seaway.kubernetes.cluster import snapshot

NEW = datetime.timedelta(seconds=5)
"""What is no older when the watch begins was made by this rollout: its objects are changed just before."""

EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, of whatever API version its reporter used."""

    time: datetime.datetime
    """When it was last seen."""
    count: int
    kind: str
    """Of the object that it is about."""
    container: str | None
    reason: str
    message: str
    warning: bool


def time(event: snapshot.Object) -> datetime.datetime:
    """When an event was last seen: reporters of core/v1 and of events.k8s.io/v1 fill different fields.

    https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    series = part(event, "series")
    fields = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return moment(next(filter(None, (*fields, event["metadata"].get("creationTimestamp"))), None))


def moment(text: str | None) -> datetime.datetime:
    """A time of Kubernetes; without one the epoch, as runtimes write it where they do not know."""
    return datetime.datetime.fromisoformat(text) if text else EPOCH


def _event(given: snapshot.Object) -> Event:
    about = part(given, "involvedObject")
    container = re.search(r"\{(.+)\}", about.get("fieldPath") or "")
    return Event(
        time=time(given),
        count=max(number(given, "count"), number(part(given, "series"), "count"), 1),
        kind=about.get("kind") or "",
        container=container[1] if container else None,
        reason=given.get("reason") or "",
        message=given.get("message") or "",
        warning=given.get("type") == "Warning",
    )


class Seen:
    """A snapshot with its objects by owner and its events by object.

    Args:
        started: when the rollout began; what happened before may be told, but it fails nothing.
    """

    def __init__(self, seen: snapshot.Snapshot, started: datetime.datetime = EPOCH) -> None:
        self._seen = seen
        self._started = started
        # Read when they are asked for: each workload is judged by itself, and the namespace has the events of all.
        self._events: dict[str, list[snapshot.Object]] = collections.defaultdict(list)
        for event in seen.of("Event"):
            self._events[part(event, "involvedObject").get("uid") or ""].append(event)

    def find(self, kind: str, name: str) -> snapshot.Object | None:
        """The object; one that is being deleted is not there any more."""
        return next((each for each in self._seen.of(kind) if named(each) == name and not going(each)), None)

    def owned(self, kind: str, by: snapshot.Object) -> list[snapshot.Object]:
        """The objects that another one made, by name."""
        own = by["metadata"]["uid"]
        found = (
            each
            for each in self._seen.of(kind)
            if any(one.get("uid") == own for one in parts(each, "metadata", "ownerReferences"))
        )
        return sorted(found, key=named)

    def events(self, *about: snapshot.Object | None) -> list[Event]:
        """The events of these objects, oldest first."""
        asked = (self._events.get(each["metadata"]["uid"], ()) for each in about if each is not None)
        return sorted(map(_event, itertools.chain.from_iterable(asked)), key=lambda event: event.time)

    def fresh(self, at: datetime.datetime, of: snapshot.Object) -> bool:
        """Whether something happened in this rollout. A runtime that does not know the time counts as fresh.

        A pod that fails for a Secret that is missing goes on to say so for seconds after the Secret is there. So only
        what an old pod says anew counts, and whatever a pod of this rollout says.
        """
        made = moment(of["metadata"].get("creationTimestamp"))
        return at.year <= EPOCH.year or at >= self._started or made >= self._started - NEW

    @property
    def newest(self) -> datetime.datetime:
        """The time of the newest event; the epoch where there is none."""
        return max((time(event) for events in self._events.values() for event in events), default=EPOCH)


def part(each: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """A mapping inside; empty where there is none."""
    for key in keys:
        each = each.get(key) or {}
    return each


def parts(each: Mapping[str, Any], *keys: str) -> Sequence[Mapping[str, Any]]:
    """A list of mappings inside; empty where there is none."""
    return part(each, *keys[:-1]).get(keys[-1]) or ()


def number(each: Mapping[str, Any], key: str) -> int:
    """A count; Kubernetes leaves zeros out."""
    return each.get(key) or 0


def named(each: snapshot.Object) -> str:
    """The object's name."""
    return each["metadata"]["name"]


def going(each: snapshot.Object) -> bool:
    """Whether it is being deleted."""
    return bool(each["metadata"].get("deletionTimestamp"))


def label(each: snapshot.Object, key: str) -> str | None:
    """A label's value."""
    return part(each, "metadata", "labels").get(key)


def annotation(each: snapshot.Object, key: str) -> str | None:
    """An annotation's value."""
    return part(each, "metadata", "annotations").get(key)


def condition(each: snapshot.Object, kind: str) -> Mapping[str, Any]:
    """The condition of a type; empty where there is none."""
    found = [one for one in parts(each, "status", "conditions") if one.get("type") == kind]
    return found[0] if found else {}


def holds(each: snapshot.Object, kind: str) -> bool:
    """Whether a condition is true."""
    return condition(each, kind).get("status") == "True"


def ready(pod: snapshot.Object) -> bool:
    """Whether a pod takes requests and is not on its way out."""
    return holds(pod, "Ready") and not going(pod)


def statuses(pod: snapshot.Object) -> list[Mapping[str, Any]]:
    """The statuses of all containers, init containers first, as they start."""
    return [*parts(pod, "status", "initContainerStatuses"), *parts(pod, "status", "containerStatuses")]


def container(pod: snapshot.Object, name: str) -> Mapping[str, Any]:
    """What the pod asked for as this container."""
    asked = [*parts(pod, "spec", "initContainers"), *parts(pod, "spec", "containers")]
    found = [one for one in asked if one["name"] == name]
    return found[0] if found else {}


def beside(asked: Mapping[str, Any]) -> bool:
    """Whether a container runs beside the main ones, though it starts before them.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    return asked.get("restartPolicy") == "Always"
