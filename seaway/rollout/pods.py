"""What one pod shows to be wrong with it.

A pod is asked in the order in which it starts: given to a node, its volumes and network, its images, its containers,
their programs, their probes. What comes first explains what comes after.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import causes, evidence, message_parsers, symptoms, workload_health

MIN_FAILED_MOUNTS = 3
"""So many failed mounts, which the kubelet tries within about two seconds."""

_BLOCKING_REASONS = {
    "FailedMount",
    "FailedMapVolume",
    "FailedAttachVolume",
    "FailedCreatePodSandBox",
    "NetworkNotReady",
}
_PROGRESS_REASONS = {"Pulling", "Pulled", "Created", "Started"}
_SCALE_UP_REASONS = {"TriggeredScaleUp", "Nominated"}
"""Of the cluster autoscaler and of Karpenter."""


class PodHealth:
    """One pod of the version that is being judged."""

    def __init__(self, pod: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location) -> None:
        self._pod = pod
        self._seen = index
        self._place = location.narrow(pod=evidence.get_name(pod))
        self._events = index.list_events(pod)
        self._containers = [
            symptoms.ContainerHealth(
                pod=pod,
                status=status,
                events=self._events,
                index=index,
                location=self._place,
            )
            for status in evidence.list_container_statuses(pod)
        ]

    def list_findings(self) -> list[workload_health.Finding]:
        """Nothing for a pod that is ready, that has done its work, or that is being deleted."""
        status = evidence.get_mapping(self._pod, "status")
        phase = status.get("phase")
        if evidence.is_terminating(self._pod) or evidence.is_pod_ready(self._pod) or phase == "Succeeded":
            return []
        scheduled = evidence.find_condition(self._pod, "PodScheduled")
        if scheduled.get("status") == "False":
            return [self._explain_unscheduled(scheduled)]
        if phase == "Failed" and (status.get("reason") or not any(one.last_termination for one in self._containers)):
            return [self._explain_eviction()]
        found = [one for container in self._containers if (one := container.find_problem())]
        if found or any(container.has_started for container in self._containers):
            return found
        return self._explain_blocked_start()

    def locate_unready_container(self) -> causes.Location:
        """The first container that runs without being ready: whose log may tell why."""
        waiting = next((one for one in self._containers if one.has_started and not one.is_ready), None)
        return waiting.location if waiting else self._place

    def _explain_unscheduled(self, scheduled: Mapping[str, Any]) -> workload_health.Finding:
        said = message_parsers.format_scheduler_message(scheduled.get("message") or scheduled.get("reason") or "")
        # A volume that is there may also hold the pod back: by the node that it is on.
        if re.search(r"persistent ?volume|binding volumes", said, re.I) and (
            claims := "; ".join(self._describe_unbound_claims())
        ):
            return causes.create_finding("volume-unbound", claims, self._place, fatal=False)
        if any(event.reason in _SCALE_UP_REASONS for event in self._events):
            said += " (a new node is on its way)"
        return causes.create_finding("unschedulable", said, self._place, fatal=False)

    def _describe_unbound_claims(self) -> Iterator[str]:
        """What is known of the claims that wait for a volume."""
        for volume in evidence.get_list(self._pod, "spec", "volumes"):
            name = evidence.get_mapping(volume, "persistentVolumeClaim").get("claimName")
            claim = self._seen.find("PersistentVolumeClaim", name) if name else None
            if name and claim is None:
                yield f"the volume claim {name} does not exist"
            elif claim and evidence.get_mapping(claim, "status").get("phase") != "Bound":
                said = [
                    event.message for event in self._seen.list_events(claim) if event.reason != "WaitForFirstConsumer"
                ]
                yield f"the volume claim {name} is not bound: {message_parsers.truncate_line(said[-1]) if said else 'nobody provides it'}"

    def _explain_eviction(self) -> workload_health.Finding:
        """No container ended by itself: the kubelet would not have the pod, or not any longer."""
        status = evidence.get_mapping(self._pod, "status")
        said = message_parsers.truncate_line(status.get("message") or "") or "no reason was given"
        reason = status.get("reason") or "Failed"
        return causes.create_finding("evicted", f"the node ended the pod ({reason}): {said}", self._place, fatal=False)

    def _explain_blocked_start(self) -> list[workload_health.Finding]:
        """Before the first container: the last thing that went wrong, unless it went on after that."""
        said = [event for event in self._events if event.reason in _BLOCKING_REASONS | _PROGRESS_REASONS]
        if not said or said[-1].reason in _PROGRESS_REASONS:
            return []
        last = said[-1]
        if last.reason in {"FailedCreatePodSandBox", "NetworkNotReady"}:
            return [
                causes.create_finding(
                    "sandbox-failed", message_parsers.truncate_line(last.message), self._place, fatal=False
                )
            ]
        meaning = message_parsers.parse_config_error(last.message)
        if meaning.cause != "config-missing":
            return [
                causes.create_finding(
                    "volume-not-mounted", message_parsers.truncate_line(last.message), self._place, fatal=False
                )
            ]
        fatal = (
            not meaning.is_transient and last.count >= MIN_FAILED_MOUNTS and self._seen.is_fresh(last.time, self._pod)
        )
        return [causes.create_finding(meaning.cause, meaning.line, self._place, fatal=fatal)]
