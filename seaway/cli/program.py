"""Pulumi as a program: its output goes to the user, a Ctrl-C reaches it once, and it is waited for."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from seaway.model import problems


def run(folder: Path, words: Sequence[str]) -> int:
    """Run `pulumi` with these words, as if typed in ``folder``; returns its exit code.

    Raises:
        KeyboardInterrupt: the user ended it, and it has ended.
        SystemExit: so did a SIGTERM.
        problems.Invalid: there is no such program.
    """
    return _waited(folder, words, None)[0]


def output(folder: Path, words: Sequence[str], **variables: str) -> tuple[int, str]:
    """Run `pulumi` for what it prints to stdout; its exit code, and that. What it has to say goes to the user.

    Args:
        variables: for its environment, beside our own.

    Raises: as ``run``.
    """
    return _waited(folder, [*words, "--non-interactive"], subprocess.PIPE, variables)


def _waited(
    folder: Path, words: Sequence[str], out: int | None, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    seen: list[int] = []
    # A terminal sends Ctrl-C to all that runs in front. Any other signal is ours alone, and is handed on. Once: at the
    # second one Pulumi stops in the middle of what it does.
    in_front = _in_front()
    group = None if in_front else 0
    env = {**os.environ, **(variables or {})}
    command = [_found(), *words]
    with subprocess.Popen(command, cwd=folder, env=env, process_group=group, stdout=out, text=True) as process:

        def hand_on(number: int, _: FrameType | None) -> None:
            seen.append(number)
            if number != signal.SIGINT or not in_front:
                process.send_signal(number)

        before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            printed, _ = process.communicate()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    if signal.SIGTERM in seen:
        raise SystemExit(128 + signal.SIGTERM)
    if seen:
        raise KeyboardInterrupt
    return process.returncode, printed or ""


def read(folder: Path, words: Sequence[str]) -> tuple[int, str]:
    """Run `pulumi` without a terminal; its exit code and all that it printed.

    Raises:
        problems.Invalid: there is no such program.
    """
    done = subprocess.run(
        [_found(), *words, "--non-interactive"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _found() -> str:
    path = shutil.which("pulumi")
    if path is None:
        remedy = "install it (https://www.pulumi.com/docs/install/), or: . .seaway/env"
        raise problems.Invalid([problems.Problem(problems.Place("PATH"), "", "there is no program pulumi", remedy)])
    return path


def _in_front() -> bool:
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
