"""How the command line shows things: a terminal's width and colours, plain whole lines for everything else."""

import datetime
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import console, table, text

from seaway.cli import status_snapshot
from seaway.rollout import evidence, status
from seaway.syntax import diagnosis

WIDE = 10_000
"""Columns where there is no terminal: what reads us gets whole lines."""

LEAST = 16
"""Columns that the last event gets on the narrowest terminal; the image gives way."""

GAP = 2
"""Columns between two columns."""

LONGEST = 80
"""Characters of a value in a table; all of them are in the JSON."""

COLOURS = {"complete": "green", "progressing": "yellow", "failed": "red"}
HEAD = ("SERVICE", "KIND", "READY", "UPDATED", "IMAGE", "AGE", "RESTARTS", "LAST EVENT")
READY, IMAGE, EVENT = map(HEAD.index, ("READY", "IMAGE", "LAST EVENT"))


def screen(stream: TextIO | None = None) -> console.Console:
    """Where to print: stdout, or another stream. Colours on a terminal only, and not where NO_COLOR is set."""
    to = stream or sys.stdout
    return console.Console(file=to, width=None if to.isatty() else WIDE, highlight=False, markup=False, emoji=False)


def write(to: console.Console, what: console.RenderableType) -> None:
    """Print it; where there is no terminal, without the blanks that fill a table's lines."""
    if to.is_terminal:
        to.print(what)
        return
    with to.capture() as printed:
        to.print(what)
    to.file.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))


def columns(head: Sequence[str], rows: Iterable[Sequence[str | text.Text]]) -> table.Table:
    """A table without lines; what does not fit is cut."""
    made = table.Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for name in head:
        made.add_column(name, no_wrap=True, overflow="ellipsis")
    for row in rows:
        # Not as rich's markup: a message may well have brackets.
        made.add_row(*(text.Text(diagnosis.visible(cell)) if isinstance(cell, str) else cell for cell in row))
    return made


def drawn(taken: status_snapshot.Picture, width: int, away: str | None = None) -> console.Group:
    """All of ``seaway status`` in a terminal's width. ``away``: why it is an old picture, or an empty one."""
    parts: list[console.RenderableType] = [heading(taken)]
    if taken.rows:
        parts += [workloads(taken.rows, taken.now, width), *addresses(taken.rows), findings(taken.rows)]
    elif away is None:
        parts.append(nothing(taken))
    if away is not None:
        parts.append(text.Text(f"{away}; waiting for it", style="red"))
    return console.Group(*parts)


def heading(taken: status_snapshot.Picture) -> text.Text:
    """The line that says what is looked at."""
    where, release = taken.where, taken.release
    told = "no release recorded"
    if release:
        told = f"release {diagnosis.visible(release.id)}"
        if release.since:
            told += f" since {_since(release.since, taken.now)}"
    return text.Text(" · ".join([where.app, f"stack {where.name}", f"context {where.context}", told]))


def _since(said: str, now: datetime.datetime) -> str:
    """How long since a time in the cluster; one that is no time, as it is written."""
    try:
        return ago(evidence.moment(said), now)
    except (ValueError, TypeError):
        return diagnosis.visible(said)


def nothing(taken: status_snapshot.Picture) -> text.Text:
    """What to do where nothing is deployed."""
    where = taken.where
    return text.Text(
        f"nothing of {where.app} runs in namespace {where.namespace}; deploy it: pulumi up --stack {where.name}"
    )


def workloads(rows: Sequence[status.Row], now: datetime.datetime, width: int) -> table.Table:
    """The table. Only the last event is shortened to the width, and where it has no place left, the image."""
    cells = [_cells(row, now) for row in rows]
    taken = [max(map(len, column)) for column in zip(HEAD, *cells, strict=True)]
    left = width - sum(taken[:EVENT]) - GAP * EVENT
    image = max(len(HEAD[IMAGE]), taken[IMAGE] - max(0, min(LEAST, taken[EVENT]) - left))
    event = max(len(HEAD[EVENT]), left + taken[IMAGE] - image)
    for each in cells:
        if len(each[IMAGE]) > image:
            # Its end tells versions apart.
            each[IMAGE] = text.Text(f"…{each[IMAGE].plain[1 - image :]}")
        each[EVENT].truncate(event, overflow="ellipsis")
    return columns(HEAD, cells)


def addresses(rows: Sequence[status.Row]) -> list[text.Text]:
    """Where a person finds what is exposed by name, a line each."""
    return [text.Text(f"{row.name}: {url}") for row in rows for url in row.urls]


def _cells(row: status.Row, now: datetime.datetime) -> list[text.Text]:
    found, event = row.verdict, row.warned
    ready, updated, quiet = f"{row.ready}/{found.desired}", str(found.updated), "-"
    if row.scale:
        ready += f" ({row.scale[0]}-{row.scale[1]})"
    if row.ran:
        ready, updated, quiet = "-" if row.ran.state == "none" else row.ran.state, "-", row.ran.told
    cells = [
        row.name,
        row.kind,
        ready,
        updated,
        status.short(row.image),
        ago(row.since, now),
        str(row.restarts),
        f"{ago(event.time, now)}: {event.reason}: {event.message}" if event else quiet,
    ]
    made = [text.Text(diagnosis.visible(cell)) for cell in cells]
    made[READY].stylize(COLOURS[found.state])
    return made


def findings(rows: Iterable[status.Row]) -> text.Text:
    """Everything that the judgement found: what, where, what to do. Empty when all is well."""
    lines = text.Text(end="")
    for row in rows:
        for found in row.verdict.findings:
            lines.append(f"\n{row.name}: ", style="bold")
            lines.append(f"{_lines(found.line)}\n", style="red" if found.fatal else "yellow")
            where = [found.pod and f"pod {found.pod}", found.container and f"container {found.container}"]
            if any(where):
                more = f" (and {found.more} more)" if found.more else ""
                lines.append(f"  {', '.join(filter(None, where))}{more}\n")
            lines.append(f"  {_lines(found.remedy)}\n  {status_snapshot.runbook(found)}\n")
    return lines


def _lines(said: str) -> str:
    """Several lines, each with nothing in it that cannot be seen."""
    return "\n".join(map(diagnosis.visible, said.split("\n")))


def value(of: Any) -> str:
    """Any value in one line; a text as it is."""
    if of is None:
        return "-"
    shown = " ".join(of.split()) if isinstance(of, str) else json.dumps(of, ensure_ascii=False)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def ago(then: datetime.datetime, now: datetime.datetime) -> str:
    """How long since, in one unit."""
    return status.age((now - then).total_seconds())


def clock() -> str:
    """The time of day here, for the person at this screen."""
    return f"{datetime.datetime.now():%H:%M:%S}"


class Away:
    """What is said on stderr when the cluster goes away and when it comes back, once each."""

    def __init__(self) -> None:
        self._away = False

    def tell(self, why: str | None) -> None:
        """Say it if it is news. None: it is there."""
        if self._away == bool(why):
            return
        self._away = bool(why)
        print(f"seaway: {clock()} {f'{why}; waiting for it' if why else 'it answers again'}", file=sys.stderr)
