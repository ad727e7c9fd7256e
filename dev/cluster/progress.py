"""What a person sees while parts compile: one live line on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

LOG_INTERVAL = 30.0  # seconds between two lines where nothing can be overwritten (a log, CI)


def format_duration(seconds: float) -> str:
    """Seconds as minutes:seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Progress:
    """The progress of a row of parts."""

    def __init__(self, total: int, *, out: TextIO | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """`total`: how many parts there are."""
        self.total = total
        self.out = out or sys.stdout
        self.now = now
        self.live = self.out.isatty()
        self.number = 0
        self.prefix = ""
        self.suffix = ""
        self.started = self.last_line = now()

    def start(self, name: str, expected: float, following: str | None) -> None:
        """A part begins; `expected` in seconds, `following` the next part."""
        self.number += 1
        self.started = self.last_line = self.now()
        self.prefix = f"[{self.number}/{self.total}] {name}"
        self.suffix = f" of about {format_duration(expected)}" + (
            f", next: {following}" if following else ", the last one"
        )
        self._print_line(f"{self.prefix}: compiling, about {format_duration(expected)}", keep=not self.live)

    def tick(self) -> None:
        """Call it about once a second."""
        if not self.live and self.now() - self.last_line < LOG_INTERVAL:
            return
        self.last_line = self.now()
        self._print_line(
            f"{self.prefix}: {format_duration(self.now() - self.started)}{self.suffix}", keep=not self.live
        )

    def finish(self, result: str = "compiled") -> None:
        """The part is there."""
        self._print_line(f"{self.prefix}: {result} in {format_duration(self.now() - self.started)}", keep=True)

    def note(self, text: str) -> None:
        """A line that stays."""
        self._print_line(text, keep=True)

    def _print_line(self, text: str, *, keep: bool) -> None:
        start = "\r\x1b[K" if self.live else ""
        self.out.write(f"{start}{text}" + ("\n" if keep else ""))
        self.out.flush()
