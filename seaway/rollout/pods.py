"""What one pod shows to be wrong with it.

A pod is asked in the order in which it starts: given to a node, its volumes and network, its images, its containers,
their programs, their probes. What comes first explains what comes after.
"""

import dataclasses
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seaway.rollout import causes, evidence, snapshot, texts, verdict

RESTARTS = 3
"""So many restarts make a crash loop. One early crash, before the database is up, is nothing."""

PULLS = 2
"""So many failed pulls make it certain: one may have met a registry that was just being written to."""

MOUNTS = 3
"""So many failed mounts, which the kubelet tries within about two seconds."""

SETTLED = 10
"""Seconds for what is so at every start and only tells something if it goes on: a probe fails, an object is missing."""

_NOTHING_YET = {"", "ContainerCreating", "PodInitializing"}
_BLOCKED = {"FailedMount", "FailedMapVolume", "FailedAttachVolume", "FailedCreatePodSandBox", "NetworkNotReady"}
_MOVED_ON = {"Pulling", "Pulled", "Created", "Started"}
_NEW_NODE = {"TriggeredScaleUp", "Nominated"}
"""Of the cluster autoscaler and of Karpenter."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Container:
    """One container of the pod, in a moment."""

    name: str
    image: str
    init: bool
    memory: str | None
    """Its limit."""
    status: Mapping[str, Any]

    @property
    def waiting(self) -> Mapping[str, Any]:
        return evidence.part(self.status, "state", "waiting")

    @property
    def says(self) -> str:
        """Why it waits."""
        return self.waiting.get("message") or ""

    @property
    def running(self) -> bool:
        return "running" in evidence.part(self.status, "state")

    @property
    def ended(self) -> Mapping[str, Any]:
        """How it ended last; empty: it has not yet, or it was an init container that did its work."""
        now = evidence.part(self.status, "state", "terminated")
        if self.init and now.get("exitCode") == 0:
            return {}
        return now or evidence.part(self.status, "lastState", "terminated")

    @property
    def begun(self) -> bool:
        """Whether it has ever been started."""
        return self.running or bool(self.ended or evidence.part(self.status, "state", "terminated"))

    @property
    def ready(self) -> bool:
        return bool(self.status.get("ready"))

    @property
    def restarts(self) -> int:
        return evidence.number(self.status, "restartCount")


class Pod:
    """One pod of the version that is being judged."""

    def __init__(self, pod: snapshot.Object, seen: evidence.Seen, place: causes.Place) -> None:
        self._pod = pod
        self._seen = seen
        self._place = place.at(pod=evidence.named(pod))
        self._events = seen.events(pod)
        inits = {one["name"] for one in evidence.parts(pod, "spec", "initContainers")}
        self._containers = [self._container(status, inits) for status in evidence.statuses(pod)]

    def _container(self, status: Mapping[str, Any], inits: set[str]) -> _Container:
        name = status["name"]
        asked = evidence.container(self._pod, name)
        return _Container(
            name=name,
            image=asked.get("image") or status.get("image") or "",
            init=name in inits,
            memory=evidence.part(asked, "resources", "limits").get("memory"),
            status=status,
        )

    def findings(self) -> list[verdict.Finding]:
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
        found = [one for container in self._containers if (one := self._of(container))]
        if found or any(container.begun for container in self._containers):
            return found
        return self._blocked()

    def unready(self) -> causes.Place:
        """The first container that runs without being ready: whose log may tell why."""
        waiting = next((one for one in self._containers if one.begun and not one.ready), None)
        return self._place.at(container=waiting.name) if waiting else self._place

    def _unscheduled(self, scheduled: Mapping[str, Any]) -> verdict.Finding:
        said = texts.unschedulable(scheduled.get("message") or scheduled.get("reason") or "")
        if re.search(r"persistent ?volume", said, re.I):
            claims = "; ".join(self._unbound()) or said
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
                yield f"the volume claim {name} is not bound: {texts.line(said[-1]) if said else 'nobody provides it'}"

    def _thrown_out(self) -> verdict.Finding:
        """No container ended by itself: the kubelet would not have the pod, or not any longer."""
        status = evidence.part(self._pod, "status")
        said = texts.line(status.get("message") or "") or "no reason was given"
        reason = status.get("reason") or "Failed"
        return causes.finding("evicted", f"the node ended the pod ({reason}): {said}", self._place, fatal=False)

    def _blocked(self) -> list[verdict.Finding]:
        """Before the first container: the last thing that went wrong, unless it went on after that."""
        said = [event for event in self._events if event.reason in _BLOCKED | _MOVED_ON]
        if not said or said[-1].reason in _MOVED_ON:
            return []
        last = said[-1]
        if last.reason in {"FailedCreatePodSandBox", "NetworkNotReady"}:
            return [causes.finding("sandbox-failed", texts.line(last.message), self._place, fatal=False)]
        meaning = texts.config(last.message)
        if meaning.cause != "config-missing":
            return [causes.finding("volume-not-mounted", texts.line(last.message), self._place, fatal=False)]
        fatal = not meaning.heals and last.count >= MOUNTS and self._seen.fresh(last.time)
        return [causes.finding(meaning.cause, meaning.line, self._place, fatal=fatal)]

    def _of(self, container: _Container) -> verdict.Finding | None:
        if container.ready and not container.waiting:
            return None
        reason = container.waiting.get("reason") or ""
        place = self._place.at(container=container.name)
        if reason in _READERS:
            return _READERS[reason](self, container, place)
        if container.running and (silent := self._silent(container, place)):
            return silent
        if container.ended:
            return self._crashed(container, place)
        return self._unmade(container, reason, place) if reason not in _NOTHING_YET else None

    def _misnamed(self, container: _Container, place: causes.Place) -> verdict.Finding:
        return causes.finding("image-name-invalid", f"{container.image!r} is no image name", place, fatal=True)

    def _never_pulled(self, container: _Container, place: causes.Place) -> verdict.Finding:
        line = f"image {container.image} is not on the node, and its pull policy is Never"
        return causes.finding("image-not-found", line, place, fatal=True)

    def _misconfigured(self, container: _Container, place: causes.Place) -> verdict.Finding:
        meaning = texts.config(container.says)
        return causes.finding(meaning.cause, meaning.line, place, fatal=not meaning.heals)

    def _unpulled(self, container: _Container, place: causes.Place) -> verdict.Finding:
        """Kubelets before 1.32 say why only in the event; all of them say ImagePullBackOff after the first failure."""
        failed = [
            event
            for event in self._events
            if event.reason == "Failed"
            and event.container == container.name
            and event.message.startswith("Failed to pull image")
        ]
        said = container.says if ": " in container.says or not failed else failed[-1].message
        meaning = texts.pull(said, container.image)
        again = sum(event.count for event in failed) >= PULLS and self._seen.fresh(failed[-1].time)
        fatal = not meaning.heals and (again or meaning.cause == "wrong-architecture")
        return causes.finding(meaning.cause, meaning.line, place, fatal=fatal)

    def _unmade(self, container: _Container, reason: str, place: causes.Place) -> verdict.Finding:
        meaning = texts.start(container.says, container.image)
        if meaning is None:
            said = texts.line(container.says) or "no reason was given"
            line = f"the container cannot be made ({reason}): {said}"
            return causes.finding("container-not-created", line, place, fatal=False)
        return causes.finding(meaning.cause, meaning.line, place, fatal=not meaning.heals)

    def _crashed(self, container: _Container, place: causes.Place) -> verdict.Finding:
        ended = container.ended
        message = ended.get("message") or ""
        meaning = texts.start(f"{message}\n{container.says}", container.image)
        if meaning is not None and not meaning.heals:
            return causes.finding(meaning.cause, meaning.line, place, fatal=True)
        # While it runs once more, it may come up: then this was an early crash.
        fatal = (
            container.restarts >= RESTARTS
            and not container.running
            and self._seen.fresh(evidence.moment(ended.get("finishedAt")))
        )
        if meaning is not None:
            return causes.finding(meaning.cause, meaning.line, place, fatal=fatal)
        if ended.get("reason") == "OOMKilled":
            limit = f"its limit of {container.memory}" if container.memory else "the node has"
            line = f"{container.name} was killed: it took more memory than {limit}"
            return causes.finding("out-of-memory", line, place, fatal=fatal)
        if probe := self._killed_by(container):
            cause = {"startup": "startup-failed", "liveness": "liveness-failed"}[probe]
            line = f"{container.name} was killed, as its {probe} probe failed{self._probe_said(container, probe)}"
            return causes.finding(cause, line, place, fatal=fatal)
        line = f"{container.name} ended: {exit_code(ended)}{last_words(message)}"
        return causes.finding("crash-loop", line, place, fatal=fatal)

    def _killed_by(self, container: _Container) -> str | None:
        """The probe that had it killed. The kubelet says so in an event of that run; the exit code is the program's."""
        begun = evidence.moment(container.ended.get("startedAt"))
        said = [
            found[1]
            for event in self._events
            if event.reason == "Killing"
            and event.time >= begun
            and (found := re.search(rf"ontainer {re.escape(container.name)} failed (\w+) probe", event.message))
        ]
        return said[-1] if said and said[-1] in {"startup", "liveness"} else None

    def _probe_said(self, container: _Container, kind: str) -> str:
        unhealthy = self._unhealthy(container, kind.capitalize())
        return f": {texts.probe(unhealthy.message.partition(': ')[2])}" if unhealthy else ""

    def _unhealthy(self, container: _Container, kind: str = "") -> evidence.Event | None:
        """The last time that a probe failed."""
        failed = [
            event
            for event in self._events
            if event.reason == "Unhealthy" and event.container == container.name and event.message.startswith(kind)
        ]
        return failed[-1] if failed else None

    def _silent(self, container: _Container, place: causes.Place) -> verdict.Finding | None:
        """It runs, and a probe says no. Every start begins so, so it is told once it goes on.

        One that crashed before and still starts is told for its crashes.
        """
        failed = self._unhealthy(container, "Readiness" if container.ended else "")
        begun = evidence.moment(evidence.part(container.status, "state", "running").get("startedAt"))
        # Both times are the node's: its clock may differ from ours.
        if failed is None or (failed.time - begun).total_seconds() < SETTLED:
            return None
        line = f"{container.name} runs, but is not ready: {texts.probe(failed.message)}"
        return causes.finding("not-ready", line, place, fatal=False)


_READERS: Mapping[str, Callable[[Pod, _Container, causes.Place], verdict.Finding]] = {
    "ErrImagePull": Pod._unpulled,
    "ImagePullBackOff": Pod._unpulled,
    "RegistryUnavailable": Pod._unpulled,
    "SignatureValidationFailed": Pod._unpulled,
    "InvalidImageName": Pod._misnamed,
    "ErrImageNeverPull": Pod._never_pulled,
    "CreateContainerConfigError": Pod._misconfigured,
}
"""Why a container waits, and what reads it. Any other reason is that of a crash, or told as it is."""


def exit_code(ended: Mapping[str, Any]) -> str:
    """``exit code 3``, ``exit code 139 (SIGSEGV)``; a service that ends without an error has failed all the same."""
    code = ended.get("exitCode", 0)
    if code == 0:
        return "exit code 0, but it is to run for ever"
    try:
        return f"exit code {code} ({signal.Signals(code - 128).name})" if code > 128 else f"exit code {code}"
    except ValueError:
        return f"exit code {code}"


def last_words(message: str) -> str:
    """The last line that the program left, where the status has it (terminationMessagePolicy)."""
    lines = message.strip().splitlines()
    return f": {texts.line(lines[-1])}" if lines else ""
