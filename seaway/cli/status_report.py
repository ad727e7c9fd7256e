"""The status of a stack at one moment: its JSON, which ``seaway.cli.status`` documents, and how it looks."""

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from rich import console, text

from seaway.cli import command, display, stack
from seaway.kubernetes.api import unstructured
from seaway.release import record_store
from seaway.rollout import status
from seaway.syntax import diagnosis

STATE_COLOURS = {"complete": "green", "progressing": "yellow", "failed": "red"}
HEADINGS = ("SERVICE", "KIND", "ADDRESS", "READY", "UPDATED", "AGE", "RESTARTS", "IMAGE", "LAST EVENT")
LONG_HEADINGS = ("ADDRESS", "IMAGE", "LAST EVENT")
"""On a narrow terminal they are lines of their own, the last first."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """A stack at one moment."""

    target: stack.TargetStack
    release: record_store.CurrentRelease | None
    """The last release that was deployed completely; None before the first success."""
    rows: Sequence[status.WorkloadStatus]
    finished: Sequence[str] = ()
    """The jobs of a release without services, if all of them have succeeded and are deleted."""
    now: datetime.datetime

    @property
    def healthy(self) -> bool:
        """Whether there are workloads and all are complete, or only jobs that have ended."""
        return bool(self.rows or self.finished) and all(row.is_healthy for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The output of ``seaway status --json``."""
        release = self.release
        return target_to_json(self.target) | {
            "release": release and {"id": release.id, "since": release.since},
            "healthy": self.healthy,
            "finished": list(self.finished),
            "workloads": list(map(_workload_to_json, self.rows)),
            "external": [{"name": name, "address": address} for name, address in self._list_external()],
        }

    def render(self, width: int, disconnected_reason: str | None = None) -> console.Group:
        """The whole output in ``width`` columns. ``disconnected_reason``: the report may be outdated or empty."""
        parts: list[console.RenderableType] = [self._format_heading()]
        if self.rows:
            cells = (_format_cells(row, self.now) for row in self.rows)
            parts += display.build_rows(HEADINGS, cells, width, movable=LONG_HEADINGS)
            parts += (text.Text(f"{name} is external, at {address}") for name, address in self._list_external())
            parts += (text.Text(f"{row.name}: {line}", style="yellow") for row in self.rows for line in row.disks)
            parts.append(_format_findings(self.rows))
        elif disconnected_reason is None:
            parts.append(text.Text(self.format_nothing_deployed()))
        if disconnected_reason is not None:
            parts.append(text.Text(f"{disconnected_reason}; waiting for it", style="red"))
        return console.Group(*parts)

    def _list_external(self) -> list[tuple[str, str]]:
        """The name and the address of each external store that a workload calls."""
        return list(dict.fromkeys(store for row in self.rows for store in row.external.items()))

    def format_nothing_deployed(self) -> str:
        """The line for a stack without workloads."""
        target = self.target
        if self.finished and self.release:
            jobs = ", ".join(map(diagnosis.escape_text, self.finished))
            return (
                f"{target.app} has only jobs, and all have succeeded: {jobs}. Release {self.release.id} was recorded"
                " after that. The jobs are deleted with their logs: after ttlSecondsAfterFinished, or by hand"
            )
        namespace = f"namespace {target.namespace}"
        hint = command.complete_commands(f"deploy them: pulumi up --refresh --stack {target.name}")
        return f"{target.app} has no workloads in {namespace}; {hint}"

    def _format_heading(self) -> text.Text:
        target, release = self.target, self.release
        described = "no release recorded"
        if release:
            described = f"release {diagnosis.escape_text(release.id)}"
            if release.since:
                described += f" since {_format_release_age(release.since, self.now)}"
        return text.Text(" · ".join([target.app, f"stack {target.name}", f"context {target.context}", described]))


def target_to_json(target: stack.TargetStack) -> dict[str, Any]:
    """The fields at the beginning of every JSON about a stack in a cluster."""
    return {
        "application": target.app,
        "stack": target.name,
        "context": target.context,
        "namespace": target.namespace,
    }


def _workload_to_json(row: status.WorkloadStatus) -> dict[str, Any]:
    health, event, runs = row.health, row.last_warning, row.job_runs
    return {
        "name": row.name,
        "kind": row.kind,
        "object": {"kind": health.target.kind, "name": health.target.name},
        "state": health.state,
        "ready": row.ready,
        "desired": health.desired,
        "scale": row.scale and {"min": row.scale[0], "max": row.scale[1]},
        "updated": health.updated,
        "runs": runs and dataclasses.asdict(runs) | {"last": runs.last and command.format_time(runs.last)},
        "addresses": list(row.addresses),
        "image": row.image,
        "since": command.format_time(row.since),
        "restarts": row.restarts,
        "disks": list(row.disks),
        "event": event
        and {
            "time": command.format_time(event.time),
            "object": f"{event.kind}/{event.name}",
            "reason": event.reason,
            "message": event.message,
        },
        "findings": [
            dataclasses.asdict(finding)
            | {"hint": command.complete_commands(finding.hint), "runbook": diagnosis.format_help(finding.cause)}
            for finding in health.findings
        ],
    }


def _format_cells(row: status.WorkloadStatus, now: datetime.datetime) -> list[str | text.Text]:
    health, event, runs = row.health, row.last_warning, row.job_runs
    ready, updated, last_event = f"{row.ready}/{health.desired}", str(health.updated), display.EMPTY
    if row.scale:
        ready += f" ({row.scale[0]}-{row.scale[1]})"
    if runs:
        ready, updated, last_event = runs.state if runs.state != "none" else "-", display.EMPTY, runs.schedule_text
    if event:
        last_event = f"{_format_age(event.time, now)}: {event.reason}: {event.message}"
    return [
        row.name,
        row.kind,
        command.join_or_dash(row.addresses, " "),
        text.Text(ready, style=STATE_COLOURS[health.state]),
        updated,
        _format_age(row.since, now),
        str(row.restarts),
        status.shorten_image(row.image),
        last_event,
    ]


def _format_findings(rows: Iterable[status.WorkloadStatus]) -> text.Text:
    """All findings: the error, the container, the fix. Empty when everything is healthy."""
    lines = text.Text(end="")
    for row in rows:
        for finding in row.health.findings:
            lines.append(f"\n{row.name}: ", style="bold")
            lines.append(f"{_escape_lines(finding.message)}\n", style="red" if finding.fatal else "yellow")
            place = [finding.pod and f"pod {finding.pod}", finding.container and f"container {finding.container}"]
            if any(place):
                more = f" (and {finding.more} more)" if finding.more else ""
                lines.append(f"  {', '.join(filter(None, place))}{more}\n")
            hint = command.complete_commands(_escape_lines(finding.hint))
            lines.append(f"  {hint}\n  {diagnosis.format_help(finding.cause)}\n")
    return lines


def _escape_lines(message: str) -> str:
    """Escape each line, keep the line breaks."""
    return "\n".join(map(diagnosis.escape_text, message.split("\n")))


def _format_release_age(timestamp: str, now: datetime.datetime) -> str:
    """The age of a timestamp in the cluster; an invalid timestamp as it is written."""
    try:
        return _format_age(unstructured.parse_time(timestamp), now)
    except (ValueError, TypeError):
        return diagnosis.escape_text(timestamp)


def _format_age(then: datetime.datetime, now: datetime.datetime) -> str:
    return status.format_age((now - then).total_seconds())
