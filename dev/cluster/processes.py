"""Process ids with start times, so that an id that the kernel gave to another process is never used."""

import dataclasses
import json
import os
import signal
import time
from pathlib import Path

from dev.cluster import layout as layouts


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process and its start time in clock ticks since boot (field 22 of /proc/<pid>/stat)."""

    pid: int
    started: int

    @property
    def is_alive(self) -> bool:
        """Whether the same process still runs, and is not a zombie."""
        return _read_state(self.pid) == ("alive", self.started)


def find_process(pid: int) -> Process | None:
    """Return the running process with this id, or None."""
    state = _read_state(pid)
    return Process(pid=pid, started=state[1]) if state and state[0] == "alive" else None


def find_child(parent: Process) -> Process | None:
    """Return the first child of a process, or None."""
    try:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    except OSError:
        return None
    return find_process(int(children[0])) if children else None


def kill(process: Process) -> None:
    """Send SIGKILL, unless another process has the id. A handle keeps the id from changing in between."""
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
    """Return whether a process ends in time."""
    end = time.monotonic() + seconds
    while process.is_alive:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def map_namespace_ids(init: Process) -> dict[int, int]:
    """Map the process ids in the namespace of `init` to the ids on the host."""
    host_ids: dict[int, int] = {}
    try:
        namespace = Path(f"/proc/{init.pid}/ns/pid").readlink()
    except OSError:
        return host_ids
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "ns" / "pid").readlink() != namespace:
                continue
            line = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("NSpid:"))
        except (OSError, StopIteration):
            continue
        host_ids[int(line.split()[-1])] = int(folder.name)
    return host_ids


def save(layout: layouts.Layout, **recorded: Process) -> None:
    """Record processes by name, atomically."""
    partial = layout.record.with_suffix(".partial")
    partial.write_text(json.dumps({name: dataclasses.asdict(process) for name, process in recorded.items()}))
    partial.rename(layout.record)


def load(layout: layouts.Layout) -> dict[str, Process]:
    """Return the recorded processes by name. Empty if the cluster was not started since the boot of the machine."""
    try:
        return {name: Process(**fields) for name, fields in json.loads(layout.record.read_text()).items()}
    except FileNotFoundError:
        return {}


def _read_state(pid: int) -> tuple[str, int] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name in parentheses may itself contain spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    # A process whose first thread ended is dead only if its other threads ended: one may still end a namespace.
    dead = fields[0] in "ZX" and int(fields[17]) <= 1
    return ("dead" if dead else "alive", int(fields[19]))
