"""Events and statuses, read: the shapes that Kubernetes gives them, and which of them are about what."""

import collections
import dataclasses
import datetime
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from seaway.kubernetes.cluster import snapshot

START_TOLERANCE = datetime.timedelta(seconds=5)
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
    is_warning: bool


def get_event_time(event: snapshot.Object) -> datetime.datetime:
    """When an event was last seen: reporters of core/v1 and of events.k8s.io/v1 fill different fields.

    https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    series = get_mapping(event, "series")
    fields = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return parse_time(next(filter(None, (*fields, event["metadata"].get("creationTimestamp"))), None))


def parse_time(text: str | None) -> datetime.datetime:
    """A time of Kubernetes; without one the epoch, as runtimes write it where they do not know."""
    return datetime.datetime.fromisoformat(text) if text else EPOCH


def _parse_event(event: snapshot.Object) -> Event:
    about = get_mapping(event, "involvedObject")
    container = re.search(r"\{(.+)\}", about.get("fieldPath") or "")
    return Event(
        time=get_event_time(event),
        count=max(get_count(event, "count"), get_count(get_mapping(event, "series"), "count"), 1),
        kind=about.get("kind") or "",
        container=container[1] if container else None,
        reason=event.get("reason") or "",
        message=event.get("message") or "",
        is_warning=event.get("type") == "Warning",
    )


class ObjectIndex:
    """A snapshot with its objects by owner and its events by object.

    Args:
        started: when the rollout began; what happened before may be told, but it fails nothing.
    """

    def __init__(self, live_objects: snapshot.Snapshot, started: datetime.datetime = EPOCH) -> None:
        self._seen = live_objects
        self._started = started
        # Read when they are asked for: each workload is judged by itself, and the namespace has the events of all.
        self._events: dict[str, list[snapshot.Object]] = collections.defaultdict(list)
        for event in live_objects.list_objects("Event"):
            self._events[get_mapping(event, "involvedObject").get("uid") or ""].append(event)

    def find(self, kind: str, name: str) -> snapshot.Object | None:
        """The object; one that is being deleted is not there any more."""
        return next(
            (each for each in self._seen.list_objects(kind) if get_name(each) == name and not is_terminating(each)),
            None,
        )

    def find_owned(self, kind: str, owner: snapshot.Object) -> list[snapshot.Object]:
        """The objects that another one made, by name."""
        own = owner["metadata"]["uid"]
        found = (
            each
            for each in self._seen.list_objects(kind)
            if any(one.get("uid") == own for one in get_list(each, "metadata", "ownerReferences"))
        )
        return sorted(found, key=get_name)

    def list_events(self, *manifests: snapshot.Object | None) -> list[Event]:
        """The events of these objects, oldest first."""
        asked = (self._events.get(each["metadata"]["uid"], ()) for each in manifests if each is not None)
        return sorted(map(_parse_event, itertools.chain.from_iterable(asked)), key=lambda event: event.time)

    def is_fresh(self, at: datetime.datetime, manifest: snapshot.Object) -> bool:
        """Whether something happened in this rollout. A runtime that does not know the time counts as fresh.

        A pod that fails for a Secret that is missing goes on to say so for seconds after the Secret is there. So only
        what an old pod says anew counts, and whatever a pod of this rollout says.
        """
        made = parse_time(manifest["metadata"].get("creationTimestamp"))
        return at.year <= EPOCH.year or at >= self._started or made >= self._started - START_TOLERANCE

    @property
    def newest_event_time(self) -> datetime.datetime:
        """The time of the newest event; the epoch where there is none."""
        return max((get_event_time(event) for events in self._events.values() for event in events), default=EPOCH)


def get_mapping(manifest: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """A mapping inside; empty where there is none."""
    for key in keys:
        manifest = manifest.get(key) or {}
    return manifest


def get_list(manifest: Mapping[str, Any], *keys: str) -> Sequence[Mapping[str, Any]]:
    """A list of mappings inside; empty where there is none."""
    return get_mapping(manifest, *keys[:-1]).get(keys[-1]) or ()


def get_count(mapping: Mapping[str, Any], key: str) -> int:
    """A count; Kubernetes leaves zeros out."""
    return mapping.get(key) or 0


def get_name(manifest: snapshot.Object) -> str:
    """The object's name."""
    return manifest["metadata"]["name"]


def is_terminating(manifest: snapshot.Object) -> bool:
    """Whether it is being deleted."""
    return bool(manifest["metadata"].get("deletionTimestamp"))


def get_label(manifest: snapshot.Object, key: str) -> str | None:
    """A label's value."""
    return get_mapping(manifest, "metadata", "labels").get(key)


def get_annotation(manifest: snapshot.Object, key: str) -> str | None:
    """An annotation's value."""
    return get_mapping(manifest, "metadata", "annotations").get(key)


def find_condition(manifest: snapshot.Object, kind: str) -> Mapping[str, Any]:
    """The condition of a type; empty where there is none."""
    found = [one for one in get_list(manifest, "status", "conditions") if one.get("type") == kind]
    return found[0] if found else {}


def is_condition_true(manifest: snapshot.Object, kind: str) -> bool:
    """Whether a condition is true."""
    return find_condition(manifest, kind).get("status") == "True"


def is_pod_ready(pod: snapshot.Object) -> bool:
    """Whether a pod takes requests and is not on its way out."""
    return is_condition_true(pod, "Ready") and not is_terminating(pod)


def list_container_statuses(pod: snapshot.Object) -> list[Mapping[str, Any]]:
    """The statuses of all containers, init containers first, as they start."""
    return [*get_list(pod, "status", "initContainerStatuses"), *get_list(pod, "status", "containerStatuses")]


def find_container(pod: snapshot.Object, name: str) -> Mapping[str, Any]:
    """What the pod asked for as this container."""
    asked = [*get_list(pod, "spec", "initContainers"), *get_list(pod, "spec", "containers")]
    found = [one for one in asked if one["name"] == name]
    return found[0] if found else {}


def is_sidecar(container_manifest: Mapping[str, Any]) -> bool:
    """Whether a container runs beside the main ones, though it starts before them.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    return container_manifest.get("restartPolicy") == "Always"
