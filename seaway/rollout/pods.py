"""The problems of one pod.

They are looked for in the order in which a pod starts: node, volumes and network, images, containers, programs, probes.
An earlier problem explains the later ones.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.rollout import causes, evidence, message_parsers, node_usage, symptoms, workload_health

MIN_FAILED_MOUNTS = 3
"""Failed mounts until the failure is certain. The kubelet makes this many attempts within about two seconds."""

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

_EVICTION_HINTS: Mapping[str, str] = {
    "EmptyDir": "write less to this folder, whose limit is fixed: files that must stay belong in the volume of a store",
    "ephemeral (?:local )?storage (?:limit|usage)": "write less to disk, or raise <resources.disk>",
}
"""By the kubelet's text. https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/eviction/helpers.go"""


class PodHealth:
    """One pod of the version that is assessed."""

    def __init__(self, pod: snapshot.Object, index: evidence.ObjectIndex, location: causes.Location) -> None:
        self._pod = pod
        self._index = index
        self._location = dataclasses.replace(location, pod=unstructured.get_name(pod))
        self._events = index.list_events(pod)
        self._containers = [
            symptoms.ContainerHealth(pod=pod, status=status, events=self._events, index=index, location=self._location)
            for status in unstructured.list_container_statuses(pod)
        ]

    def list_findings(self) -> list[workload_health.Finding]:
        """Empty for a pod that is ready, has finished its work, or is being deleted."""
        status = unstructured.get_mapping(self._pod, "status")
        phase = status.get("phase")
        if unstructured.is_terminating(self._pod) or unstructured.is_pod_ready(self._pod) or phase == "Succeeded":
            return []
        scheduled = unstructured.find_condition(self._pod, "PodScheduled")
        if scheduled.get("status") == "False":
            return [self._explain_unscheduled(scheduled)]
        terminated = any(container.last_termination for container in self._containers)
        if phase == "Failed" and (status.get("reason") or not terminated):
            return [self._explain_eviction(status)]
        findings = [finding for container in self._containers if (finding := container.find_problem())]
        if findings or any(container.has_started for container in self._containers):
            return findings
        return self._explain_blocked_start()

    def locate_unready_container(self) -> causes.Location:
        """The first container that runs but is not ready: its log may have the reason."""
        unready = (health.location for health in self._containers if health.has_started and not health.is_ready)
        return next(unready, self._location)

    def _explain_unscheduled(self, condition: snapshot.Object) -> workload_health.Finding:
        text = condition.get("message") or condition.get("reason") or ""
        message = message_parsers.format_scheduler_message(text)
        # A bound volume can also prevent scheduling: by the node that it is on.
        if re.search(r"persistent ?volume|binding volumes", message, re.I):
            claims = "; ".join(self._describe_unbound_claims())
            if claims:
                return causes.create_finding("volume-unbound", claims, self._location)
        for resource in node_usage.find_insufficient(message):
            if requests := self._index.requests.get(resource):
                message += f"; {resource} requested in the cluster: {requests}"
        if any(event.reason in _SCALE_UP_REASONS for event in self._events):
            message += " (a new node is being added)"
        return causes.create_finding("unschedulable", message, self._location)

    def _describe_unbound_claims(self) -> Iterator[str]:
        """The claims that wait for a volume, each with the last event."""
        for volume in unstructured.get_list(self._pod, "spec", "volumes"):
            name = unstructured.get_mapping(volume, "persistentVolumeClaim").get("claimName")
            if not name:
                continue
            claim = self._index.find("PersistentVolumeClaim", name)
            if claim is None:
                yield f"the volume claim {name} does not exist"
            elif unstructured.get_mapping(claim, "status").get("phase") != "Bound":
                events = [event for event in self._index.list_events(claim) if event.reason != "WaitForFirstConsumer"]
                reason = message_parsers.truncate_line(events[-1].message) if events else "it has no provisioner"
                yield f"the volume claim {name} is not bound: {reason}"

    def _explain_eviction(self, status: snapshot.Object) -> workload_health.Finding:
        """No container ended by itself: the kubelet rejected or evicted the pod."""
        detail = message_parsers.truncate_line(status.get("message") or "") or message_parsers.NO_REASON
        message = f"the node ended the pod ({status.get('reason') or 'Failed'}): {detail}"
        hint = next((hint for pattern, hint in _EVICTION_HINTS.items() if re.search(pattern, detail)), None)
        return causes.create_finding("evicted", message, self._location, hint=hint)

    def _explain_blocked_start(self) -> list[workload_health.Finding]:
        """Before the first container: the last failure, unless the pod made progress after it."""
        events = [event for event in self._events if event.reason in _BLOCKING_REASONS | _PROGRESS_REASONS]
        if not events or events[-1].reason in _PROGRESS_REASONS:
            return []
        last = events[-1]
        parsed = message_parsers.parse_config_error(last.message)
        if last.reason in {"FailedCreatePodSandBox", "NetworkNotReady"}:
            cause = "sandbox-failed"
        elif parsed.cause != "config-missing":
            cause = "volume-not-mounted"
        else:
            fatal = last.count >= MIN_FAILED_MOUNTS and self._index.is_fresh(last.time, self._pod)
            return [causes.convert_message(parsed, self._location, fatal=fatal)]
        return [causes.create_finding(cause, message_parsers.truncate_line(last.message), self._location)]
