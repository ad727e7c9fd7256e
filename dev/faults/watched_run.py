"""`pulumi up` with a clock beside each line that it prints, so that it can be said when a person was told."""

import dataclasses
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from dev import project

BEGUN = re.compile(r"kubernetes:(apps|batch)/v1:\w+ \S+ (created|updated|replaced)")
"""The line with which a workload has changed in the cluster: from here on a cause can be seen."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """What was printed, and the seconds since the command began."""

    seconds: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Watched:
    """A command that has ended."""

    code: int
    seconds: float
    lines: list[Line]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def begun(self) -> float:
        """When the first workload had changed; where none did, when the command began."""
        return next((line.seconds for line in self.lines if BEGUN.search(line.text)), 0.0)

    def cause(self, id_: str) -> str | None:
        """The line that names a cause: the error or warning that links to its section of the runbook."""
        line = None
        for each in self.lines:
            if found := re.search(r"(?:error|warning): [\w-]+(?: failed)?: (.*?)(?: \(pod \S+\))?$", each.text):
                line = found[1]
            if f"#{id_}" in each.text:
                return line
        return None

    def told(self, text: str) -> float:
        """Seconds from the workload's change until the text was on the screen."""
        return next(line.seconds for line in self.lines if text in line.text) - self.begun


def up(
    shop: project.Project, *arguments: str, act: Callable[[subprocess.Popen[str]], None] | None = None, after: float = 0
) -> Watched:
    """`pulumi up`, to its end. ``act`` is called with the process ``after`` seconds from the first changed workload."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", shop.stack, *arguments]
    start = time.monotonic()
    lines: list[Line] = []
    with subprocess.Popen(
        command,
        cwd=shop.folder,
        env=shop.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout  # noqa: S101 - stdout is a pipe
        timer = None
        limit = threading.Timer(300, lambda: os.killpg(running.pid, signal.SIGKILL))
        limit.start()
        try:
            for text in running.stdout:
                lines.append(Line(time.monotonic() - start, text.rstrip("\n")))
                if act and timer is None and BEGUN.search(text):
                    timer = threading.Timer(after, act, [running])
                    timer.start()
            code = running.wait()
        finally:
            limit.cancel()
            if timer:
                timer.join()
    return Watched(code, time.monotonic() - start, lines)
