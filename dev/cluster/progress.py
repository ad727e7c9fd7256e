"""What a person sees while parts compile: one live line on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

EVERY = 30.0  # seconds between two lines where nothing can be overwritten (a log, CI)


def clock(seconds: float) -> str:
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
        self.text = ""
        self.after = ""
        self.started = self.said = now()

    def start(self, name: str, expected: float, following: str | None) -> None:
        """A part begins; `expected` in seconds, `following` the next part."""
        self.number += 1
        self.started = self.said = self.now()
        self.text = f"[{self.number}/{self.total}] {name}"
        self.after = f" of about {clock(expected)}" + (f", next: {following}" if following else ", the last one")
        self._show(f"{self.text}: compiling, about {clock(expected)}", keep=not self.live)

    def tick(self) -> None:
        """Call it about once a second."""
        if not self.live and self.now() - self.said < EVERY:
            return
        self.said = self.now()
        self._show(f"{self.text}: {clock(self.now() - self.started)}{self.after}", keep=not self.live)

    def done(self, what: str = "compiled") -> None:
        """The part is there."""
        self._show(f"{self.text}: {what} in {clock(self.now() - self.started)}", keep=True)

    def note(self, text: str) -> None:
        """A line that stays."""
        self._show(text, keep=True)

    def _show(self, text: str, *, keep: bool) -> None:
        start = "\r\x1b[K" if self.live else ""
        self.out.write(f"{start}{text}" + ("\n" if keep else ""))
        self.out.flush()
