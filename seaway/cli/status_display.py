"""How ``seaway status`` looks on a terminal."""

import datetime
from collections.abc import Iterable, Sequence

from rich import console, table, text

from seaway.cli import display, status_snapshot
from seaway.kubernetes.api import unstructured
from seaway.rollout import causes, status
from seaway.syntax import diagnosis

MIN_EVENT_WIDTH = 16
"""Columns of the last event on the narrowest terminal; the image is shortened to make room."""

STATE_COLOURS = {"complete": "green", "progressing": "yellow", "failed": "red"}
HEADINGS = ("SERVICE", "KIND", "READY", "UPDATED", "IMAGE", "AGE", "RESTARTS", "LAST EVENT")
READY, IMAGE, EVENT = map(HEADINGS.index, ("READY", "IMAGE", "LAST EVENT"))


def render_status(
    report: status_snapshot.StatusReport, width: int, disconnected_reason: str | None = None
) -> console.Group:
    """The whole output in ``width`` columns. ``disconnected_reason``: the report may be outdated or empty."""
    parts: list[console.RenderableType] = [_format_heading(report)]
    if report.rows:
        urls = [text.Text(f"{row.name}: {url}") for row in report.rows for url in row.urls]
        parts += [_build_table(report.rows, report.now, width), *urls, _format_findings(report.rows)]
    elif disconnected_reason is None:
        parts.append(format_nothing_deployed(report))
    if disconnected_reason is not None:
        parts.append(text.Text(f"{disconnected_reason}; waiting for it", style="red"))
    return console.Group(*parts)


def format_nothing_deployed(report: status_snapshot.StatusReport) -> text.Text:
    """The line for a stack without workloads."""
    target = report.target
    return text.Text(
        f"{target.app} has no workloads in namespace {target.namespace}; deploy them: pulumi up --stack {target.name}"
    )


def _format_heading(report: status_snapshot.StatusReport) -> text.Text:
    target, release = report.target, report.release
    described = "no release recorded"
    if release:
        described = f"release {diagnosis.escape_text(release.id)}"
        if release.since:
            described += f" since {_format_release_age(release.since, report.now)}"
    return text.Text(" · ".join([target.app, f"stack {target.name}", f"context {target.context}", described]))


def _format_release_age(timestamp: str, now: datetime.datetime) -> str:
    """The age of a timestamp in the cluster; an invalid timestamp as it is written."""
    try:
        return _format_age(unstructured.parse_time(timestamp), now)
    except (ValueError, TypeError):
        return diagnosis.escape_text(timestamp)


def _build_table(rows: Sequence[status.WorkloadStatus], now: datetime.datetime, width: int) -> table.Table:
    """The table of workloads. Only the last event is cut to the width, and then the image."""
    cells = [_format_cells(row, now) for row in rows]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *cells, strict=True)]
    left = width - sum(widths[:EVENT]) - display.COLUMN_GAP * EVENT
    image = max(len(HEADINGS[IMAGE]), widths[IMAGE] - max(0, min(MIN_EVENT_WIDTH, widths[EVENT]) - left))
    event = max(len(HEADINGS[EVENT]), left + widths[IMAGE] - image)
    for line in cells:
        if len(line[IMAGE]) > image:
            # The end of an image differs between versions.
            line[IMAGE] = text.Text(f"…{line[IMAGE].plain[1 - image :]}")
        line[EVENT].truncate(event, overflow="ellipsis")
    return display.build_table(HEADINGS, cells)


def _format_cells(row: status.WorkloadStatus, now: datetime.datetime) -> list[text.Text]:
    health, event, runs = row.health, row.last_warning, row.job_runs
    ready, updated, last_event = f"{row.ready}/{health.desired}", str(health.updated), "-"
    if row.scale:
        ready += f" ({row.scale[0]}-{row.scale[1]})"
    if runs:
        ready, updated, last_event = "-" if runs.state == "none" else runs.state, "-", runs.schedule_text
    if event:
        last_event = f"{_format_age(event.time, now)}: {event.reason}: {event.message}"
    cells = [
        row.name,
        row.kind,
        ready,
        updated,
        status.shorten_image(row.image),
        _format_age(row.since, now),
        str(row.restarts),
        last_event,
    ]
    result = [text.Text(diagnosis.escape_text(cell)) for cell in cells]
    result[READY].stylize(STATE_COLOURS[health.state])
    return result


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
            lines.append(f"  {_escape_lines(finding.hint)}\n  {causes.format_runbook_link(finding.cause)}\n")
    return lines


def _escape_lines(message: str) -> str:
    """Escape each line, keep the line breaks."""
    return "\n".join(map(diagnosis.escape_text, message.split("\n")))


def _format_age(then: datetime.datetime, now: datetime.datetime) -> str:
    return status.format_age((now - then).total_seconds())
