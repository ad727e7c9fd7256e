"""Runs `pulumi up` and records the time of each line of its output."""

import contextlib
import dataclasses
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from dev import project
from seaway.files import private
from seaway.syntax import diagnosis

OUTPUTS = project.ROOT / ".seaway" / "faults"
"""Folder of the complete output of each run."""

WORKLOAD_CHANGED = re.compile(r"kubernetes:(apps|batch)/v1:\w+ \S+ (created|updated|replaced)")
"""The line that reports a changed workload. A cause can be visible from this line on."""

STOP_SECONDS = 30
"""Seconds from the last interruption until a run that has not ended is killed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A line of output, and the seconds since the start of the command."""

    seconds: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class WatchedRun:
    """The output of a command that has ended."""

    exit_code: int
    seconds: float
    lines: list[Line]

    @property
    def output(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def change_seconds(self) -> float:
        """Seconds until the first workload changed; 0 if none did."""
        return next((line.seconds for line in self.lines if WORKLOAD_CHANGED.search(line.text)), 0.0)

    def find_cause(self, id_: str) -> str | None:
        """Find the error or warning that names the section of a cause in the runbook."""
        message = None
        for line in self.lines:
            if match := re.search(r"(?:error|warning): [\w-]+(?: failed)?: (.*?)(?: \(pod \S+\))?$", line.text):
                message = match[1]
            if diagnosis.format_help(id_) in line.text:
                return message
        return None

    def find_hint(self, id_: str) -> str | None:
        """Find the last hint about a cause: the line above the link to the runbook. Of an interrupted run, the last."""
        link = diagnosis.format_help(id_)
        linked = [line.text for line, below in zip(self.lines, self.lines[1:], strict=False) if link in below.text]
        hints = [text.partition("fix: ")[2] for text in linked or self.output.splitlines() if "fix: " in text]
        return hints[-1] if hints else None

    def measure_delay(self, text: str) -> float:
        """Return the seconds from the workload's change until the output contained a text."""
        return next(line.seconds for line in self.lines if text in line.text) - self.change_seconds


def run_up(
    shop: project.Project,
    *arguments: str,
    act: Callable[[subprocess.Popen[str]], None] | None = None,
    after: float = 0,
    stop_at: Sequence[str] = (),
) -> WatchedRun:
    """Run `pulumi up` to its end, see ``run_pulumi``."""
    return run_pulumi(shop, "up", "--yes", "--skip-preview", *arguments, act=act, after=after, stop_at=stop_at)


def run_pulumi(
    shop: project.Project,
    *words: str,
    act: Callable[[subprocess.Popen[str]], None] | None = None,
    after: float = 0,
    stop_at: Sequence[str] = (),
) -> WatchedRun:
    """Run a command of Pulumi to its end.

    Args:
        act: is called with the process ``after`` seconds from the first changed workload.
        stop_at: the run is interrupted, as with Ctrl-C, at the first line with each of these texts, in their order.

    Raises:
        TimeoutError: it did not end within STOP_SECONDS after the last interruption.
    """
    command = ["pulumi", *words, "--non-interactive", "--stack", shop.stack]
    texts = deque(stop_at)
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
        limit = _start_limit(running, 300)
        try:
            for text in running.stdout:
                lines.append(Line(time.monotonic() - start, text.rstrip("\n")))
                if texts and texts[0] in text:
                    texts.popleft()
                    os.killpg(running.pid, signal.SIGINT)
                    limit.cancel()
                    limit = _start_limit(running, 300 if texts else STOP_SECONDS)
                if act and timer is None and WORKLOAD_CHANGED.search(text):
                    timer = threading.Timer(after, act, [running])
                    timer.start()
            exit_code = running.wait()
        finally:
            limit.cancel()
            if timer:
                timer.join()
    run = WatchedRun(exit_code, time.monotonic() - start, lines)
    if stop_at and not texts and exit_code == -signal.SIGKILL:
        raise TimeoutError(f"it was interrupted, and did not end:\n{run.output}")
    return run


def _start_limit(running: subprocess.Popen[str], seconds: float) -> threading.Timer:
    limit = threading.Timer(seconds, lambda: os.killpg(running.pid, signal.SIGKILL))
    limit.start()
    return limit


def run_on_terminal(checkout: project.Project, *command: str, columns: int = 120) -> project.CommandResult:
    """Run a command in the checkout on a terminal. Its output has no colours."""
    start = time.monotonic()
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {name: text for name, text in checkout.env.items() if name != "CI"} | {"TERM": "xterm-256color"}
    output = bytearray()
    with (
        os.fdopen(ours, "rb", buffering=0) as stream,
        subprocess.Popen(command, cwd=checkout.folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as running,
    ):
        os.close(theirs)
        with contextlib.suppress(OSError):
            while chunk := stream.read(4096):
                output.extend(chunk)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.decode(errors="replace")).replace("\r", "")
    seconds = time.monotonic() - start
    return project.CommandResult(exit_code=running.returncode, stdout=text, stderr="", seconds=seconds)


def write_output(name: str, run: WatchedRun) -> None:
    """Write the output of a run, with the seconds of each line."""
    private.make_folder(OUTPUTS)
    lines = [f"{line.seconds:6.1f}  {line.text}" for line in run.lines]
    (OUTPUTS / f"{re.sub('[^a-z0-9]+', '-', name.lower())[:60]}.txt").write_text("\n".join(lines) + "\n")
