"""What a person reads when a rollout has failed: every failed workload with its cause, its evidence and the way out.

One of them, as it stands below Pulumi's ``error:``

    web failed: web ended: exit code 3: cannot read /etc/web.toml
      Deployment web, pod web-5d9c-x2x4z and 1 more, container web
      events:
         12s  BackOff (x4): Back-off restarting failed container web in pod web-5d9c-x2x4z
      last lines of web:
        cannot read /etc/web.toml
      what to do: read its log: kubectl logs web-5d9c-x2x4z -c web -n shop-dev --previous
      see docs/runbook.md#crash-loop
      the version before still serves: 2 pods are ready
    still rolling out: api 1/2 ready
"""

import dataclasses
import datetime
import re
from collections.abc import Mapping, Sequence

from seaway.kubernetes.cluster import snapshot
from seaway.rollout import causes, evidence, health, message_parsers, workload_health

MAX_LINES = 60
"""Lines of the whole text. Several failures share them."""

DETAIL_LEVELS = ((5, 10), (3, 5), (1, 3), (0, 0))
"""How many events and how many lines of a log each failure gets: as many as fit."""

MAX_WIDTH = 200
"""Characters of one line of a log or an event."""

_ANSI_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_REPORTED_NORMAL_EVENTS = {"BackOff", "Killing", "Preempting", "Preempted"}
"""Reasons of events that are no warnings to Kubernetes, but worth telling."""

_POD_NAMES = re.compile(r" in pod \S+_\S+\([0-9a-f-]+\)$|(?<=pods) \"[^\"]+\"(?= is forbidden)")
"""Names of pods in events: of the pod that they are about, or of one that was never made."""

_REDUNDANT_MESSAGES = {"Error: ErrImagePull", "Error: ImagePullBackOff"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """The log of one container that a report wants."""

    pod: str
    container: str
    previous: bool
    """Of its run before this one, which ended."""


def list_log_requests(
    workloads: Sequence[workload_health.WorkloadHealth], live_objects: snapshot.Snapshot
) -> list[LogRequest]:
    """The logs that belong into the report: one for each failed workload whose container has ever run."""
    found = (_find_log(_get_main_finding(one), live_objects) for one in workloads if one.state == "failed")
    return list(dict.fromkeys(log for log in found if log is not None))


def _get_main_finding(one: workload_health.WorkloadHealth) -> workload_health.Finding:
    """Why it failed: judge() gives every failed workload a finding."""
    return one.findings[0]


def _find_log(reason: workload_health.Finding, live_objects: snapshot.Snapshot) -> LogRequest | None:
    pod = next((each for each in live_objects.list_objects("Pod") if evidence.get_name(each) == reason.pod), None)
    status = next(
        (each for each in evidence.list_container_statuses(pod or {}) if each["name"] == reason.container), None
    )
    if reason.pod is None or reason.container is None or status is None:
        return None
    running = bool(evidence.get_mapping(status, "state", "running"))
    before = bool(evidence.get_mapping(status, "lastState", "terminated"))
    if not (running or before or evidence.get_mapping(status, "state", "terminated")):
        return None
    # Between two runs, the API's "current" log is that of the one that ended.
    silent = reason.cause == "not-ready"
    return LogRequest(pod=reason.pod, container=reason.container, previous=running and before and not silent)


def format_report(
    workloads: Sequence[workload_health.WorkloadHealth],
    live_objects: snapshot.Snapshot,
    logs: Mapping[tuple[str, str], str],
    *,
    now: datetime.datetime | None = None,
) -> str:
    """The text; empty if no workload has failed.

    Args:
        verdicts: of all workloads of the rollout.
        seen: the objects that they were judged by.
        logs: by pod and container, what ``wanted`` asked for; those that could not be had are left out.
        now: for the age of the events; without it they count from the newest one.
    """
    failed = sorted(
        (one for one in workloads if one.state == "failed"), key=lambda one: not _get_main_finding(one).fatal
    )
    if not failed:
        return ""
    read = evidence.ObjectIndex(live_objects)
    rolling = [one for one in workloads if one.state == "progressing"]
    tail = [f"still rolling out: {', '.join(_format_progress(one) for one in rolling)}"] if rolling else []
    blocks: list[list[str]] = []
    for events, lines in DETAIL_LEVELS:
        size = _DetailLevel(events=events, lines=lines, now=now or read.newest_event_time)
        blocks = [_format_block(one, read, logs, size) for one in failed]
        if sum(map(len, blocks)) + len(tail) <= MAX_LINES:
            break
    return "\n".join([*_fit_blocks(blocks, failed, MAX_LINES - len(tail)), *tail])


def _format_progress(one: workload_health.WorkloadHealth) -> str:
    return one.summary.partition(":")[0]


def _fit_blocks(blocks: Sequence[list[str]], failed: Sequence[workload_health.WorkloadHealth], limit: int) -> list[str]:
    """The blocks that fit; of the others only the names."""
    lines: list[str] = []
    for index, block in enumerate(blocks):
        left = blocks[index + 1 :]
        if len(lines) + len(block) + bool(left) > limit:
            names = ", ".join(one.target.owner for one in failed[index:])
            return [*lines, f"and {len(failed) - index} more failed: {names}"]
        lines += block
    return lines


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _DetailLevel:
    """How much of the evidence is shown."""

    events: int
    lines: int
    now: datetime.datetime


def _format_block(
    one: workload_health.WorkloadHealth,
    index: evidence.ObjectIndex,
    logs: Mapping[tuple[str, str], str],
    level: _DetailLevel,
) -> list[str]:
    reason = _get_main_finding(one)
    others = [f"also: {other.line} ({causes.format_runbook_link(other.cause)})" for other in one.findings[1:3]]
    told = [
        _format_location(one, reason),
        *_format_section("events:", _format_events(one, reason, index, level)),
        *_format_section(f"last lines of {reason.container}:", _format_log_lines(reason, logs, level)),
        *others,
        f"what to do: {reason.hint}",
        f"see {causes.format_runbook_link(reason.cause)}",
        *_format_old_version(one, index),
    ]
    return [f"{one.target.owner} failed: {reason.line}", *(f"  {line}" for line in told)]


def _format_section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _format_location(one: workload_health.WorkloadHealth, reason: workload_health.Finding) -> str:
    parts = [f"{one.target.kind} {one.target.name}"]
    if reason.pod:
        parts.append(f"pod {reason.pod}" + (f" and {reason.more} more" if reason.more else ""))
    if reason.container:
        parts.append(f"container {reason.container}")
    return ", ".join(parts)


def _format_events(
    one: workload_health.WorkloadHealth,
    reason: workload_health.Finding,
    index: evidence.ObjectIndex,
    level: _DetailLevel,
) -> list[str]:
    """What went wrong with the pod, and with what should have made it; the newest last."""
    if not level.events:
        return []
    workload = index.find(one.target.kind, one.target.name)
    pod = index.find("Pod", reason.pod) if reason.pod else None
    made_by = health.find_newest_replica_set(workload, index) if workload and one.target.kind == "Deployment" else None
    told: dict[tuple[str, str], list[evidence.Event]] = {}
    for each in filter(_is_relevant, index.list_events(workload, made_by, pod)):
        said = (each.reason, _POD_NAMES.sub("", each.message))
        # To the end, once it is said again.
        told[said] = [*told.pop(said, ()), each]
    return [_format_event(*said, same, level.now) for said, same in [*told.items()][-level.events :]]


def _is_relevant(event: evidence.Event) -> bool:
    """Whether it says more than that a container waits, as the line before it does."""
    return (event.is_warning or event.reason in _REPORTED_NORMAL_EVENTS) and event.message not in _REDUNDANT_MESSAGES


def _format_event(reason: str, message: str, same: Sequence[evidence.Event], now: datetime.datetime) -> str:
    times = sum(each.count for each in same)
    count = f" (x{times})" if times > 1 else ""
    return (
        f"{_format_age(now - same[-1].time):>5}  {reason}{count}: {message_parsers.truncate_line(message, MAX_WIDTH)}"
    )


def _format_age(passed: datetime.timedelta) -> str:
    seconds = max(0, int(passed.total_seconds()))
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"


def _format_log_lines(
    reason: workload_health.Finding, logs: Mapping[tuple[str, str], str], level: _DetailLevel
) -> list[str]:
    if not level.lines or reason.pod is None or reason.container is None:
        return []
    text = _ANSI_SEQUENCE.sub("", logs.get((reason.pod, reason.container), "")).rstrip()
    lines = [_CONTROL.sub(" ", line.expandtabs(4)).rstrip() for line in text.splitlines()]
    return [line if len(line) <= MAX_WIDTH else f"{line[: MAX_WIDTH - 1]}…" for line in lines[-level.lines :]]


def _format_old_version(one: workload_health.WorkloadHealth, index: evidence.ObjectIndex) -> list[str]:
    """A failed rollout of a service is no outage as long as its old pods are there."""
    workload = index.find(one.target.kind, one.target.name)
    if workload is None or one.target.kind != "Deployment":
        return []
    made_by = health.find_newest_replica_set(workload, index)
    old = [each for each in index.find_owned("ReplicaSet", workload) if each is not made_by]
    ready = sum(evidence.get_count(evidence.get_mapping(each, "status"), "readyReplicas") for each in old)
    return [f"the version before still serves: {ready} pod{'s are' if ready > 1 else ' is'} ready"] if ready else []
