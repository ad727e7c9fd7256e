"""Pulumi as a program: its output goes to the user, a Ctrl-C reaches it once, and it is waited for."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from seaway import errors
from seaway.syntax import diagnosis

ENCRYPT_TIMEOUT = 60.0
"""That the backend may take to encrypt a value."""


def run(folder: Path, args: Sequence[str]) -> int:
    """Run `pulumi` with these words, as if typed in ``folder``; returns its exit code.

    Raises:
        KeyboardInterrupt: the user ended it, and it has ended.
        SystemExit: so did a SIGTERM.
        diagnosis.InvalidInput: there is no such program.
    """
    return wait([_find_pulumi(), *args], folder)[0]


def capture_stdout(folder: Path, args: Sequence[str], **variables: str) -> tuple[int, str]:
    """Run `pulumi` for what it prints to stdout; its exit code, and that. What it has to say goes to the user.

    Args:
        variables: for its environment, beside our own.

    Raises: as ``run``.
    """
    env = {**os.environ, **variables}
    return wait([_find_pulumi(), *args, "--non-interactive"], folder, env=env, stdout=subprocess.PIPE)


def capture_output(folder: Path, args: Sequence[str]) -> tuple[int, str]:
    """Run `pulumi` without a terminal; its exit code and all that it printed.

    Raises: as ``run``.
    """
    command = [_find_pulumi(), *args, "--non-interactive"]
    return wait(command, folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait(
    command: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> tuple[int, str]:
    """Run a command in ``folder`` until it has ended by itself, whatever signals come; its exit code and its stdout.

    ``subprocess.run`` would kill it a quarter of a second after a Ctrl-C, before Pulumi has released its lock.

    Args:
        env: the command's variables; this process' own by default.
        stdin, stdout, stderr: as for ``subprocess.Popen``.

    Raises:
        KeyboardInterrupt: the user interrupted it, and it has ended.
        SystemExit: the same for SIGTERM.
    """
    seen: list[int] = []
    early: list[int] = []
    process: subprocess.Popen[str] | None = None
    # A terminal sends Ctrl-C to all that runs in front. Any other signal is ours alone, and is handed on. Once: at the
    # second one Pulumi stops in the middle of what it does.
    in_front = _is_foreground()

    def hand_on(number: int) -> None:
        if process is None:
            early.append(number)
        elif number != signal.SIGINT or not in_front:
            process.send_signal(number)

    def handle(number: int, _: FrameType | None) -> None:
        seen.append(number)
        hand_on(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            process_group=None if in_front else 0,
        )
        with process:
            while early:
                hand_on(early.pop(0))
            printed, _ = process.communicate()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGTERM in seen:
        raise SystemExit(128 + signal.SIGTERM)
    if seen:
        raise KeyboardInterrupt
    return process.returncode, printed or ""


def set_secret(folder: Path, stack: str, key: str, value: str) -> None:
    """Set an encrypted value in the configuration of a stack. It is passed on stdin: arguments can be seen by all.

    Raises:
        errors.Unavailable: pulumi cannot encrypt or write it; the text says so in one line.
        diagnosis.InvalidInput: there is no such program.
    """
    words = [_find_pulumi(), "config", "set", "--secret", key, "--stack", stack, "--non-interactive"]
    done = subprocess.run(
        words, cwd=folder, input=value, capture_output=True, text=True, check=False, timeout=ENCRYPT_TIMEOUT
    )
    if done.returncode:
        reason = (done.stderr.strip() or "no output").splitlines()[-1].removeprefix("error: ")
        raise errors.Unavailable(f"{key} of stack {stack} cannot be set ({reason})")


def _find_pulumi() -> str:
    path = shutil.which("pulumi")
    if path is None:
        remedy = "install it (https://www.pulumi.com/docs/install/), or: . .seaway/env"
        raise diagnosis.InvalidInput(
            [diagnosis.Diagnostic(diagnosis.SourceLocation("PATH"), "", "there is no program pulumi", remedy)]
        )
    return path


def _is_foreground() -> bool:
    """Whether we have a terminal, and are what it sends its Ctrl-C to."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
