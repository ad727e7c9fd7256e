"""Lines of many containers on one screen, told apart with and without colour."""

import datetime
import itertools
import sys

from rich import text

from seaway.cli import display
from seaway.kubernetes.cluster import logs

COLOURS = (
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
        self._screen = display.screen()
        self._colours = itertools.cycle(COLOURS)
        self._away = display.Away()
        self._pods: dict[str, str] = {}
        self._prefixes: dict[str, str] = {}

    def line(self, label: str, line: logs.Line) -> None:
        """Print one line of a container.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        time = f"{_clock(line.time)} " if self._timestamps else ""
        self._screen.file.write(f"{self._prefix(label)} {time}{line.text}\n")

    def flush(self) -> None:
        """Let the reader have what was printed."""
        self._screen.file.flush()

    def away(self, why: str | None) -> None:
        """The cluster is away, or (None) it is there."""
        self._away.tell(why)

    def note(self, said: str) -> None:
        """Something about the logs, not of them."""
        self.flush()
        print(f"seaway: {said}", file=sys.stderr, flush=True)

    def _prefix(self, label: str) -> str:
        """Made once: rich takes longer for it than everything else takes for a line."""
        if label not in self._prefixes:
            pod = label.partition("/")[0]
            if pod not in self._pods:
                self._pods[pod] = next(self._colours)
            with self._screen.capture() as made:
                self._screen.print(text.Text(f"{label}:", style=self._pods[pod]), end="")
            self._prefixes[label] = made.get()
        return self._prefixes[label]


def _clock(nanoseconds: int) -> str:
    time = datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 10**6 % 1000:03}Z"
