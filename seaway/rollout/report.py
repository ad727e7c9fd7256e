"""Formats the report of a failed rollout: every failed workload with its cause, the evidence, and how to fix it.

The report of one workload, as it appears below Pulumi's ``error:``

    web failed: web ended: exit code 3: cannot read /etc/web.toml
      Deployment web, pod web-5d9c-x2x4z and 1 more, container web
      events:
         12s  BackOff (x4): Back-off restarting failed container web in pod web-5d9c-x2x4z
      last lines of web:
        cannot read /etc/web.toml
      fix: read its log: seaway logs web --previous --stack dev
      more: seaway help crash-loop
      the previous version still serves: 2 pods are ready
    still rolling out: api 1/2 ready
"""

import dataclasses
import datetime
import re
from collections.abc import Iterable, Sequence

from seaway.kubernetes.api import unstructured
from seaway.rollout import evidence, message_parsers, owned_pods, status, workload_health
from seaway.syntax import diagnosis

MAX_LINES = 60
"""Lines of the whole report. Several failures share them."""

DETAIL_LEVELS = ((5, 10), (3, 5), (1, 3), (0, 0))
"""Events and log lines of each failure. The first level that fits is used."""

MAX_WIDTH = 200
"""Characters in a line of a log or an event."""

_REPORTED_NORMAL_EVENTS = {"BackOff", "Killing", "Preempting", "Preempted"}
"""Reasons of events that are not warnings in Kubernetes, but belong in the report."""

_POD_NAMES = re.compile(r" in pod \S+_\S+\([0-9a-f-]+\)$|(?<=pods) \"[^\"]+\"(?= is forbidden)")
"""Names of pods in events: of the pod that the event is about, or of a pod that was never created."""

_REDUNDANT_MESSAGES = {"Error: ErrImagePull", "Error: ImagePullBackOff"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """A container whose log the report shows."""

    pod: str
    container: str
    previous: bool
    """The log of the run before the current one."""


def list_log_requests(findings: Iterable[workload_health.Finding], index: evidence.ObjectIndex) -> list[LogRequest]:
    """The logs of the containers that have findings, if they have ever run."""
    requests = (_find_log(finding, index) for finding in findings)
    return list(dict.fromkeys(request for request in requests if request is not None))


def _find_log(finding: workload_health.Finding, index: evidence.ObjectIndex) -> LogRequest | None:
    pods = index.live_objects.list_objects("Pod")
    pod = next((pod for pod in pods if unstructured.get_name(pod) == finding.pod), None)
    if finding.pod is None or finding.container is None or pod is None:
        return None
    container = unstructured.find_container_status(pod, finding.container)
    running = bool(unstructured.get_mapping(container, "state", "running"))
    before = bool(unstructured.get_mapping(container, "lastState", "terminated"))
    if not (running or before or unstructured.get_mapping(container, "state", "terminated")):
        return None
    # Between two runs, the API's current log is that of the run that ended.
    previous = running and before and finding.cause not in {"not-ready", "probe-status"}
    return LogRequest(pod=finding.pod, container=finding.container, previous=previous)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """What the report of each workload is made from."""

    index: evidence.ObjectIndex
    now: datetime.datetime
    max_events: int
    max_log_lines: int


def format_report(
    workloads: Sequence[workload_health.WorkloadHealth],
    index: evidence.ObjectIndex,
    *,
    now: datetime.datetime | None = None,
) -> str:
    """The report; empty if no workload has failed.

    Args:
        workloads: all workloads of the rollout.
        index: the objects that they were assessed from, with the logs of ``list_log_requests`` that could be read.
        now: for the age of the events. Without it, the age is relative to the newest event.
    """
    failed = [workload for workload in workloads if workload.state == "failed"]
    failed.sort(key=lambda workload: not workload.findings[0].fatal)
    if not failed:
        return ""
    rolling = [workload.progress for workload in workloads if workload.state == "progressing"]
    tail = [f"still rolling out: {', '.join(rolling)}"] if rolling else []
    blocks: list[list[str]] = []
    for max_events, max_log_lines in DETAIL_LEVELS:
        now = now or index.newest_event_time
        report = _Report(index=index, now=now, max_events=max_events, max_log_lines=max_log_lines)
        blocks = [_format_block(workload, report) for workload in failed]
        if sum(map(len, blocks)) + len(tail) <= MAX_LINES:
            break
    return "\n".join([*_fit_blocks(blocks, failed, MAX_LINES - len(tail)), *tail])


def _fit_blocks(blocks: Sequence[list[str]], failed: Sequence[workload_health.WorkloadHealth], limit: int) -> list[str]:
    """The blocks that fit, and the names of the other workloads."""
    lines: list[str] = []
    for position, block in enumerate(blocks):
        is_last = position == len(blocks) - 1
        if len(lines) + len(block) + (not is_last) > limit:
            names = ", ".join(workload.target.owner for workload in failed[position:])
            return [*lines, f"and {len(failed) - position} more failed: {names}"]
        lines += block
    return lines


def _format_block(workload: workload_health.WorkloadHealth, report: _Report) -> list[str]:
    finding, *others = workload.findings
    lines = [
        _format_location(workload, finding),
        *_format_section("events:", _format_events(workload, finding, report)),
        *_format_section(f"last lines of {finding.container}:", _format_log_lines(finding, report)),
        *(f"also: {other.message} ({diagnosis.format_help(other.cause)})" for other in others[:2]),
        f"fix: {finding.hint}",
        f"more: {diagnosis.format_help(finding.cause)}",
        *_format_previous_version(workload, report.index),
    ]
    return [f"{workload.target.owner} failed: {finding.message}", *(f"  {line}" for line in lines)]


def _format_section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _format_location(workload: workload_health.WorkloadHealth, finding: workload_health.Finding) -> str:
    parts = [f"{workload.target.kind} {workload.target.name}"]
    if finding.pod:
        parts.append(f"pod {finding.pod}" + (f" and {finding.more} more" if finding.more else ""))
    if finding.container:
        parts.append(f"container {finding.container}")
    return ", ".join(parts)


def _format_events(
    workload: workload_health.WorkloadHealth, finding: workload_health.Finding, report: _Report
) -> list[str]:
    """The failures of the pod, and of the objects that should have created it; the newest last."""
    if not report.max_events:
        return []
    index, kind = report.index, workload.target.kind
    manifest = index.find(kind, workload.target.name)
    pod = index.find("Pod", finding.pod) if finding.pod else None
    owner = owned_pods.select_pods(kind, manifest, index).newest_owner if manifest and kind == "Deployment" else None
    groups: dict[tuple[str, str], list[evidence.Event]] = {}
    for event in filter(_is_relevant, index.list_events(manifest, owner, pod)):
        key = (event.reason, _POD_NAMES.sub("", event.message))
        # A repeated event moves to the end.
        groups[key] = [*groups.pop(key, ()), event]
    return [_format_event(*key, events, report.now) for key, events in [*groups.items()][-report.max_events :]]


def _is_relevant(event: evidence.Event) -> bool:
    """Whether it reports more than a waiting container, which the message has already."""
    is_reported = event.is_warning or event.reason in _REPORTED_NORMAL_EVENTS
    return is_reported and event.message not in _REDUNDANT_MESSAGES


def _format_event(reason: str, message: str, events: Sequence[evidence.Event], now: datetime.datetime) -> str:
    times = sum(event.count for event in events)
    count = f" (x{times})" if times > 1 else ""
    age = status.format_age((now - events[-1].time).total_seconds())
    return f"{age:>5}  {reason}{count}: {message_parsers.truncate_line(message, MAX_WIDTH)}"


def _format_log_lines(finding: workload_health.Finding, report: _Report) -> list[str]:
    if not report.max_log_lines or finding.pod is None or finding.container is None:
        return []
    log = report.index.logs.get((finding.pod, finding.container), "")
    lines = [diagnosis.cut_line(diagnosis.clean_line(line), MAX_WIDTH) for line in log.rstrip().splitlines()]
    return lines[-report.max_log_lines :]


def _format_previous_version(workload: workload_health.WorkloadHealth, index: evidence.ObjectIndex) -> list[str]:
    """A failed rollout of a service is not an outage while its old pods exist."""
    manifest = index.find(workload.target.kind, workload.target.name)
    if manifest is None or workload.target.kind != "Deployment":
        return []
    owned = owned_pods.select_pods("Deployment", manifest, index)
    ready = sum(
        unstructured.get_count(unstructured.get_mapping(owner, "status"), "readyReplicas")
        for owner in owned.owners
        if owner is not owned.newest_owner
    )
    return [f"the previous version still serves: {ready} pod{'s are' if ready > 1 else ' is'} ready"] if ready else []
