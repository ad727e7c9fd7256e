"""How the command line prints tables: folded to the width of the terminal or of COLUMNS, elsewhere as whole lines."""

import difflib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich import console, padding, segment, table, text

from seaway.cli import output
from seaway.syntax import diagnosis

UNLIMITED_WIDTH = 10_000
"""Columns without a terminal and without COLUMNS: programs get whole lines."""

COLUMN_GAP = 2

MAX_VALUE_LENGTH = 2_000
"""Characters of a value in a table, such as the content of a file. The JSON has the whole value."""

EMPTY = "-"
"""A cell without content."""


class _CleanConsole(console.Console):
    """A console whose text is clean, but for the colours of its own styles."""

    def render(
        self, renderable: console.RenderableType, options: console.ConsoleOptions | None = None
    ) -> Iterable[segment.Segment]:
        for part in super().render(renderable, options):
            yield part if part.control else part._replace(text=diagnosis.clean_lines(part.text))


def create_screen(stream: TextIO | None = None) -> console.Console:
    """A console for stdout or another stream. It has colours only on a terminal and without NO_COLOR."""
    file = output.get_unchanged(stream or sys.stdout)
    # rich reads COLUMNS itself; `seaway check | less` has it if the shell exports it.
    is_sized = file.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return _CleanConsole(
        file=file, width=None if is_sized else UNLIMITED_WIDTH, highlight=False, markup=False, emoji=False
    )


def write(screen: console.Console, renderable: console.RenderableType) -> None:
    """Print it; without a terminal, strip the padding at the ends of a table's lines."""
    if screen.is_terminal:
        screen.print(renderable)
        return
    with screen.capture() as printed:
        screen.print(renderable)
    screen.file.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))


def print_line(line: str | text.Text = "", stream: TextIO | None = None) -> None:
    """Print a line, folded to the width."""
    write(create_screen(stream), _to_text(line))


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str | text.Text]],
    *,
    header: bool = True,
    stream: TextIO | None = None,
) -> None:
    """Print a table without lines, unless it is empty. Cells are folded, widest columns first; no text is lost."""
    result = table.Table(box=None, pad_edge=False, padding=(0, COLUMN_GAP, 0, 0), header_style="bold")
    result.show_header = header
    for name in headings:
        result.add_column(name, overflow="fold")
    for row in rows:
        result.add_row(*map(_to_text, row))
    if result.row_count:
        write(create_screen(stream), result)


def build_rows(
    headings: Sequence[str], rows: Iterable[Sequence[str | text.Text]], width: int, *, movable: Sequence[str]
) -> list[console.RenderableType]:
    """A table whose cells are never folded: what is copied stays whole.

    If it is wider than ``width``, its ``movable`` columns, the last first, become lines below their rows.
    """
    lines = [list(map(_to_text, row)) for row in rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(map(text.Text, headings), *lines, strict=True)]
    kept, moved = list(range(len(headings))), list[int]()
    for name in reversed(movable):
        if sum(widths[column] + COLUMN_GAP for column in kept) - COLUMN_GAP > width:
            kept.remove(headings.index(name))
            moved.insert(0, headings.index(name))
    result: list[console.RenderableType] = []
    for line in [[text.Text(name, style="bold") for name in headings], *lines]:
        joined = text.Text()
        for column in kept:
            gap = widths[column] - line[column].cell_len + COLUMN_GAP if column != kept[-1] else 0
            joined.append_text(line[column]).append(" " * gap)
        result.append(joined)
        if line[0].plain != headings[0]:
            below = (column for column in moved if line[column].plain != EMPTY)
            lines_below = (text.Text(f"{headings[column]} ").append_text(line[column]) for column in below)
            result += [padding.Padding.indent(line_below, COLUMN_GAP) for line_below in lines_below]
    return result


def _to_text(cell: str | text.Text) -> text.Text:
    """Not as rich's markup: a message may have brackets."""
    return text.Text(diagnosis.escape_text(cell)) if isinstance(cell, str) else cell


def print_diff(name: str, before: str, after: str, *, context: int = 3) -> None:
    """Print the changed lines of a file as a unified diff."""
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, n=context, lineterm=""):
        print(line)


def format_value(field_value: Any) -> str:
    """A value on one line; a string without quotes."""
    if field_value is None:
        return EMPTY
    is_text = isinstance(field_value, str)
    line = " ".join(field_value.split()) if is_text else json.dumps(field_value, ensure_ascii=False)
    hidden = len(line) - MAX_VALUE_LENGTH
    return line if hidden <= 0 else f"{line[:MAX_VALUE_LENGTH]}… ({hidden} more characters)"
