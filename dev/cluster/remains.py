"""Stops the cluster of a checkout, and removes its remains outside the checkout. Requires only the system's Python."""

import contextlib
import shutil
from pathlib import Path

from dev.cluster import layout as layouts
from dev.cluster import machine, network, processes

RUN = Path("/run")


def remove(layout: layouts.Layout) -> None:
    """End all processes, and remove mounts, interfaces, firewall rules, cgroups and sockets, also after a crash.

    Raises FailedError: a process does not end.
    """
    if not layout.run.exists():
        return  # created first and removed last, so nothing else exists
    recorded = processes.load(layout)
    for process in recorded.values():
        processes.kill(process)
    for name, process in recorded.items():
        # The first process of a namespace ends only after all others in it.
        if not processes.wait_until_ended(process, seconds=30):
            raise layouts.FailedError(f"{name}: process {process.pid} does not end; see /proc/{process.pid}/stack")
    with network.lock_network():
        network.disconnect(layout)
    machine.remove_cgroups(layout)
    shutil.rmtree(layout.run)


def list_process_ids(layout: layouts.Layout) -> set[int]:
    """Return the ids, on the host, of all processes of the cluster."""
    init = processes.load(layout).get("init")
    return set(processes.map_namespace_ids(init).values()) if init else set()


def remove_shared() -> None:
    """Remove what all clusters of the machine share, after the last one has stopped."""
    if any(RUN.glob("seaway-*/record.json")):
        return
    with contextlib.suppress(OSError):
        network.LOCK.unlink()
    with contextlib.suppress(OSError):
        Path("/var/lib/cni").rmdir()  # created by `namespace.prepare`; not empty if another program uses it
