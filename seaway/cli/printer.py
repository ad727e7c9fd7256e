"""Prints log lines of many containers, each with a label and the colour of its pod."""

import datetime
import itertools
import re

from rich import text

from seaway.cli import command, connection, display
from seaway.kubernetes.cluster import logs
from seaway.syntax import diagnosis

POD_COLOURS = (
    "cyan",
    "green",
    "yellow",
    "magenta",
    "blue",
    "bright_cyan",
    "bright_green",
    "bright_yellow",
    "bright_magenta",
)
"""Used in turn. Red is for errors."""


_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")


class Printer:
    """Prints lines with the label of their container."""

    def __init__(self, *, timestamps: bool) -> None:
        self._timestamps = timestamps
        self._screen = display.create_screen()
        self._clean_line = clean_log_line if self._screen.is_terminal else str
        self._colours = itertools.cycle(POD_COLOURS)
        self._notice = connection.ConnectionNotice()
        self._pods: dict[str, str] = {}
        self._prefixes: dict[str, str] = {}

    def print_line(self, label: str, line: logs.LogLine) -> None:
        """Print one line of a container."""
        time = f"{_format_timestamp(line.time)} " if self._timestamps else ""
        self._screen.file.write(f"{self._build_prefix(label)} {time}{self._clean_line(line.text)}\n")

    def flush(self) -> None:
        """Flush stdout."""
        self._screen.file.flush()

    def print_connection(self, disconnected_reason: str | None) -> None:
        """Report a lost or restored (None) connection."""
        self._notice.print_change(disconnected_reason)

    def print_note(self, message: str) -> None:
        """Print a message about the logs to stderr."""
        self.flush()
        command.report(message)

    def _build_prefix(self, label: str) -> str:
        """The coloured label. Cached, since rich takes longer for it than the rest of a line takes."""
        if label not in self._prefixes:
            pod = label.partition("/")[0]
            if pod not in self._pods:
                self._pods[pod] = next(self._colours)
            with self._screen.capture() as captured:
                self._screen.print(text.Text(f"{label}:", style=self._pods[pod]), end="")
            self._prefixes[label] = captured.get()
        return self._prefixes[label]


def clean_log_line(line: str) -> str:
    """The line for a terminal: it keeps its colours, which end with it, and cannot move the cursor.

    A file or a program gets the line unchanged: it may be JSON, or binary, and is compared with the container's own.
    """
    parts = _COLOUR.split(line)
    parts[::2] = map(diagnosis.clean_lines, parts[::2])
    plain = diagnosis.clean_lines(_COLOUR.sub("", line))
    if "".join(parts[::2]) != plain:
        return plain  # a colour begins inside the password of a URL
    return "".join(parts) + ("\x1b[0m" if len(parts) > 1 else "")


def _format_timestamp(nanoseconds: int) -> str:
    time = datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 10**6 % 1000:03}Z"
