"""Runs `seaway` as a process, and reads its output line by line, from a pipe or a terminal."""

import contextlib
import os
import pty
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


class RunningCommand:
    """A running `seaway ...`."""

    def __init__(self, process: subprocess.Popen[bytes], stdout: IO[bytes]) -> None:
        self.process = process
        self.stdout = OutputLines(stdout)
        assert process.stderr
        self.stderr = OutputLines(process.stderr)

    def interrupt(self) -> int:
        """Send SIGINT and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=300)


class OutputLines:
    """The lines of a stream, read in a thread."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.lines: list[str] = []
        self._unread: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        # Reading from a terminal with a closed other end is an error.
        with contextlib.suppress(OSError, ValueError):
            for line in stream:
                self._unread.put(line.decode().rstrip("\r\n"))

    def wait_until(self, condition: Callable[[list[str]], bool], seconds: float = 300) -> list[str]:
        """Wait until the lines meet a condition, and return them."""
        end = time.monotonic() + seconds
        while not condition(self.lines):
            try:
                self.lines.append(self._unread.get(timeout=max(0.01, end - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"the condition was not met within {seconds} s: {self.lines}") from None
        return self.lines

    def wait_for_text(self, text: str, seconds: float = 300) -> list[str]:
        """Wait until a line contains a text, and return all lines."""
        return self.wait_until(lambda lines: any(text in line for line in lines), seconds)

    def read_for(self, seconds: float) -> list[str]:
        """Read for some seconds, and return all lines."""
        time.sleep(seconds)
        while not self._unread.empty():
            self.lines.append(self._unread.get())
        return self.lines


@contextlib.contextmanager
def run_with_head(*words: str) -> Iterator[RunningCommand]:
    """Run `seaway ... | head -n 1` in the working directory."""
    read, write = os.pipe()
    command = [sys.executable, "-m", "seaway.cli", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        subprocess.Popen(command, env=env, stdout=write, stderr=subprocess.PIPE) as process,
        subprocess.Popen([sys.executable, "-c", "print(input())"], stdin=read, stdout=subprocess.PIPE) as reader,
    ):
        os.close(read)
        os.close(write)
        assert reader.stdout
        try:
            yield RunningCommand(process, reader.stdout)
        finally:
            process.kill()
            reader.kill()


@contextlib.contextmanager
def run_seaway(
    *words: str, terminal: bool = False, width: int = 100, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[RunningCommand]:
    """Run `seaway ...`, and kill it at the end if it still runs.

    Args:
        terminal: print to a terminal of this width, otherwise to a pipe.
        env: its variables, in addition to those of the terminal.
    """
    command = [sys.executable, "-m", "seaway.cli", *words]
    variables = {"PYTHONPATH": str(ROOT), "COLUMNS": str(width), "TERM": "xterm-256color", **(env or os.environ)}
    with contextlib.ExitStack() as opened:
        if terminal:
            own_end, other_end = pty.openpty()
            stdout = opened.enter_context(os.fdopen(own_end, "rb", buffering=0))
            process = subprocess.Popen(command, cwd=cwd, env=variables, stdout=other_end, stderr=subprocess.PIPE)
            os.close(other_end)
        else:
            process = subprocess.Popen(command, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert process.stdout
            stdout = opened.enter_context(process.stdout)
        assert process.stderr
        opened.enter_context(process.stderr)
        try:
            yield RunningCommand(process, stdout)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=300)
