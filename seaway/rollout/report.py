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

LIMIT = 60
"""Lines of the whole text. Several failures share them."""

DETAILS = ((5, 10), (3, 5), (1, 3), (0, 0))
"""How many events and how many lines of a log each failure gets: as many as fit."""

WIDTH = 200
"""Characters of one line of a log or an event."""

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_SILENT = {"BackOff", "Killing", "Preempting", "Preempted"}
"""Reasons of events that are no warnings to Kubernetes, but worth telling."""

_NAMES = re.compile(r" in pod \S+_\S+\([0-9a-f-]+\)$|(?<=pods) \"[^\"]+\"(?= is forbidden)")
"""Names of pods in events: of the pod that they are about, or of one that was never made."""

_ECHOES = {"Error: ErrImagePull", "Error: ImagePullBackOff"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log of one container that a report wants."""

    pod: str
    container: str
    previous: bool
    """Of its run before this one, which ended."""


def wanted(verdicts: Sequence[workload_health.Verdict], seen: snapshot.Snapshot) -> list[Log]:
    """The logs that belong into the report: one for each failed workload whose container has ever run."""
    found = (_log(_reason(one), seen) for one in verdicts if one.state == "failed")
    return list(dict.fromkeys(log for log in found if log is not None))


def _reason(one: workload_health.Verdict) -> workload_health.Finding:
    """Why it failed: judge() gives every failed workload a finding."""
    return one.findings[0]


def _log(reason: workload_health.Finding, seen: snapshot.Snapshot) -> Log | None:
    pod = next((each for each in seen.of("Pod") if evidence.named(each) == reason.pod), None)
    status = next((each for each in evidence.statuses(pod or {}) if each["name"] == reason.container), None)
    if reason.pod is None or reason.container is None or status is None:
        return None
    running = bool(evidence.part(status, "state", "running"))
    before = bool(evidence.part(status, "lastState", "terminated"))
    if not (running or before or evidence.part(status, "state", "terminated")):
        return None
    # Between two runs, the API's "current" log is that of the one that ended.
    silent = reason.cause == "not-ready"
    return Log(pod=reason.pod, container=reason.container, previous=running and before and not silent)


def report(
    verdicts: Sequence[workload_health.Verdict],
    seen: snapshot.Snapshot,
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
    failed = sorted((one for one in verdicts if one.state == "failed"), key=lambda one: not _reason(one).fatal)
    if not failed:
        return ""
    read = evidence.Seen(seen)
    rolling = [one for one in verdicts if one.state == "progressing"]
    tail = [f"still rolling out: {', '.join(_progress(one) for one in rolling)}"] if rolling else []
    blocks: list[list[str]] = []
    for events, lines in DETAILS:
        size = _Size(events=events, lines=lines, now=now or read.newest)
        blocks = [_block(one, read, logs, size) for one in failed]
        if sum(map(len, blocks)) + len(tail) <= LIMIT:
            break
    return "\n".join([*_fitting(blocks, failed, LIMIT - len(tail)), *tail])


def _progress(one: workload_health.Verdict) -> str:
    return one.row.partition(":")[0]


def _fitting(blocks: Sequence[list[str]], failed: Sequence[workload_health.Verdict], limit: int) -> list[str]:
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
class _Size:
    """How much of the evidence is shown."""

    events: int
    lines: int
    now: datetime.datetime


def _block(
    one: workload_health.Verdict, seen: evidence.Seen, logs: Mapping[tuple[str, str], str], size: _Size
) -> list[str]:
    reason = _reason(one)
    others = [f"also: {other.line} ({causes.link(other.cause)})" for other in one.findings[1:3]]
    told = [
        _where(one, reason),
        *_titled("events:", _events(one, reason, seen, size)),
        *_titled(f"last lines of {reason.container}:", _lines(reason, logs, size)),
        *others,
        f"what to do: {reason.remedy}",
        f"see {causes.link(reason.cause)}",
        *_still_serves(one, seen),
    ]
    return [f"{one.target.owner} failed: {reason.line}", *(f"  {line}" for line in told)]


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _where(one: workload_health.Verdict, reason: workload_health.Finding) -> str:
    parts = [f"{one.target.kind} {one.target.name}"]
    if reason.pod:
        parts.append(f"pod {reason.pod}" + (f" and {reason.more} more" if reason.more else ""))
    if reason.container:
        parts.append(f"container {reason.container}")
    return ", ".join(parts)


def _events(
    one: workload_health.Verdict, reason: workload_health.Finding, seen: evidence.Seen, size: _Size
) -> list[str]:
    """What went wrong with the pod, and with what should have made it; the newest last."""
    if not size.events:
        return []
    workload = seen.find(one.target.kind, one.target.name)
    pod = seen.find("Pod", reason.pod) if reason.pod else None
    made_by = health.newest(workload, seen) if workload and one.target.kind == "Deployment" else None
    told: dict[tuple[str, str], list[evidence.Event]] = {}
    for each in filter(_tells, seen.events(workload, made_by, pod)):
        said = (each.reason, _NAMES.sub("", each.message))
        # To the end, once it is said again.
        told[said] = [*told.pop(said, ()), each]
    return [_event(*said, same, size.now) for said, same in [*told.items()][-size.events :]]


def _tells(each: evidence.Event) -> bool:
    """Whether it says more than that a container waits, as the line before it does."""
    return (each.warning or each.reason in _SILENT) and each.message not in _ECHOES


def _event(reason: str, message: str, same: Sequence[evidence.Event], now: datetime.datetime) -> str:
    times = sum(each.count for each in same)
    count = f" (x{times})" if times > 1 else ""
    return f"{_age(now - same[-1].time):>5}  {reason}{count}: {message_parsers.line(message, WIDTH)}"


def _age(passed: datetime.timedelta) -> str:
    seconds = max(0, int(passed.total_seconds()))
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"


def _lines(reason: workload_health.Finding, logs: Mapping[tuple[str, str], str], size: _Size) -> list[str]:
    if not size.lines or reason.pod is None or reason.container is None:
        return []
    text = _COLOUR.sub("", logs.get((reason.pod, reason.container), "")).rstrip()
    lines = [_CONTROL.sub(" ", line.expandtabs(4)).rstrip() for line in text.splitlines()]
    return [line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in lines[-size.lines :]]


def _still_serves(one: workload_health.Verdict, seen: evidence.Seen) -> list[str]:
    """A failed rollout of a service is no outage as long as its old pods are there."""
    workload = seen.find(one.target.kind, one.target.name)
    if workload is None or one.target.kind != "Deployment":
        return []
    made_by = health.newest(workload, seen)
    old = [each for each in seen.owned("ReplicaSet", workload) if each is not made_by]
    ready = sum(evidence.number(evidence.part(each, "status"), "readyReplicas") for each in old)
    return [f"the version before still serves: {ready} pod{'s are' if ready > 1 else ' is'} ready"] if ready else []
