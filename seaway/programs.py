"""Starts other programs: git, skopeo, crane, cosign, syft, pulumi. Each has a time limit and a bounded output.

A program gets no terminal and a session of its own. The processes that it started
end with it.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

MAX_OUTPUT = 64_000_000
"""Bytes of stdout, and of stderr: a server may answer without end."""

_PIPE_SECONDS = 2.0
"""A process in the background may keep a pipe open."""


def run(
    command: Sequence[str],
    *,
    timeout: float,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    content: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run a program until it ends; return its exit code, stdout and stderr.

    Args:
        timeout: in seconds.
        folder: its working directory.
        env: its environment variables; our own by default.
        content: its standard input.

    Raises:
        OSError: it cannot be started, did not end in time, or printed too much. ``strerror`` is one line for the user.
    """
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    )
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - all are pipes
    outputs = (process.stdout, bytearray()), (process.stderr, bytearray())
    threads = [threading.Thread(target=_read, args=(process, *output), daemon=True) for output in outputs]
    threads.append(threading.Thread(target=_write, args=(process.stdin, content), daemon=True))
    for thread in threads:
        thread.start()
    try:
        process.wait(timeout)
        for thread in threads:
            thread.join(_PIPE_SECONDS)
    except subprocess.TimeoutExpired:
        raise TimeoutError(None, f"did not end within {timeout:.0f} s") from None
    finally:
        if process.poll() is None or any(thread.is_alive() for thread in threads):
            _kill(process)
        process.wait()
        for thread in threads:
            thread.join(_PIPE_SECONDS)
    texts = [bytes(output) for _, output in outputs]
    if any(len(text) > MAX_OUTPUT for text in texts):
        raise OSError(None, f"printed more than {MAX_OUTPUT // 1_000_000} MB")
    return subprocess.CompletedProcess(command, process.returncode, *texts)


def _read(process: subprocess.Popen[bytes], pipe: IO[bytes], output: bytearray) -> None:
    with pipe:
        while chunk := os.read(pipe.fileno(), 65536):
            output += chunk
            if len(output) > MAX_OUTPUT:
                _kill(process)
                return


def _write(pipe: IO[bytes], content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), pipe:
        pipe.write(content)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the processes of its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
