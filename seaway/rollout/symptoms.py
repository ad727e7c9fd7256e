"""The problems of one container of a pod: its image, its configuration, its program, its probes."""

import dataclasses
import re
import signal
from collections.abc import Callable, Mapping, Sequence

from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.rollout import (
    causes,
    crash_output,
    evidence,
    hints,
    message_parsers,
    permission_errors,
    probe_failures,
    workload_health,
)

CRASH_LOOP_RESTARTS = 3
"""Restarts until a crash loop is certain. One early crash, such as before the database is up, is normal."""

MIN_FAILED_PULLS = 2
"""Failed pulls until the failure is certain. The first may have met a registry that was just being written to."""

_MIN_FAILED_PULLS = {"wrong-architecture": 1, "registry-unreachable": 3}
"""Of some causes. The kubelet waits 10 s, then 20 s: a short outage of the DNS is over by the third pull."""

SETTLE_SECONDS = 10
"""Seconds that a state must last that is normal at every start, such as a failing probe or a missing object."""

_STARTING_REASONS = {"", "ContainerCreating", "PodInitializing"}


class ContainerHealth:
    """One container at one moment.

    Args:
        status: the container's status in the pod.
        events: of the pod, oldest first.
    """

    def __init__(
        self,
        *,
        pod: snapshot.Object,
        status: snapshot.Object,
        events: Sequence[evidence.Event],
        index: evidence.ObjectIndex,
        location: causes.Location,
    ) -> None:
        self.name: str = status["name"]
        container = unstructured.find_container(pod, self.name)
        self._is_sidecar = unstructured.is_sidecar(container)
        init_names = {init["name"] for init in unstructured.get_list(pod, "spec", "initContainers")}
        section = "sidecars" if self._is_sidecar else "init"
        extra_container = f"{section}.{self.name}" if self.name in init_names else ""
        self.location = dataclasses.replace(location, container=self.name, extra_container=extra_container)
        self._container = container
        self._image: str = container.get("image") or status.get("image") or ""
        self._memory: str | None = unstructured.get_mapping(container, "resources", "limits").get("memory")
        self._pod = pod
        self._status = status
        self._events = events
        self._index = index
        self._waiting = unstructured.get_mapping(status, "state", "waiting")
        self._waiting_message: str = self._waiting.get("message") or ""
        self._running = "running" in unstructured.get_mapping(status, "state")

    @property
    def _log(self) -> str:
        """The last lines of its log, if they were read."""
        return self._index.logs.get((self.location.pod, self.name), "")

    @property
    def last_termination(self) -> snapshot.Object:
        """How it ended last; empty if it has not ended yet."""
        current = unstructured.get_mapping(self._status, "state", "terminated")
        return current or unstructured.get_mapping(self._status, "lastState", "terminated")

    @property
    def _is_job_done(self) -> bool:
        """Whether a job's container has finished its work. Kubernetes then stops the sidecars with a signal."""
        if self.location.target.kind not in {"Job", "CronJob"}:
            return False
        if self._is_sidecar:
            main = unstructured.get_list(self._pod, "status", "containerStatuses")
            return bool(main) and all("terminated" in unstructured.get_mapping(status, "state") for status in main)
        return self.last_termination.get("exitCode") == 0

    @property
    def has_started(self) -> bool:
        """Whether it was ever started."""
        return self._running or bool(self.last_termination)

    @property
    def is_ready(self) -> bool:
        """Whether it serves requests; of an init container, whether it has finished."""
        return bool(self._status.get("ready"))

    def find_problem(self) -> workload_health.Finding | None:
        """Its problem, if it has one."""
        if self.is_ready and not self._waiting:
            return None
        reason = self._waiting.get("reason") or ""
        explain = self._waiting_handlers().get(reason)
        if explain is not None:
            return explain()
        if self._running and (finding := self._explain_not_ready()):
            return finding
        if self.last_termination and not self._is_job_done:
            return self._explain_crash()
        return self._explain_create_error(reason) if reason not in _STARTING_REASONS else None

    def _waiting_handlers(self) -> Mapping[str, Callable[[], workload_health.Finding]]:
        """By the reason why the container waits. All other reasons follow a crash, or are reported as they are."""
        return {
            "ErrImagePull": self._explain_pull_error,
            "ImagePullBackOff": self._explain_pull_error,
            "RegistryUnavailable": self._explain_pull_error,
            "SignatureValidationFailed": self._explain_pull_error,
            "InvalidImageName": self._explain_invalid_name,
            "ErrImageNeverPull": self._explain_never_pulled,
            "CreateContainerConfigError": self._explain_config_error,
        }

    def _create_finding(self, cause: str, message: str, *, fatal: bool = False) -> workload_health.Finding:
        return causes.create_finding(cause, message, self.location, fatal=fatal)

    def _explain_invalid_name(self) -> workload_health.Finding:
        return self._create_finding("image-name-invalid", f"{self._image!r} is not a valid image name", fatal=True)

    def _explain_never_pulled(self) -> workload_health.Finding:
        message = f"image {self._image} is not on the node, and its pull policy is Never"
        return self._create_finding("image-not-found", message, fatal=True)

    def _explain_config_error(self) -> workload_health.Finding:
        """Only an attempt in this rollout is certain: the Secret may have been created since the last attempt."""
        parsed = message_parsers.parse_config_error(self._waiting_message)
        attempts = [event for event in self._list_failures() if self._waiting_message in event.message]
        fatal = any(self._index.is_fresh(event.time, self._pod) for event in attempts)
        return causes.convert_message(parsed, self.location, fatal=fatal)

    def _list_failures(self) -> list[evidence.Event]:
        """The kubelet's failed attempts to start it."""
        return [event for event in self._events if event.reason == "Failed" and event.container == self.name]

    def _explain_pull_error(self) -> workload_health.Finding:
        """Kubelets before 1.32 give the reason only in the event. All wait with ImagePullBackOff after a failure."""
        failures = [event for event in self._list_failures() if event.message.startswith("Failed to pull image")]
        has_reason = ": " in self._waiting_message or not failures
        text = self._waiting_message if has_reason else failures[-1].message
        parsed = message_parsers.parse_pull_error(text, self._image)
        needed = _MIN_FAILED_PULLS.get(parsed.cause, MIN_FAILED_PULLS)
        enough = sum(event.count for event in failures) >= needed
        fatal = enough and self._index.is_fresh(failures[-1].time, self._pod)
        return causes.convert_message(parsed, self.location, fatal=fatal)

    def _explain_create_error(self, reason: str) -> workload_health.Finding:
        parsed = message_parsers.parse_start_error(self._waiting_message, self._image)
        if parsed is not None:
            return causes.convert_message(parsed, self.location, fatal=True)
        detail = message_parsers.truncate_line(self._waiting_message) or message_parsers.NO_REASON
        return self._create_finding("container-not-created", f"the container cannot be created ({reason}): {detail}")

    def _explain_crash(self) -> workload_health.Finding:
        termination = self.last_termination
        output = termination.get("message") or ""
        if output and self._log.rstrip().endswith(output.rstrip()):
            output = self._log  # Kubernetes keeps only the last 2048 bytes.
        parsed = message_parsers.parse_start_error(f"{output}\n{self._waiting_message}", self._image)
        if parsed is not None and not parsed.is_transient:
            return causes.convert_message(parsed, self.location, fatal=True)
        # While it runs again it may become ready: then this was an early crash.
        fatal = (
            unstructured.get_count(self._status, "restartCount") >= CRASH_LOOP_RESTARTS
            and not self._running
            and self._index.is_fresh(unstructured.parse_time(termination.get("finishedAt")), self._pod)
        )
        if parsed is not None:
            return self._create_finding(parsed.cause, parsed.message, fatal=fatal)
        if termination.get("reason") == "OOMKilled":
            limit = f"its limit of {self._memory}" if self._memory else "the node has"
            message = f"{self.name} was killed: it used more memory than {limit}"
            return self._create_finding("out-of-memory", message, fatal=fatal)
        if probe := self._find_failed_probe():
            return self._explain_failed_probe(probe, fatal=fatal)
        # A pod of a job that ends with an error is not restarted: another pod follows it.
        cause = "job-failed" if self.location.target.kind in {"Job", "CronJob"} else "crash-loop"
        crash = self._find_permission_error(output) or crash_output.parse_crash(output, cause)
        ending = f"{self.name} ended: {format_exit_code(termination)}"
        message = f"{ending}: {message_parsers.truncate_line(crash.message)}" if crash.message else ending
        return self._convert_error(crash, message, fatal=fatal)

    def _find_permission_error(self, output: str) -> message_parsers.ParsedMessage | None:
        command = (*self._container.get("command", ()), *self._container.get("args", ()))
        working_dir = self._container.get("workingDir") or (
            "" if self.location.extra_container else self.location.target.working_dir
        )
        return permission_errors.find_permission_error(output, working_dir=working_dir, command=command)

    def _convert_error(
        self, error: message_parsers.ParsedMessage, message: str, *, fatal: bool = False
    ) -> workload_health.Finding:
        """The finding of an error in the output of the program."""
        hint, link = error.hint, None
        if hint == crash_output.VARIABLE_HINT and not self.location.extra_container:
            link = hints.find_link(error.values["variable"], self.location.target)
        if link:
            hint = crash_output.LINK_HINT
        user = unstructured.get_user(self._pod, self._container)
        values = {"link": link or "", "user": "USER" if user is None else str(user), **error.values}
        return causes.create_finding(error.cause, message, self.location, fatal=fatal, hint=hint, values=values)

    def _find_failed_probe(self) -> str | None:
        """The probe whose failure caused the restart. The kubelet has it in an event of that run."""
        started = unstructured.parse_time(self.last_termination.get("startedAt"))
        pattern = re.compile(rf"ontainer {re.escape(self.name)} failed (\w+) probe")
        probes = [
            match[1]
            for event in self._events
            if event.reason == "Killing" and event.time >= started and (match := pattern.search(event.message))
        ]
        return probes[-1] if probes and probes[-1] in {"startup", "liveness"} else None

    def _explain_failed_probe(self, probe: str, *, fatal: bool) -> workload_health.Finding:
        """A probe whose failures restarted it."""
        message = f"{self.name} was killed because its {probe} probe failed"
        unhealthy = self._find_last_unhealthy(probe.capitalize())
        if unhealthy is None:
            return self._create_finding(f"{probe}-failed", message, fatal=fatal)
        # A program that has served before listens on the right port.
        parsed = self._parse_unhealthy(unhealthy) if probe == "startup" else None
        if parsed is None or parsed.cause == "not-ready":
            detail = message_parsers.format_probe_failure(unhealthy.message.partition(": ")[2])
            return self._create_finding(f"{probe}-failed", f"{message}: {detail}" if detail else message, fatal=fatal)
        parsed = dataclasses.replace(parsed, message=f"{message}: {parsed.message}")
        return causes.convert_message(parsed, self.location, fatal=fatal)

    def _parse_unhealthy(self, unhealthy: evidence.Event) -> message_parsers.ParsedMessage | None:
        return probe_failures.parse_probe_failure(unhealthy.message, self._container, self._log)

    def _find_last_unhealthy(self, probe: str = "") -> evidence.Event | None:
        """The last event of a failed probe, or of any probe."""
        failures = [
            event
            for event in self._events
            if event.reason == "Unhealthy" and event.container == self.name and event.message.startswith(probe)
        ]
        return failures[-1] if failures else None

    def _explain_not_ready(self) -> workload_health.Finding | None:
        """It runs, and a probe fails. That is normal at every start, so it is reported only if it lasts.

        A container that crashed before and is still starting is reported for its crashes instead.
        """
        failure = self._find_last_unhealthy("Readiness" if self.last_termination else "")
        started = unstructured.parse_time(unstructured.get_mapping(self._status, "state", "running").get("startedAt"))
        # Both times are from the node: its clock may differ from ours.
        if failure is None or (failure.time - started).total_seconds() < SETTLE_SECONDS:
            return None
        parsed = self._parse_unhealthy(failure)
        if parsed is None:
            detail = message_parsers.format_probe_failure(failure.message)
            parsed = message_parsers.ParsedMessage(cause="not-ready", message=f"is not ready: {detail}")
        parsed = dataclasses.replace(parsed, message=f"{self.name} runs, but {parsed.message}")
        error = self._find_logged_error(parsed.cause) if parsed.hint in probe_failures.UNPROVEN_HINTS else None
        if error is None:
            return causes.convert_message(parsed, self.location, fatal=False)
        message = f"{parsed.message}{probe_failures.quote_log(error.message)}"
        return self._convert_error(error, message)

    def _find_logged_error(self, cause: str) -> message_parsers.ParsedMessage | None:
        """The error in the log of a program that runs: a supervisor may outlive its worker, as that of gunicorn."""
        if error := self._find_permission_error(self._log):
            return error
        if not crash_output.has_exception(self._log):
            return None
        error = crash_output.parse_crash(self._log, cause)
        hint = (error.hint or probe_failures.LOG_HINT).replace("{previous_logs}", "{logs}")
        return dataclasses.replace(error, hint=hint)


def format_exit_code(termination: snapshot.Object) -> str:
    """``exit code 3``, ``exit code 139 (SIGSEGV)``. A service must not end, even without an error."""
    code = termination.get("exitCode", 0)
    if code == 0:
        return "exit code 0, but it must keep running"
    try:
        return f"exit code {code} ({signal.Signals(code - 128).name})" if code > 128 else f"exit code {code}"
    except ValueError:
        return f"exit code {code}"
