"""How the command line shows things: a terminal's width and colours, plain whole lines for everything else."""

import datetime
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import console, table, text

from seaway.cli import status_snapshot
from seaway.kubernetes.api import unstructured
from seaway.rollout import status
from seaway.syntax import diagnosis

UNLIMITED_WIDTH = 10_000
"""Columns where there is no terminal: what reads us gets whole lines."""

MIN_EVENT_WIDTH = 16
"""Columns that the last event gets on the narrowest terminal; the image gives way."""

COLUMN_GAP = 2
"""Columns between two columns."""

MAX_VALUE_LENGTH = 80
"""Characters of a value in a table; all of them are in the JSON."""

STATE_COLOURS = {"complete": "green", "progressing": "yellow", "failed": "red"}
STATUS_HEADINGS = ("SERVICE", "KIND", "READY", "UPDATED", "IMAGE", "AGE", "RESTARTS", "LAST EVENT")
READY, IMAGE, EVENT = map(STATUS_HEADINGS.index, ("READY", "IMAGE", "LAST EVENT"))


def create_screen(stream: TextIO | None = None) -> console.Console:
    """Where to print: stdout, or another stream. Colours on a terminal only, and not where NO_COLOR is set."""
    to = stream or sys.stdout
    return console.Console(
        file=to, width=None if to.isatty() else UNLIMITED_WIDTH, highlight=False, markup=False, emoji=False
    )


def write(screen: console.Console, renderable: console.RenderableType) -> None:
    """Print it; where there is no terminal, without the blanks that fill a table's lines."""
    if screen.is_terminal:
        screen.print(renderable)
        return
    with screen.capture() as printed:
        screen.print(renderable)
    screen.file.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))


def build_table(headings: Sequence[str], rows: Iterable[Sequence[str | text.Text]]) -> table.Table:
    """A table without lines; what does not fit is cut."""
    made = table.Table(box=None, pad_edge=False, padding=(0, COLUMN_GAP, 0, 0), header_style="bold")
    for name in headings:
        made.add_column(name, no_wrap=True, overflow="ellipsis")
    for row in rows:
        # Not as rich's markup: a message may well have brackets.
        made.add_row(*(text.Text(diagnosis.escape_text(cell)) if isinstance(cell, str) else cell for cell in row))
    return made


def render_status(
    report: status_snapshot.StatusReport, width: int, disconnected_reason: str | None = None
) -> console.Group:
    """All of ``seaway status`` in a terminal's width. ``away``: why it is an old picture, or an empty one."""
    parts: list[console.RenderableType] = [format_heading(report)]
    if report.rows:
        parts += [
            build_workload_table(report.rows, report.now, width),
            *format_urls(report.rows),
            format_findings(report.rows),
        ]
    elif disconnected_reason is None:
        parts.append(format_nothing_deployed(report))
    if disconnected_reason is not None:
        parts.append(text.Text(f"{disconnected_reason}; waiting for it", style="red"))
    return console.Group(*parts)


def format_heading(report: status_snapshot.StatusReport) -> text.Text:
    """The line that says what is looked at."""
    where, release = report.target, report.release
    told = "no release recorded"
    if release:
        told = f"release {diagnosis.escape_text(release.id)}"
        if release.since:
            told += f" since {_format_release_age(release.since, report.now)}"
    return text.Text(" · ".join([where.app, f"stack {where.name}", f"context {where.context}", told]))


def _format_release_age(timestamp: str, now: datetime.datetime) -> str:
    """How long since a time in the cluster; one that is no time, as it is written."""
    try:
        return format_age(unstructured.parse_time(timestamp), now)
    except (ValueError, TypeError):
        return diagnosis.escape_text(timestamp)


def format_nothing_deployed(report: status_snapshot.StatusReport) -> text.Text:
    """What to do where nothing is deployed."""
    where = report.target
    return text.Text(
        f"nothing of {where.app} runs in namespace {where.namespace}; deploy it: pulumi up --stack {where.name}"
    )


def build_workload_table(rows: Sequence[status.WorkloadStatus], now: datetime.datetime, width: int) -> table.Table:
    """The table. Only the last event is shortened to the width, and where it has no place left, the image."""
    cells = [_format_cells(row, now) for row in rows]
    taken = [max(map(len, column)) for column in zip(STATUS_HEADINGS, *cells, strict=True)]
    left = width - sum(taken[:EVENT]) - COLUMN_GAP * EVENT
    image = max(len(STATUS_HEADINGS[IMAGE]), taken[IMAGE] - max(0, min(MIN_EVENT_WIDTH, taken[EVENT]) - left))
    event = max(len(STATUS_HEADINGS[EVENT]), left + taken[IMAGE] - image)
    for each in cells:
        if len(each[IMAGE]) > image:
            # Its end tells versions apart.
            each[IMAGE] = text.Text(f"…{each[IMAGE].plain[1 - image :]}")
        each[EVENT].truncate(event, overflow="ellipsis")
    return build_table(STATUS_HEADINGS, cells)


def format_urls(rows: Sequence[status.WorkloadStatus]) -> list[text.Text]:
    """Where a person finds what is exposed by name, a line each."""
    return [text.Text(f"{row.name}: {url}") for row in rows for url in row.urls]


def _format_cells(row: status.WorkloadStatus, now: datetime.datetime) -> list[text.Text]:
    found, event = row.health, row.last_warning
    ready, updated, quiet = f"{row.ready}/{found.desired}", str(found.updated), "-"
    if row.scale:
        ready += f" ({row.scale[0]}-{row.scale[1]})"
    if row.job_runs:
        ready, updated, quiet = (
            "-" if row.job_runs.state == "none" else row.job_runs.state,
            "-",
            row.job_runs.schedule_text,
        )
    cells = [
        row.name,
        row.kind,
        ready,
        updated,
        status.shorten_image(row.image),
        format_age(row.since, now),
        str(row.restarts),
        f"{format_age(event.time, now)}: {event.reason}: {event.message}" if event else quiet,
    ]
    made = [text.Text(diagnosis.escape_text(cell)) for cell in cells]
    made[READY].stylize(STATE_COLOURS[found.state])
    return made


def format_findings(rows: Iterable[status.WorkloadStatus]) -> text.Text:
    """Everything that the judgement found: what, where, what to do. Empty when all is well."""
    lines = text.Text(end="")
    for row in rows:
        for found in row.health.findings:
            lines.append(f"\n{row.name}: ", style="bold")
            lines.append(f"{_escape_lines(found.message)}\n", style="red" if found.fatal else "yellow")
            where = [found.pod and f"pod {found.pod}", found.container and f"container {found.container}"]
            if any(where):
                more = f" (and {found.more} more)" if found.more else ""
                lines.append(f"  {', '.join(filter(None, where))}{more}\n")
            lines.append(f"  {_escape_lines(found.hint)}\n  {status_snapshot.format_runbook_link(found)}\n")
    return lines


def _escape_lines(message: str) -> str:
    """Several lines, each with nothing in it that cannot be seen."""
    return "\n".join(map(diagnosis.escape_text, message.split("\n")))


def format_value(field_value: Any) -> str:
    """Any value in one line; a text as it is."""
    if field_value is None:
        return "-"
    shown = (
        " ".join(field_value.split()) if isinstance(field_value, str) else json.dumps(field_value, ensure_ascii=False)
    )
    return shown if len(shown) <= MAX_VALUE_LENGTH else f"{shown[: MAX_VALUE_LENGTH - 1]}…"


def format_age(then: datetime.datetime, now: datetime.datetime) -> str:
    """How long since, in one unit."""
    return status.format_age((now - then).total_seconds())


def format_clock() -> str:
    """The time of day here, for the person at this screen."""
    return f"{datetime.datetime.now():%H:%M:%S}"


class ConnectionNotice:
    """What is said on stderr when the cluster goes away and when it comes back, once each."""

    def __init__(self) -> None:
        self._away = False

    def print_change(self, disconnected_reason: str | None) -> None:
        """Say it if it is news. None: it is there."""
        if self._away == bool(disconnected_reason):
            return
        self._away = bool(disconnected_reason)
        print(
            f"seaway: {format_clock()} {f'{disconnected_reason}; waiting for it' if disconnected_reason else 'it answers again'}",
            file=sys.stderr,
        )
