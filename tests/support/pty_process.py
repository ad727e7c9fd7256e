"""Runs `seaway ...` at a terminal of its own: both ends of a pseudoterminal, as a terminal emulator has them."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path


class PtyProcess:
    """A process whose stdin, stdout and stderr are a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self._terminal = terminal
        self.output = b""

    def write(self, text: str) -> None:
        """Type a text."""
        os.write(self._terminal, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the terminal, of which the process gets a signal."""
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def is_raw(self) -> bool:
        """Return whether the terminal passes every key on."""
        return not termios.tcgetattr(self._terminal)[3] & termios.ICANON

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Read until the output contains a text after the last call's."""
        end = time.monotonic() + seconds
        while text.encode() not in self.output:
            assert time.monotonic() < end, f"{text!r} is not in {self.output!r}"
            if select.select((self._terminal,), (), (), 0.1)[0]:
                with contextlib.suppress(OSError):  # the process has ended
                    self.output += os.read(self._terminal, 4096)
        self.output = self.output.partition(text.encode())[2]


@contextlib.contextmanager
def start(*words: str, cwd: Path, env: Mapping[str, str], columns: int = 80, lines: int = 24) -> Iterator[PtyProcess]:
    """Run `seaway ...`, and kill it at the end if it still runs."""
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "seaway.cli", *words]
    # The first terminal that the leader of a session opens becomes that of the session, and so sends it signals.
    script = ("sh", "-c", 'exec "$@" <>"$0" >&0 2>&1', os.ttyname(theirs), *line)
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(script, cwd=cwd, env=dict(env), start_new_session=True)
    try:
        yield PtyProcess(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=60)
        os.close(theirs)
        os.close(ours)
