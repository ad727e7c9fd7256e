"""Interruptions of a rollout: signals, killed processes, a stopped API server. One rerun completes the rollout."""

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from dev import project


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """An interruption in the middle of a rollout.

    Args:
        name: description for the table.
        act: interrupts the running `pulumi up`.
        survives: the interrupted `up` continues and succeeds.
        before: required Pulumi commands before the rerun; the runbook documents them.
    """

    name: str
    act: Callable[[subprocess.Popen[str]], None]
    survives: bool = False
    before: tuple[tuple[str, ...], ...] = ()


def send_signal(number: signal.Signals) -> Callable[[subprocess.Popen[str]], None]:
    """Send a signal to the process group of the command, as a terminal or a CI runner does."""
    return lambda running: os.killpg(running.pid, number)


def kill_command_line(running: subprocess.Popen[str]) -> None:
    running.kill()


def kill_program(running: subprocess.Popen[str]) -> None:
    """Send SIGKILL to the Python program of the stack, not to Pulumi's own processes."""
    for status in Path("/proc").glob("[0-9]*/status"):
        pid = int(status.parent.name)
        if _is_descendant(pid, running.pid) and b"pulumi-language-python-exec" in _read_command_line(pid):
            os.kill(pid, signal.SIGKILL)


def stop_api_server(running: subprocess.Popen[str]) -> None:
    project.run_cluster("stop", "kube-apiserver")
    time.sleep(10)
    project.run_cluster("start", "kube-apiserver")


def _read_command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _is_descendant(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        pid = int(stat.rpartition(")")[2].split()[1])
    return pid == ancestor


CANCEL = (("cancel", "--yes"),)

INTERRUPTIONS = (
    Interruption(name="Ctrl-C (SIGINT)", act=send_signal(signal.SIGINT)),
    Interruption(name="SIGTERM, as a CI runner cancels", act=send_signal(signal.SIGTERM)),
    Interruption(name="`kill -9` of the command line", act=kill_command_line, before=CANCEL),
    Interruption(name="`kill -9` of the program", act=kill_program),
    Interruption(name="the API server stopped for 10 s", act=stop_api_server, survives=True),
)
