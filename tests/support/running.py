"""Runs the command as a process, and reads its output line by line, from a pipe or a terminal."""

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


class Running:
    """A running `seaway ...`."""

    def __init__(self, process: subprocess.Popen[bytes], out: IO[bytes]) -> None:
        self.process = process
        self.out = _Lines(out)
        assert process.stderr
        self.err = _Lines(process.stderr)

    def interrupt(self) -> int:
        """Send SIGINT and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=300)


class _Lines:
    """The lines of a stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.seen: list[str] = []
        self._fresh: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        # Reading from a terminal with a closed other end is an error.
        with contextlib.suppress(OSError, ValueError):
            for line in stream:
                self._fresh.put(line.decode().rstrip("\r\n"))

    def until(self, condition: Callable[[list[str]], bool], seconds: float = 300) -> list[str]:
        """Wait until the lines meet a condition, and return them."""
        end = time.monotonic() + seconds
        while not condition(self.seen):
            try:
                self.seen.append(self._fresh.get(timeout=max(0.01, end - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"the condition was not met within {seconds} s: {self.seen}") from None
        return self.seen

    def has(self, text: str, seconds: float = 300) -> list[str]:
        """Wait until a line contains a text, and return all lines."""
        return self.until(lambda seen: any(text in line for line in seen), seconds)

    def quiet(self, seconds: float) -> list[str]:
        """Read for some seconds, and return all lines."""
        time.sleep(seconds)
        while not self._fresh.empty():
            self.seen.append(self._fresh.get())
        return self.seen


@contextlib.contextmanager
def head(*words: str) -> Iterator[Running]:
    """Run `seaway ... | head -n 1` in the working directory."""
    read, write = os.pipe()
    line = [sys.executable, "-m", "seaway.cli", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        subprocess.Popen(line, env=env, stdout=write, stderr=subprocess.PIPE) as process,
        subprocess.Popen([sys.executable, "-c", "print(input())"], stdin=read, stdout=subprocess.PIPE) as reader,
    ):
        os.close(read)
        os.close(write)
        assert reader.stdout
        try:
            yield Running(process, reader.stdout)
        finally:
            process.kill()
            reader.kill()


@contextlib.contextmanager
def command(
    *words: str,
    terminal: bool = False,
    width: int = 100,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run `seaway ...`, and kill it at the end if it still runs.

    Args:
        terminal: print to a terminal of this width, otherwise to a pipe.
        env: its variables, in addition to those of the terminal.
    """
    line = [sys.executable, "-m", "seaway.cli", *words]
    variables = {"PYTHONPATH": str(ROOT), "COLUMNS": str(width), "TERM": "xterm-256color", **(env or os.environ)}
    with contextlib.ExitStack() as opened:
        if terminal:
            ours, theirs = pty.openpty()
            out = opened.enter_context(os.fdopen(ours, "rb", buffering=0))
            process = subprocess.Popen(line, cwd=cwd, env=variables, stdout=theirs, stderr=subprocess.PIPE)
            os.close(theirs)
        else:
            process = subprocess.Popen(line, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert process.stdout
            out = opened.enter_context(process.stdout)
        assert process.stderr
        opened.enter_context(process.stderr)
        try:
            yield Running(process, out)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=300)
