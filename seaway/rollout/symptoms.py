"""What one container of a pod shows to be wrong with it: its image, its configuration, its program, its probes."""

import datetime
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import causes, evidence, message_parsers, permission_errors, workload_health

RESTARTS = 3
"""So many restarts make a crash loop. One early crash, before the database is up, is nothing."""

PULLS = 2
"""So many failed pulls make it certain: one may have met a registry that was just being written to."""

SETTLED = 10
"""Seconds for what is so at every start and only tells something if it goes on: a probe fails, an object is missing."""

_NOTHING_YET = {"", "ContainerCreating", "PodInitializing"}


class Container:
    """One container, in a moment.

    Args:
        pod: the pod that it belongs to.
        status: what the pod's status says of it.
        events: those of its pod, oldest first.
    """

    def __init__(
        self,
        *,
        pod: snapshot.Object,
        status: Mapping[str, Any],
        events: Sequence[evidence.Event],
        seen: evidence.Seen,
        place: causes.Place,
    ) -> None:
        self.name: str = status["name"]
        asked = evidence.container(pod, self.name)
        self._beside = evidence.beside(asked)
        first = self.name in {one["name"] for one in evidence.parts(pod, "spec", "initContainers")}
        kind = "sidecars" if self._beside else "init"
        self.place = place.at(container=self.name, companion=f"{kind}.{self.name}" if first else "")
        self._image: str = asked.get("image") or status.get("image") or ""
        self._memory: str | None = evidence.part(asked, "resources", "limits").get("memory")
        self._pod = pod
        self._status = status
        self._events = events
        self._seen = seen
        self._waiting = evidence.part(status, "state", "waiting")
        self._says: str = self._waiting.get("message") or ""
        self._running = "running" in evidence.part(status, "state")

    @property
    def ended(self) -> Mapping[str, Any]:
        """How it ended last; empty: it has not yet."""
        now = evidence.part(self._status, "state", "terminated")
        return now or evidence.part(self._status, "lastState", "terminated")

    @property
    def _done(self) -> bool:
        """Whether a job's container has done its work: its pod says so a moment later. What stands beside it is ended
        then, and says so with a signal."""
        if self.place.target.kind not in {"Job", "CronJob"}:
            return False
        if self._beside:
            main = evidence.parts(self._pod, "status", "containerStatuses")
            return bool(main) and all("terminated" in evidence.part(one, "state") for one in main)
        return self.ended.get("exitCode") == 0

    @property
    def begun(self) -> bool:
        """Whether it has ever been started."""
        return self._running or bool(self.ended)

    @property
    def ready(self) -> bool:
        """Whether it serves; an init container: whether it did its work."""
        return bool(self._status.get("ready"))

    def finding(self) -> workload_health.Finding | None:
        """What is wrong, if something is."""
        if self.ready and not self._waiting:
            return None
        reason = self._waiting.get("reason") or ""
        if reason in self._readers():
            return self._readers()[reason]()
        if self._running and (silent := self._silent()):
            return silent
        if self.ended and not self._done:
            return self._crashed()
        return self._unmade(reason) if reason not in _NOTHING_YET else None

    def _readers(self) -> Mapping[str, Callable[[], workload_health.Finding]]:
        """Why it waits, and what reads that. Any other reason is that of a crash, or told as it is."""
        return {
            "ErrImagePull": self._unpulled,
            "ImagePullBackOff": self._unpulled,
            "RegistryUnavailable": self._unpulled,
            "SignatureValidationFailed": self._unpulled,
            "InvalidImageName": self._misnamed,
            "ErrImageNeverPull": self._never_pulled,
            "CreateContainerConfigError": self._misconfigured,
        }

    def _misnamed(self) -> workload_health.Finding:
        return causes.finding("image-name-invalid", f"{self._image!r} is no image name", self.place, fatal=True)

    def _never_pulled(self) -> workload_health.Finding:
        line = f"image {self._image} is not on the node, and its pull policy is Never"
        return causes.finding("image-not-found", line, self.place, fatal=True)

    def _misconfigured(self) -> workload_health.Finding:
        """Only a try of this rollout is certain: the Secret may have been made again since the last one."""
        meaning = message_parsers.config(self._says)
        tried = any(self._says in event.message and self._fresh(event.time) for event in self._failed())
        return causes.finding(meaning.cause, meaning.line, self.place, fatal=tried and not meaning.heals)

    def _fresh(self, at: datetime.datetime) -> bool:
        return self._seen.fresh(at, self._pod)

    def _failed(self) -> list[evidence.Event]:
        """What the kubelet tried in vain."""
        return [event for event in self._events if event.reason == "Failed" and event.container == self.name]

    def _unpulled(self) -> workload_health.Finding:
        """Kubelets before 1.32 say why only in the event; all of them say ImagePullBackOff after the first failure."""
        failed = [event for event in self._failed() if event.message.startswith("Failed to pull image")]
        said = self._says if ": " in self._says or not failed else failed[-1].message
        meaning = message_parsers.pull(said, self._image)
        enough = 1 if meaning.cause == "wrong-architecture" else PULLS
        certain = sum(event.count for event in failed) >= enough and self._fresh(failed[-1].time)
        fatal = certain and not meaning.heals
        return causes.finding(meaning.cause, meaning.line, self.place, fatal=fatal)

    def _unmade(self, reason: str) -> workload_health.Finding:
        meaning = message_parsers.start(self._says, self._image)
        if meaning is None:
            said = message_parsers.line(self._says) or "no reason was given"
            line = f"the container cannot be made ({reason}): {said}"
            return causes.finding("container-not-created", line, self.place, fatal=False)
        return causes.finding(meaning.cause, meaning.line, self.place, fatal=not meaning.heals)

    def _crashed(self) -> workload_health.Finding:
        ended = self.ended
        message = ended.get("message") or ""
        meaning = message_parsers.start(f"{message}\n{self._says}", self._image)
        if meaning is not None and not meaning.heals:
            return causes.finding(meaning.cause, meaning.line, self.place, fatal=True)
        # While it runs once more, it may come up: then this was an early crash.
        fatal = (
            evidence.number(self._status, "restartCount") >= RESTARTS
            and not self._running
            and self._fresh(evidence.moment(ended.get("finishedAt")))
        )
        if meaning is not None:
            return causes.finding(meaning.cause, meaning.line, self.place, fatal=fatal)
        if ended.get("reason") == "OOMKilled":
            limit = f"its limit of {self._memory}" if self._memory else "the node has"
            line = f"{self.name} was killed: it took more memory than {limit}"
            return causes.finding("out-of-memory", line, self.place, fatal=fatal)
        if probe := self._killed_by():
            cause = {"startup": "startup-failed", "liveness": "liveness-failed"}[probe]
            line = f"{self.name} was killed, as its {probe} probe failed{self._probe_said(probe)}"
            return causes.finding(cause, line, self.place, fatal=fatal)
        if denied := permission_errors.denial(message):
            line = f"{self.name} ended: {exit_code(ended)}: {message_parsers.line(denied.line)}"
            return causes.finding(denied.cause, line, self.place, fatal=fatal, folder=denied.folder)
        line = f"{self.name} ended: {exit_code(ended)}{last_words(message)}"
        return causes.finding("crash-loop", line, self.place, fatal=fatal)

    def _killed_by(self) -> str | None:
        """The probe that had it killed. The kubelet says so in an event of that run; the exit code is the program's."""
        begun = evidence.moment(self.ended.get("startedAt"))
        said = [
            found[1]
            for event in self._events
            if event.reason == "Killing"
            and event.time >= begun
            and (found := re.search(rf"ontainer {re.escape(self.name)} failed (\w+) probe", event.message))
        ]
        return said[-1] if said and said[-1] in {"startup", "liveness"} else None

    def _probe_said(self, kind: str) -> str:
        unhealthy = self._unhealthy(kind.capitalize())
        return f": {message_parsers.probe(unhealthy.message.partition(': ')[2])}" if unhealthy else ""

    def _unhealthy(self, kind: str = "") -> evidence.Event | None:
        """The last time that a probe failed."""
        failed = [
            event
            for event in self._events
            if event.reason == "Unhealthy" and event.container == self.name and event.message.startswith(kind)
        ]
        return failed[-1] if failed else None

    def _silent(self) -> workload_health.Finding | None:
        """It runs, and a probe says no. Every start begins so, so it is told once it goes on.

        One that crashed before and still starts is told for its crashes.
        """
        failed = self._unhealthy("Readiness" if self.ended else "")
        begun = evidence.moment(evidence.part(self._status, "state", "running").get("startedAt"))
        # Both times are the node's: its clock may differ from ours.
        if failed is None or (failed.time - begun).total_seconds() < SETTLED:
            return None
        line = f"{self.name} runs, but is not ready: {message_parsers.probe(failed.message)}"
        return causes.finding("not-ready", line, self.place, fatal=False)


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
    return f": {message_parsers.line(lines[-1])}" if lines else ""
