"""An index of the objects of a namespace, for the health of workloads: by owner, and events by the object concerned."""

import collections
import copy
import dataclasses
import datetime
import itertools
import re
import types
from collections.abc import Mapping
from typing import Self

from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot

START_TOLERANCE = datetime.timedelta(seconds=5)
"""A pod that is this much older than the rollout still belongs to it: its workload is changed just before."""

_COMBINED = "(combined from similar events): "
"""Before the newest text of many that differ in a port.

https://github.com/kubernetes/client-go/blob/v0.34.0/tools/record/events_cache.go
"""


Lookups = Mapping[str, snapshot.Object | None]
"""Objects by API path; None: it does not exist."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, from either API version."""

    time: datetime.datetime
    """When it was last observed."""
    count: int
    kind: str
    """Of the object that the event is about."""
    name: str
    container: str | None
    reason: str
    message: str
    is_warning: bool


def get_event_time(event: snapshot.Object) -> datetime.datetime:
    """When an event was last observed. Events of core/v1 and of events.k8s.io/v1 have the time in different fields.

    https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
    """
    times = (
        unstructured.get_mapping(event, "series").get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"].get("creationTimestamp"),
    )
    return unstructured.parse_time(next(filter(None, times), None))


def _parse_event(event: snapshot.Object) -> Event:
    involved = unstructured.get_mapping(event, "involvedObject")
    container = re.search(r"\{(.+)\}", involved.get("fieldPath") or "")
    series = unstructured.get_mapping(event, "series")
    return Event(
        time=get_event_time(event),
        count=max(unstructured.get_count(event, "count"), unstructured.get_count(series, "count"), 1),
        kind=involved.get("kind") or "",
        name=involved.get("name") or "",
        container=container[1] if container else None,
        reason=event.get("reason") or "",
        message=(event.get("message") or "").removeprefix(_COMBINED),
        is_warning=event.get("type") == "Warning",
    )


class ObjectIndex:
    """Finds objects of a snapshot. Built once for all workloads of the namespace.

    Args:
        logs: the last lines of containers, by pod and container, as far as they were read.
        requests: by resource, who requests it in the cluster, if it was read (see node_usage).
        lookups: objects outside of the snapshot that were read.
    """

    def __init__(
        self,
        live_objects: snapshot.Snapshot,
        logs: Mapping[tuple[str, str], str] = types.MappingProxyType({}),
        requests: Mapping[str, str] = types.MappingProxyType({}),
        lookups: Lookups = types.MappingProxyType({}),
    ) -> None:
        self.live_objects = live_objects
        self.logs = logs
        self.requests = requests
        self.lookups = lookups
        self._started = unstructured.EPOCH
        self._owned: dict[tuple[str, str], list[snapshot.Object]] = collections.defaultdict(list)
        for kind, manifests in live_objects.objects.items():
            for manifest in manifests:
                for reference in unstructured.get_list(manifest, "metadata", "ownerReferences"):
                    self._owned[kind, reference.get("uid") or ""].append(manifest)
        self._events: dict[str, list[snapshot.Object]] = collections.defaultdict(list)
        for event in live_objects.list_objects("Event"):
            self._events[unstructured.get_mapping(event, "involvedObject").get("uid") or ""].append(event)

    def for_rollout(self, started: datetime.datetime) -> Self:
        """The same index for a rollout that began at this time. Earlier failures are reported, but are not fatal."""
        index = copy.copy(self)
        index._started = started
        return index

    def find(self, kind: str, name: str) -> snapshot.Object | None:
        """The object of this name, unless it is being deleted."""
        return next(
            (
                manifest
                for manifest in self.live_objects.list_objects(kind)
                if unstructured.get_name(manifest) == name and not unstructured.is_terminating(manifest)
            ),
            None,
        )

    def find_owned(self, kind: str, owner: snapshot.Object) -> list[snapshot.Object]:
        """The objects with an owner reference to this object, by name."""
        return sorted(self._owned.get((kind, owner["metadata"]["uid"]), ()), key=unstructured.get_name)

    def list_events(self, *manifests: snapshot.Object | None) -> list[Event]:
        """The events of these objects, oldest first."""
        events = (self._events.get(manifest["metadata"]["uid"], ()) for manifest in manifests if manifest is not None)
        return sorted(map(_parse_event, itertools.chain.from_iterable(events)), key=lambda event: event.time)

    def is_fresh(self, at: datetime.datetime, manifest: snapshot.Object) -> bool:
        """Whether something happened in this rollout. An unknown time counts as fresh.

        A pod whose Secret was missing reports that for seconds after the Secret exists. So of an older pod only new
        reports count, and of a pod of this rollout all.
        """
        created = unstructured.get_creation_time(manifest)
        return at.year <= unstructured.EPOCH.year or at >= self._started or created >= self._started - START_TOLERANCE

    @property
    def newest_event_time(self) -> datetime.datetime:
        """The time of the newest event; the epoch if there is none."""
        events = itertools.chain.from_iterable(self._events.values())
        return max(map(get_event_time, events), default=unstructured.EPOCH)
