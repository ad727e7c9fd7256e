"""Runs the program pulumi. Its output goes to the user, it gets a Ctrl-C once, and it is waited for."""

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from seaway import errors, programs
from seaway.cli import command
from seaway.syntax import decode, diagnosis

ENCRYPT_TIMEOUT = 60.0
"""Seconds that the backend may take to encrypt a value."""

CHUNK_BYTES = 1 << 16
STDERR_TIMEOUT = 2.0
"""Seconds for the rest of stderr after Pulumi has ended."""

_FLAG = re.compile(r"^ +(?:(-\w), )?(--[\w-]+)(?: (\S+))? {2,}", re.MULTILINE)
"""A flag in the help of a command of Pulumi: the short and the long form, and the type of its value."""

_VALUE_TYPES = ("string", "strings", "stringArray", "int", "int32", "file:")
"""Types of flags whose value is the next word. Other flags have none, or one after an equals sign."""

_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("-C", "--cwd"), "run seaway in that directory"),
    **dict.fromkeys(("-j", "--json"), "write --json for seaway preview; the result of an update: seaway status --json"),
}
"""Flags that contradict what the commands of Seaway do, with the alternative."""


_CONFLICT = re.compile(
    rb"(?:\x1b\[[\d;]*m)*error: .*(the stack is currently locked by |\[409\] Conflict: Another update)"
)
"""The first line of the error if another update of the stack runs. Pulumi Cloud has no locks: it refuses with 409.

https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/backend/diy/lock.go
"""


def run(folder: Path, args: Sequence[str]) -> tuple[int, str]:
    """Run `pulumi` in ``folder``; return its exit code, and its error if another update of the stack runs.

    For that error see ``wait_unless_locked``, for interrupts ``wait``.
    """
    return wait_unless_locked(_build_command(args), folder)


def wait_unless_locked(
    words: Sequence[str], folder: Path, *, env: Mapping[str, str] | None = None, stdout: int | None = None
) -> tuple[int, str]:
    """Run a command as ``wait`` does; return its exit code, and its error if another update of the stack runs.

    That error is not printed: it advises to cancel the update, which may still run.
    """
    reading, writing = os.pipe()
    withheld = bytearray()

    def pass_on() -> None:
        with os.fdopen(reading, "rb", 0) as source, os.fdopen(2, "wb", 0, closefd=False) as stderr:
            pending = b""
            while chunk := source.read(CHUNK_BYTES):
                pending += chunk
                conflict = _CONFLICT.search(pending)
                # A progress bar has no end of line. Only a line that may be the error is kept back.
                last = pending.rfind(b"\n") + 1
                start = conflict.start() if conflict else last if b"error" in pending[last:] else len(pending)
                stderr.write(pending[:start])
                pending = pending[start:]
            if _CONFLICT.match(pending):
                withheld.extend(pending)
            else:
                stderr.write(pending)

    reader = threading.Thread(target=pass_on, daemon=True)
    reader.start()
    try:
        code, _ = wait(words, folder, env=env, stdout=stdout, stderr=writing)
    finally:
        os.close(writing)
        # A plugin that outlives Pulumi keeps its end open.
        reader.join(STDERR_TIMEOUT)
    return code, withheld.decode(errors="replace")


def capture_stdout(folder: Path, args: Sequence[str], **variables: str) -> tuple[int, str]:
    """Run `pulumi` with more environment variables; return its exit code and stdout. Its stderr goes to the user."""
    env = {**os.environ, **variables}
    return wait([*_build_command(args), "--non-interactive"], folder, env=env, stdout=subprocess.PIPE)


def capture_output(folder: Path, args: Sequence[str]) -> tuple[int, str]:
    """Run `pulumi` without a terminal; return its exit code and its whole output."""
    arguments = [*_build_command(args), "--non-interactive"]
    return wait(arguments, folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def check_flags(prog: str, pulumi_command: str, words: Sequence[str], options: Sequence[str]) -> None:
    """Check that Pulumi accepts the words that Seaway does not know.

    Args:
        prog: the command line that has the words: ``seaway up``.
        pulumi_command: the command of Pulumi; empty: the words cannot be for Pulumi.
        options: the options of Seaway, for the hint.
    """
    diagnostics: list[diagnosis.Diagnostic] = []
    printed = capture_output(Path.cwd(), [pulumi_command, "--help"])[1] if pulumi_command else ""
    kinds = {name: kind for *names, kind in _FLAG.findall(printed) for name in names if name}
    both = f"{prog} or pulumi {pulumi_command}" if pulumi_command else prog
    is_value = False
    for word in words:
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        if not word.startswith("-"):
            message, hint = f"is not expected by {both}", f"for the arguments: {prog} --help"
            hint = f"to choose the stack: --stack {word}" if "--stack" in options else hint
        elif name in _REFUSED:
            message, hint = f"cannot be used with {prog}", _REFUSED[name]
        else:
            closest = decode.find_closest(name, [*options, *kinds])
            message = f"is not an option of {both}"
            hint = f"did you mean {closest}?" if closest else f"for the options: {prog} --help"
        is_known = is_value if not word.startswith("-") else name in kinds and name not in _REFUSED
        # The word after an unknown flag may be its value.
        is_value = word.startswith("-") and name == word and kinds.get(name, _VALUE_TYPES[0]) in _VALUE_TYPES
        if not is_known:
            location = diagnosis.SourceLocation(prog)
            diagnostics.append(diagnosis.Diagnostic(location, word, message, hint, "unknown-option"))
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)


def wait(
    words: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> tuple[int, str]:
    """Run a command in ``folder`` until it ends by itself, whatever signals come; return its exit code and stdout.

    ``subprocess.run`` would kill it 0.25 seconds after a Ctrl-C, before Pulumi has removed its lock.

    Args:
        env: its environment variables; our own by default.
        stdin, stdout, stderr: as for ``subprocess.Popen``.

    Raises:
        KeyboardInterrupt: the user interrupted it, and it has ended.
        SystemExit: as above, by SIGTERM.
    """
    received: list[int] = []
    pending: list[int] = []
    process: subprocess.Popen[str] | None = None
    # A terminal sends Ctrl-C to all foreground processes. Any other signal comes to us alone, and is passed on, once:
    # after a second signal Pulumi stops in the middle of an operation.
    is_foreground = _is_foreground()

    def pass_on(number: int) -> None:
        if process is None:
            pending.append(number)
        elif number != signal.SIGINT or not is_foreground:
            process.send_signal(number)

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)
        pass_on(number)

    handlers = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            process_group=None if is_foreground else 0,
        )
        with process:
            while pending:
                pass_on(pending.pop(0))
            printed, _ = process.communicate()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if signal.SIGTERM in received:
        raise SystemExit(128 + signal.SIGTERM)
    if received:
        raise KeyboardInterrupt
    return process.returncode, printed or ""


def set_secret(folder: Path, stack: str, key: str, value: str) -> None:
    """Set an encrypted value in the configuration of a stack. It is passed on stdin: other users can see arguments.

    ``key``: a key, or the path of a value: ``seaway:secrets["NAME"]``.
    """
    path = ["--path"] if "[" in key else []
    args = _build_command(["config", "set", "--secret", *path, key, "--stack", stack, "--non-interactive"])
    try:
        done = programs.run(args, folder=folder, content=value.encode(), timeout=ENCRYPT_TIMEOUT)
    except OSError as error:
        raise errors.Unavailable(f"{key} of stack {stack} cannot be set (pulumi {error.strerror})") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no output"]
        reason = lines[-1].removeprefix("error: ")
        raise errors.Unavailable(f"{key} of stack {stack} cannot be set ({reason})")


def _build_command(args: Sequence[str]) -> list[str]:
    words = list(args)
    if "--stack" in words:
        position = words.index("--stack") + 1
        words[position] = command.qualify_stack(words[position])
    return [_find_pulumi(), *words]


def _find_pulumi() -> str:
    path = shutil.which("pulumi")
    if path is None:
        own = ", or run: . .seaway/env" if Path(".seaway/env").is_file() else ""  # with the one-node cluster
        hint = f"install it (https://www.pulumi.com/docs/install/){own}"
        location = diagnosis.SourceLocation("PATH")
        raise diagnosis.reject(location, "", "program-not-found", "pulumi is not installed", hint)
    return path


def _is_foreground() -> bool:
    """Whether we have a terminal, and are in the process group that gets its Ctrl-C."""
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
