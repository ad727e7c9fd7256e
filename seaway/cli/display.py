"""How the command line prints tables: within a terminal's width and in colour, or as plain whole lines elsewhere."""

import json
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TextIO

from rich import console, table, text

from seaway.syntax import diagnosis

UNLIMITED_WIDTH = 10_000
"""Columns without a terminal: programs get whole lines."""

COLUMN_GAP = 2

MAX_VALUE_LENGTH = 80
"""Characters of a value in a table. The JSON has the whole value."""


def create_screen(stream: TextIO | None = None) -> console.Console:
    """A console for stdout or another stream. It has colours only on a terminal and without NO_COLOR."""
    file = stream or sys.stdout
    width = None if file.isatty() else UNLIMITED_WIDTH
    return console.Console(file=file, width=width, highlight=False, markup=False, emoji=False)


def write(screen: console.Console, renderable: console.RenderableType) -> None:
    """Print it; without a terminal, strip the padding at the ends of a table's lines."""
    if screen.is_terminal:
        screen.print(renderable)
        return
    with screen.capture() as printed:
        screen.print(renderable)
    screen.file.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))


def build_table(
    headings: Sequence[str], rows: Iterable[Sequence[str | text.Text]], *, folded: Collection[str] = ()
) -> table.Table:
    """A table without lines. A cell that is too wide is cut, in the ``folded`` columns it is wrapped."""
    result = table.Table(box=None, pad_edge=False, padding=(0, COLUMN_GAP, 0, 0), header_style="bold")
    for name in headings:
        fold = name in folded
        result.add_column(name, no_wrap=not fold, overflow="fold" if fold else "ellipsis")
    for row in rows:
        # Not as rich's markup: a message may have brackets.
        result.add_row(*(text.Text(diagnosis.escape_text(cell)) if isinstance(cell, str) else cell for cell in row))
    return result


def format_value(field_value: Any) -> str:
    """A value on one line; a string without quotes."""
    if field_value is None:
        return "-"
    is_text = isinstance(field_value, str)
    line = " ".join(field_value.split()) if is_text else json.dumps(field_value, ensure_ascii=False)
    return line if len(line) <= MAX_VALUE_LENGTH else f"{line[: MAX_VALUE_LENGTH - 1]}…"
