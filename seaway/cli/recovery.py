"""The lock of a stack, and ``seaway up --recover``: removes what a killed Pulumi leaves behind.

Pulumi continues after pending operations only after a question for each. The answer is always the same here: names
are fixed, and creating an object that exists changes nothing, so the operation is repeated.
https://www.pulumi.com/docs/iac/concepts/state-and-backends/#pending-operations

No backend is read. Pulumi itself reports the holder of a lock, in the same words for files, object storage and
PostgreSQL.
"""

import contextlib
import dataclasses
import datetime
import json
import os
import re
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seaway import errors
from seaway.cli import command, pulumi_cli, stack

_LOCK_PATTERN = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>[\w:.+-]+)")
"""https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/backend/diy/lock.go"""

_CLOUD_CONFLICT = "[409]"
"""Pulumi Cloud has no lock files. It refuses with this code during another update."""

START_TOLERANCE = datetime.timedelta(seconds=2)
"""Pulumi prints the time of a lock in whole seconds; the start of a process is known to 10 ms."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that holds a stack's lock."""

    user: str
    host: str
    pid: int
    since: datetime.datetime

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid}, since {self.since:%Y-%m-%d %H:%M:%S%z})"


def recover(target: stack.TargetStack, *, force_unlock: bool) -> None:
    """Remove the stack's lock if its holder has ended, and forget the pending operations.

    Args:
        force_unlock: the user confirms that the holder has ended; needed if that cannot be checked from here.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Only the user can read the folder, and the secrets in the state are encrypted.
        file = Path(folder) / "state.json"
        cancelled = False
        while True:
            code, output = _run_pulumi(target, "stack", "export", "--file", str(file))
            _check(code, "the state cannot be read", output)
            code, output = _run_pulumi(target, "stack", "import", "--file", str(file))
            if code == 0:
                break
            holders = parse_holders(output)
            _check(cancelled or not (holders or _CLOUD_CONFLICT in output), "the state cannot be repaired", output)
            ended, explanation = explain_lock(target, output)
            if not (ended or force_unlock):
                raise command.StackLocked(explanation)
            code, output = _run_pulumi(target, "cancel", "--yes")
            _check(code, "the lock cannot be removed", output)
            for message in [f"removed the lock of {holder}" for holder in holders] or ["cancelled the other update"]:
                command.report(message)
            cancelled = True
        if names := list_pending_operations(json.loads(file.read_bytes())):
            command.report(f"interrupted operations, repeated or taken over: {', '.join(names)}")


def parse_holders(output: str) -> list[Holder]:
    """The holders of the lock in Pulumi's output."""
    return [
        Holder(
            user=match["user"],
            host=match["host"],
            pid=int(match["pid"]),
            since=datetime.datetime.fromisoformat(match["since"]),
        )
        for match in _LOCK_PATTERN.finditer(output)
    ]


def is_running(holder: Holder) -> bool | None:
    """Whether a lock's holder still runs; None: another machine."""
    if holder.host != socket.gethostname():
        return None
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # the process of another user
    with contextlib.suppress(OSError, ValueError, IndexError):
        # It may be a zombie, or another process may have its number by now. The start time alone is no proof: a
        # changed clock shifts it.
        name, state, start = _read_process(holder.pid)
        return state not in "ZX" and (name.startswith("pulumi") or start <= holder.since + START_TOLERANCE)
    return True


def list_pending_operations(exported: Mapping[str, Any]) -> list[str]:
    """The resources with pending operations in an exported state."""
    deployment: Mapping[str, Any] = exported.get("deployment") or {}
    pending: Sequence[Any] = deployment.get("pending_operations") or ()
    urns: list[str] = [operation["resource"]["urn"] for operation in pending]
    # urn:pulumi:<stack>::<project>::<types of the parents>$<type>::<name>
    return sorted(
        {f"{urn.split('::')[2].rpartition(':')[2]} {urn.partition('::')[2].split('::', 2)[2]}" for urn in urns}
    )


def explain_lock(target: stack.TargetStack, output: str) -> tuple[bool, str]:
    """Whether the holders of the stack's lock in Pulumi's output have ended, and what to do."""
    holders = parse_holders(output)
    running = {holder: is_running(holder) for holder in holders}
    up = f"seaway up {target.options}"
    for holder, alive in running.items():
        if alive:
            wait = f"wait until it has ended, then: {up}. To end it: kill {holder.pid}"
            return False, f"{holder} holds the lock of stack {target.name}, and still runs: {wait}"
    unknown = " and ".join(str(holder) for holder, alive in running.items() if alive is None)
    if holders and not unknown:
        names = " and ".join(map(str, holders))
        return True, f"{names} left the lock of stack {target.name}, and has ended: {up} --recover"
    holder_names = unknown or "another update (see the stack's page in Pulumi Cloud)"
    return False, (
        f"{holder_names} holds the lock of stack {target.name}, and Seaway cannot see whether it still runs: wait until"
        f" it has ended, then: {up}. Only if it was killed: {up} --recover --force-unlock"
    )


def _read_process(pid: int) -> tuple[str, str, datetime.datetime]:
    """The name, state and start of a Linux process.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    fields = after.split()
    boot_line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    seconds = int(boot_line.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return before.partition("(")[2], fields[0], datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _run_pulumi(target: stack.TargetStack, *args: str) -> tuple[int, str]:
    return pulumi_cli.capture_output(target.folder, [*args, "--stack", target.name])


def _check(failed: int | bool, message: str, output: str) -> None:
    """Raise the error at the end of Pulumi's output, without the warnings before it."""
    if failed:
        raise errors.Unavailable(f"{message}: {' '.join(output.rpartition('error: ')[2].split())}")
