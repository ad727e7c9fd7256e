"""Lines of many containers on one screen, told apart with and without colour."""

import datetime
import itertools
import sys

from rich import text

from seaway.cli import display
from seaway.kubernetes.cluster import logs

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
"""One a pod, from the beginning again when they are used up. Red is for what is wrong."""


class Printer:
    """Lines with the label of their container before them, in a colour a pod."""

    def __init__(self, *, timestamps: bool) -> None:
        self._timestamps = timestamps
        self._screen = display.create_screen()
        self._colours = itertools.cycle(POD_COLOURS)
        self._away = display.ConnectionNotice()
        self._pods: dict[str, str] = {}
        self._prefixes: dict[str, str] = {}

    def print_line(self, label: str, line: logs.LogLine) -> None:
        """Print one line of a container.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        time = f"{_format_timestamp(line.time)} " if self._timestamps else ""
        self._screen.file.write(f"{self._build_prefix(label)} {time}{line.text}\n")

    def flush(self) -> None:
        """Let the reader have what was printed."""
        self._screen.file.flush()

    def print_connection(self, disconnected_reason: str | None) -> None:
        """The cluster is away, or (None) it is there."""
        self._away.print_change(disconnected_reason)

    def print_note(self, message: str) -> None:
        """Something about the logs, not of them."""
        self.flush()
        print(f"seaway: {message}", file=sys.stderr, flush=True)

    def _build_prefix(self, label: str) -> str:
        """Made once: rich takes longer for it than everything else takes for a line."""
        if label not in self._prefixes:
            pod = label.partition("/")[0]
            if pod not in self._pods:
                self._pods[pod] = next(self._colours)
            with self._screen.capture() as made:
                self._screen.print(text.Text(f"{label}:", style=self._pods[pod]), end="")
            self._prefixes[label] = made.get()
        return self._prefixes[label]


def _format_timestamp(nanoseconds: int) -> str:
    time = datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 10**6 % 1000:03}Z"
