"""Progress of compilation: one live line on a terminal, an occasional line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

LOG_INTERVAL = 30.0  # seconds between two lines in a log or in CI


def format_duration(seconds: float) -> str:
    """Format seconds as minutes:seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Progress:
    """Prints the progress of several parts."""

    def __init__(self, total: int, *, out: TextIO | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """Start with `total` parts to compile."""
        self.total = total
        self.out = out or sys.stdout
        self.now = now
        self.live = self.out.isatty()
        self.number = 0
        self.prefix = ""
        self.suffix = ""
        self.started = self.last_line = now()

    def start(self, name: str, expected: float, following: str | None) -> None:
        """Start a part. `expected` is in seconds, `following` is the next part."""
        self.number += 1
        self.started = self.last_line = self.now()
        self.prefix = f"[{self.number}/{self.total}] {name}"
        self.suffix = f" of about {format_duration(expected)}" + (
            f", next: {following}" if following else ", the last one"
        )
        self._print_line(f"{self.prefix}: compiling, about {format_duration(expected)}", keep=not self.live)

    def tick(self) -> None:
        """Update the line. Call this about once a second."""
        if not self.live and self.now() - self.last_line < LOG_INTERVAL:
            return
        self.last_line = self.now()
        self._print_line(
            f"{self.prefix}: {format_duration(self.now() - self.started)}{self.suffix}", keep=not self.live
        )

    def finish(self, result: str = "compiled") -> None:
        """Print that the part is finished."""
        self._print_line(f"{self.prefix}: {result} in {format_duration(self.now() - self.started)}", keep=True)

    def note(self, text: str) -> None:
        """Print a permanent line."""
        self._print_line(text, keep=True)

    def _print_line(self, text: str, *, keep: bool) -> None:
        start = "\r\x1b[K" if self.live else ""
        self.out.write(f"{start}{text}" + ("\n" if keep else ""))
        self.out.flush()
