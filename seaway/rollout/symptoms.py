"""What one container of a pod shows to be wrong with it: its image, its configuration, its program, its probes."""

import datetime
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import causes, evidence, message_parsers, permission_errors, workload_health

CRASH_LOOP_RESTARTS = 3
"""So many restarts make a crash loop. One early crash, before the database is up, is nothing."""

MIN_FAILED_PULLS = 2
"""So many failed pulls make it certain: one may have met a registry that was just being written to."""

SETTLE_SECONDS = 10
"""Seconds for what is so at every start and only tells something if it goes on: a probe fails, an object is missing."""

_STARTING_REASONS = {"", "ContainerCreating", "PodInitializing"}


class ContainerHealth:
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
        index: evidence.ObjectIndex,
        location: causes.Location,
    ) -> None:
        self.name: str = status["name"]
        asked = evidence.find_container(pod, self.name)
        self._is_sidecar = evidence.is_sidecar(asked)
        first = self.name in {one["name"] for one in evidence.get_list(pod, "spec", "initContainers")}
        kind = "sidecars" if self._is_sidecar else "init"
        self.location = location.narrow(container=self.name, extra_container=f"{kind}.{self.name}" if first else "")
        self._image: str = asked.get("image") or status.get("image") or ""
        self._memory: str | None = evidence.get_mapping(asked, "resources", "limits").get("memory")
        self._pod = pod
        self._status = status
        self._events = events
        self._seen = index
        self._waiting = evidence.get_mapping(status, "state", "waiting")
        self._waiting_message: str = self._waiting.get("message") or ""
        self._running = "running" in evidence.get_mapping(status, "state")

    @property
    def last_termination(self) -> Mapping[str, Any]:
        """How it ended last; empty: it has not yet."""
        now = evidence.get_mapping(self._status, "state", "terminated")
        return now or evidence.get_mapping(self._status, "lastState", "terminated")

    @property
    def _is_job_done(self) -> bool:
        """Whether a job's container has done its work: its pod says so a moment later. What stands beside it is ended
        then, and says so with a signal."""
        if self.location.target.kind not in {"Job", "CronJob"}:
            return False
        if self._is_sidecar:
            main = evidence.get_list(self._pod, "status", "containerStatuses")
            return bool(main) and all("terminated" in evidence.get_mapping(one, "state") for one in main)
        return self.last_termination.get("exitCode") == 0

    @property
    def has_started(self) -> bool:
        """Whether it has ever been started."""
        return self._running or bool(self.last_termination)

    @property
    def is_ready(self) -> bool:
        """Whether it serves; an init container: whether it did its work."""
        return bool(self._status.get("ready"))

    def find_problem(self) -> workload_health.Finding | None:
        """What is wrong, if something is."""
        if self.is_ready and not self._waiting:
            return None
        reason = self._waiting.get("reason") or ""
        if reason in self._waiting_handlers():
            return self._waiting_handlers()[reason]()
        if self._running and (silent := self._explain_not_ready()):
            return silent
        if self.last_termination and not self._is_job_done:
            return self._explain_crash()
        return self._explain_create_error(reason) if reason not in _STARTING_REASONS else None

    def _waiting_handlers(self) -> Mapping[str, Callable[[], workload_health.Finding]]:
        """Why it waits, and what reads that. Any other reason is that of a crash, or told as it is."""
        return {
            "ErrImagePull": self._explain_pull_error,
            "ImagePullBackOff": self._explain_pull_error,
            "RegistryUnavailable": self._explain_pull_error,
            "SignatureValidationFailed": self._explain_pull_error,
            "InvalidImageName": self._explain_invalid_name,
            "ErrImageNeverPull": self._explain_never_pulled,
            "CreateContainerConfigError": self._explain_config_error,
        }

    def _explain_invalid_name(self) -> workload_health.Finding:
        return causes.create_finding(
            "image-name-invalid", f"{self._image!r} is no image name", self.location, fatal=True
        )

    def _explain_never_pulled(self) -> workload_health.Finding:
        line = f"image {self._image} is not on the node, and its pull policy is Never"
        return causes.create_finding("image-not-found", line, self.location, fatal=True)

    def _explain_config_error(self) -> workload_health.Finding:
        """Only a try of this rollout is certain: the Secret may have been made again since the last one."""
        meaning = message_parsers.parse_config_error(self._waiting_message)
        tried = any(
            self._waiting_message in event.message and self._is_fresh(event.time) for event in self._list_failures()
        )
        return causes.create_finding(
            meaning.cause, meaning.line, self.location, fatal=tried and not meaning.is_transient
        )

    def _is_fresh(self, at: datetime.datetime) -> bool:
        return self._seen.is_fresh(at, self._pod)

    def _list_failures(self) -> list[evidence.Event]:
        """What the kubelet tried in vain."""
        return [event for event in self._events if event.reason == "Failed" and event.container == self.name]

    def _explain_pull_error(self) -> workload_health.Finding:
        """Kubelets before 1.32 say why only in the event; all of them say ImagePullBackOff after the first failure."""
        failed = [event for event in self._list_failures() if event.message.startswith("Failed to pull image")]
        said = self._waiting_message if ": " in self._waiting_message or not failed else failed[-1].message
        meaning = message_parsers.parse_pull_error(said, self._image)
        enough = 1 if meaning.cause == "wrong-architecture" else MIN_FAILED_PULLS
        certain = sum(event.count for event in failed) >= enough and self._is_fresh(failed[-1].time)
        fatal = certain and not meaning.is_transient
        return causes.create_finding(meaning.cause, meaning.line, self.location, fatal=fatal)

    def _explain_create_error(self, reason: str) -> workload_health.Finding:
        meaning = message_parsers.parse_start_error(self._waiting_message, self._image)
        if meaning is None:
            said = message_parsers.truncate_line(self._waiting_message) or "no reason was given"
            line = f"the container cannot be made ({reason}): {said}"
            return causes.create_finding("container-not-created", line, self.location, fatal=False)
        return causes.create_finding(meaning.cause, meaning.line, self.location, fatal=not meaning.is_transient)

    def _explain_crash(self) -> workload_health.Finding:
        ended = self.last_termination
        message = ended.get("message") or ""
        meaning = message_parsers.parse_start_error(f"{message}\n{self._waiting_message}", self._image)
        if meaning is not None and not meaning.is_transient:
            return causes.create_finding(meaning.cause, meaning.line, self.location, fatal=True)
        # While it runs once more, it may come up: then this was an early crash.
        fatal = (
            evidence.get_count(self._status, "restartCount") >= CRASH_LOOP_RESTARTS
            and not self._running
            and self._is_fresh(evidence.parse_time(ended.get("finishedAt")))
        )
        if meaning is not None:
            return causes.create_finding(meaning.cause, meaning.line, self.location, fatal=fatal)
        if ended.get("reason") == "OOMKilled":
            limit = f"its limit of {self._memory}" if self._memory else "the node has"
            line = f"{self.name} was killed: it took more memory than {limit}"
            return causes.create_finding("out-of-memory", line, self.location, fatal=fatal)
        if probe := self._find_failed_probe():
            cause = {"startup": "startup-failed", "liveness": "liveness-failed"}[probe]
            line = f"{self.name} was killed, as its {probe} probe failed{self._format_probe_failure(probe)}"
            return causes.create_finding(cause, line, self.location, fatal=fatal)
        if denied := permission_errors.find_denied_operation(message):
            line = f"{self.name} ended: {format_exit_code(ended)}: {message_parsers.truncate_line(denied.line)}"
            return causes.create_finding(denied.cause, line, self.location, fatal=fatal, folder=denied.folder)
        line = f"{self.name} ended: {format_exit_code(ended)}{format_last_line(message)}"
        return causes.create_finding("crash-loop", line, self.location, fatal=fatal)

    def _find_failed_probe(self) -> str | None:
        """The probe that had it killed. The kubelet says so in an event of that run; the exit code is the program's."""
        begun = evidence.parse_time(self.last_termination.get("startedAt"))
        said = [
            found[1]
            for event in self._events
            if event.reason == "Killing"
            and event.time >= begun
            and (found := re.search(rf"ontainer {re.escape(self.name)} failed (\w+) probe", event.message))
        ]
        return said[-1] if said and said[-1] in {"startup", "liveness"} else None

    def _format_probe_failure(self, kind: str) -> str:
        unhealthy = self._find_last_unhealthy(kind.capitalize())
        return f": {message_parsers.format_probe_failure(unhealthy.message.partition(': ')[2])}" if unhealthy else ""

    def _find_last_unhealthy(self, kind: str = "") -> evidence.Event | None:
        """The last time that a probe failed."""
        failed = [
            event
            for event in self._events
            if event.reason == "Unhealthy" and event.container == self.name and event.message.startswith(kind)
        ]
        return failed[-1] if failed else None

    def _explain_not_ready(self) -> workload_health.Finding | None:
        """It runs, and a probe says no. Every start begins so, so it is told once it goes on.

        One that crashed before and still starts is told for its crashes.
        """
        failed = self._find_last_unhealthy("Readiness" if self.last_termination else "")
        begun = evidence.parse_time(evidence.get_mapping(self._status, "state", "running").get("startedAt"))
        # Both times are the node's: its clock may differ from ours.
        if failed is None or (failed.time - begun).total_seconds() < SETTLE_SECONDS:
            return None
        line = f"{self.name} runs, but is not ready: {message_parsers.format_probe_failure(failed.message)}"
        return causes.create_finding("not-ready", line, self.location, fatal=False)


def format_exit_code(termination: Mapping[str, Any]) -> str:
    """``exit code 3``, ``exit code 139 (SIGSEGV)``; a service that ends without an error has failed all the same."""
    code = termination.get("exitCode", 0)
    if code == 0:
        return "exit code 0, but it is to run for ever"
    try:
        return f"exit code {code} ({signal.Signals(code - 128).name})" if code > 128 else f"exit code {code}"
    except ValueError:
        return f"exit code {code}"


def format_last_line(message: str) -> str:
    """The last line that the program left, where the status has it (terminationMessagePolicy)."""
    lines = message.strip().splitlines()
    return f": {message_parsers.truncate_line(lines[-1])}" if lines else ""
