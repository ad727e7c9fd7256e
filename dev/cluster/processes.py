"""Process ids with their start times: a number that the kernel gave to somebody else since is never touched."""

import dataclasses
import json
import os
import signal
import time
from pathlib import Path

from dev.cluster import layout as layouts


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process as it was when we started it. `started` is in clock ticks since boot (field 22 of /proc/<pid>/stat)."""

    pid: int
    started: int

    @property
    def is_alive(self) -> bool:
        """The same process, and not just its corpse."""
        found = _read_state(self.pid)
        return found is not None and found == ("alive", self.started)


def find_process(pid: int) -> Process | None:
    """The living process with this id, if there is one."""
    found = _read_state(pid)
    return Process(pid=pid, started=found[1]) if found and found[0] == "alive" else None


def find_child(parent: Process) -> Process | None:
    """Its first child."""
    try:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    except OSError:
        return None
    return find_process(int(children[0])) if children else None


def kill(process: Process) -> None:
    """SIGKILL, unless the id is somebody else's by now. Through a handle, so that it cannot change hands in between."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.is_alive:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)


def wait_until_ended(process: Process, *, seconds: float) -> bool:
    """Whether it ended in time."""
    end = time.monotonic() + seconds
    while process.is_alive:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def map_namespace_ids(init: Process) -> dict[int, int]:
    """Ids of the processes in the process namespace of `init`: inside -> outside."""
    found: dict[int, int] = {}
    try:
        namespace = Path(f"/proc/{init.pid}/ns/pid").readlink()
    except OSError:
        return found
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "ns" / "pid").readlink() != namespace:
                continue
            line = next(row for row in (entry / "status").read_text().splitlines() if row.startswith("NSpid:"))
        except (OSError, StopIteration):
            continue
        found[int(line.split()[-1])] = int(entry.name)
    return found


def save(layout: layouts.Layout, **recorded: Process) -> None:
    """Record processes by name, all or nothing."""
    partial = layout.record.with_suffix(".partial")
    partial.write_text(json.dumps({name: dataclasses.asdict(process) for name, process in recorded.items()}))
    partial.rename(layout.record)


def load(layout: layouts.Layout) -> dict[str, Process]:
    """The recorded processes by name; none if nothing was started since the machine's boot."""
    try:
        return {name: Process(**values) for name, values in json.loads(layout.record.read_text()).items()}
    except FileNotFoundError:
        return {}


def _read_state(pid: int) -> tuple[str, int] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, in brackets, may hold blanks and brackets itself.
    fields = text.rpartition(")")[2].split()
    # A process whose first thread ended is a corpse only when the others did: one of them may be ending a namespace.
    dead = fields[0] in "ZX" and int(fields[17]) <= 1
    return ("dead" if dead else "alive", int(fields[19]))
