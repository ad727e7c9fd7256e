"""What one pod shows to be wrong with it.

A pod is asked in the order in which it starts: given to a node, its volumes and network, its images, its containers,
their programs, their probes. What comes first explains what comes after.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import causes, evidence, message_parsers, symptoms, workload_health

MOUNTS = 3
"""So many failed mounts, which the kubelet tries within about two seconds."""

_BLOCKED = {"FailedMount", "FailedMapVolume", "FailedAttachVolume", "FailedCreatePodSandBox", "NetworkNotReady"}
_MOVED_ON = {"Pulling", "Pulled", "Created", "Started"}
_NEW_NODE = {"TriggeredScaleUp", "Nominated"}
"""Of the cluster autoscaler and of Karpenter."""


class Pod:
    """One pod of the version that is being judged."""

    def __init__(self, pod: snapshot.Object, seen: evidence.Seen, place: causes.Place) -> None:
        self._pod = pod
        self._seen = seen
        self._place = place.at(pod=evidence.named(pod))
        self._events = seen.events(pod)
        self._containers = [
            symptoms.Container(
                pod=pod,
                status=status,
                events=self._events,
                seen=seen,
                place=self._place,
            )
            for status in evidence.statuses(pod)
        ]

    def findings(self) -> list[workload_health.Finding]:
        """Nothing for a pod that is ready, that has done its work, or that is being deleted."""
        status = evidence.part(self._pod, "status")
        phase = status.get("phase")
        if evidence.going(self._pod) or evidence.ready(self._pod) or phase == "Succeeded":
            return []
        scheduled = evidence.condition(self._pod, "PodScheduled")
        if scheduled.get("status") == "False":
            return [self._unscheduled(scheduled)]
        if phase == "Failed" and (status.get("reason") or not any(one.ended for one in self._containers)):
            return [self._thrown_out()]
        found = [one for container in self._containers if (one := container.finding())]
        if found or any(container.begun for container in self._containers):
            return found
        return self._blocked()

    def unready(self) -> causes.Place:
        """The first container that runs without being ready: whose log may tell why."""
        waiting = next((one for one in self._containers if one.begun and not one.ready), None)
        return waiting.place if waiting else self._place

    def _unscheduled(self, scheduled: Mapping[str, Any]) -> workload_health.Finding:
        said = message_parsers.unschedulable(scheduled.get("message") or scheduled.get("reason") or "")
        # A volume that is there may also hold the pod back: by the node that it is on.
        if re.search(r"persistent ?volume|binding volumes", said, re.I) and (claims := "; ".join(self._unbound())):
            return causes.finding("volume-unbound", claims, self._place, fatal=False)
        if any(event.reason in _NEW_NODE for event in self._events):
            said += " (a new node is on its way)"
        return causes.finding("unschedulable", said, self._place, fatal=False)

    def _unbound(self) -> Iterator[str]:
        """What is known of the claims that wait for a volume."""
        for volume in evidence.parts(self._pod, "spec", "volumes"):
            name = evidence.part(volume, "persistentVolumeClaim").get("claimName")
            claim = self._seen.find("PersistentVolumeClaim", name) if name else None
            if name and claim is None:
                yield f"the volume claim {name} does not exist"
            elif claim and evidence.part(claim, "status").get("phase") != "Bound":
                said = [event.message for event in self._seen.events(claim) if event.reason != "WaitForFirstConsumer"]
                yield f"the volume claim {name} is not bound: {message_parsers.line(said[-1]) if said else 'nobody provides it'}"

    def _thrown_out(self) -> workload_health.Finding:
        """No container ended by itself: the kubelet would not have the pod, or not any longer."""
        status = evidence.part(self._pod, "status")
        said = message_parsers.line(status.get("message") or "") or "no reason was given"
        reason = status.get("reason") or "Failed"
        return causes.finding("evicted", f"the node ended the pod ({reason}): {said}", self._place, fatal=False)

    def _blocked(self) -> list[workload_health.Finding]:
        """Before the first container: the last thing that went wrong, unless it went on after that."""
        said = [event for event in self._events if event.reason in _BLOCKED | _MOVED_ON]
        if not said or said[-1].reason in _MOVED_ON:
            return []
        last = said[-1]
        if last.reason in {"FailedCreatePodSandBox", "NetworkNotReady"}:
            return [causes.finding("sandbox-failed", message_parsers.line(last.message), self._place, fatal=False)]
        meaning = message_parsers.config(last.message)
        if meaning.cause != "config-missing":
            return [causes.finding("volume-not-mounted", message_parsers.line(last.message), self._place, fatal=False)]
        fatal = not meaning.heals and last.count >= MOUNTS and self._seen.fresh(last.time, self._pod)
        return [causes.finding(meaning.cause, meaning.line, self._place, fatal=fatal)]
