"""``seaway up --recover``: what a killed Pulumi leaves behind is cleared away, and what it had made is taken over.

Two things stay behind: the stack's lock, and in the state the operations that were under way. Pulumi goes on with the
latter only after a question for each; but names are fixed here and making what is there already changes nothing, so
the answer is always the same: make it again. https://www.pulumi.com/docs/iac/concepts/state-and-backends/#pending-operations

No backend is read: Pulumi itself says who holds a lock, in the same words for files, object storage and PostgreSQL.
"""

import contextlib
import dataclasses
import datetime
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seaway.cli import pulumi_cli, stack

_LOCK_PATTERN = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
"""https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/backend/diy/lock.go"""

_CLOUD_CONFLICT = "[409]"
"""Pulumi Cloud has no lock files; it refuses with this code while another update is under way."""

START_TOLERANCE = datetime.timedelta(seconds=2)
"""Pulumi tells a lock's time in whole seconds, and a process's start is known to a hundredth."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a stack's lock."""

    user: str
    host: str
    pid: int
    since: datetime.datetime

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid}, since {self.since:%Y-%m-%d %H:%M:%S%z})"


def recover(target: stack.TargetStack, *, force_unlock: bool) -> str | None:
    """Free the stack's lock where nobody holds it any more, and forget the operations that were under way.

    Args:
        stale: the user's word that whoever holds the lock is gone; needed where that cannot be seen from here.

    Returns:
        Why it cannot be done, for the user; None: it is done.

    Raises:
        diagnosis.InvalidInput: there is no program pulumi.
    """
    with tempfile.TemporaryDirectory() as made:
        # The secrets in it are encrypted; the folder is nobody else's.
        file = Path(made) / "state.json"
        cancelled = False
        while True:
            code, said = _run_pulumi(target, "stack", "export", "--file", str(file))
            if code:
                return f"the state cannot be read: {_extract_error(said)}"
            code, said = _run_pulumi(target, "stack", "import", "--file", str(file))
            if code == 0:
                break
            found = parse_holders(said)
            locked = bool(found) or _CLOUD_CONFLICT in said
            if cancelled or not locked:
                return f"the state cannot be put right: {_extract_error(said)}"
            if not force_unlock and (why := _explain_refusal(found)):
                return why
            code, said = _run_pulumi(target, "cancel", "--yes")
            if code:
                return f"the lock cannot be freed: {_extract_error(said)}"
            _report_unlock(found)
            cancelled = True
        if names := list_pending_operations(json.loads(file.read_bytes())):
            _report(f"was under way and is done again, or taken over as it is: {', '.join(names)}")
    return None


def parse_holders(output: str) -> list[Holder]:
    """Who holds the lock, from what Pulumi says of it."""
    return [
        Holder(
            user=found["user"],
            host=found["host"],
            pid=int(found["pid"]),
            since=datetime.datetime.fromisoformat(found["since"]),
        )
        for found in _LOCK_PATTERN.finditer(output)
    ]


def is_running(holder: Holder) -> bool | None:
    """Whether a lock's holder still runs; None: that cannot be seen from this machine."""
    if holder.host != socket.gethostname():
        return None
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's process, and it is there
    with contextlib.suppress(OSError, ValueError, IndexError):
        # It may be dead with nobody having asked for its exit code yet, or its number another program's by now. The
        # time alone does not tell: a clock that was set shifts it.
        name, state, began = _read_process(holder.pid)
        return state not in "ZX" and (name.startswith("pulumi") or began <= holder.since + START_TOLERANCE)
    return True


def list_pending_operations(exported: Mapping[str, Any]) -> list[str]:
    """The names of the resources that an exported state has open operations of."""
    deployment: Mapping[str, Any] = exported.get("deployment") or {}
    pending: Sequence[Any] = deployment.get("pending_operations") or ()
    urns: list[str] = [one["resource"]["urn"] for one in pending]
    # urn:pulumi:<stack>::<project>::<types of the parents>$<type>::<name>
    return sorted(
        {f"{urn.split('::')[2].rpartition(':')[2]} {urn.partition('::')[2].split('::', 2)[2]}" for urn in urns}
    )


def _explain_refusal(holders: Sequence[Holder]) -> str | None:
    """Why the lock must not be freed; None: whoever held it is gone."""
    known = {one: is_running(one) for one in holders}
    for one, alive in known.items():
        if alive:
            return f"the stack is locked by {one}, which still runs: wait for its end, or end it with kill {one.pid}"
    unknown = [str(one) for one, alive in known.items() if alive is None]
    if unknown or not holders:
        who = " and ".join(unknown) or "another update (Pulumi Cloud's page of the stack says whose)"
        return (
            f"the stack is locked by {who}, and whether it still runs cannot be seen from here. If it does not:"
            " seaway up --recover --stale-lock"
        )
    return None


def _read_process(pid: int) -> tuple[str, str, datetime.datetime]:
    """Name, state and start of a process, as Linux tells them.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    before, _, after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    fields = after.split()
    booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    seconds = int(booted.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return before.partition("(")[2], fields[0], datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _run_pulumi(target: stack.TargetStack, *words: str) -> tuple[int, str]:
    return pulumi_cli.capture_output(target.folder, [*words, "--stack", target.name])


def _report_unlock(holders: Sequence[Holder]) -> None:
    for one in holders:
        _report(f"the lock of {one} is freed")
    if not holders:
        _report("the update that was under way is cancelled")


def _extract_error(output: str) -> str:
    """The end of what Pulumi printed: its error, without the warnings before it."""
    told = output.rpartition("error: ")[2].strip()
    return " ".join(told.split())


def _report(message: str) -> None:
    print(f"seaway: {message}", file=sys.stderr, flush=True)
