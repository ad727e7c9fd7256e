"""What interrupts a rollout: signals, killed processes, an API server that is away. One rerun puts everything right."""

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
    """What happens in the middle of a rollout.

    Args:
        name: for the table.
        act: does it to the running `pulumi up`.
        survives: the `up` itself goes on and succeeds.
        before: Pulumi commands that are needed before the rerun; documented in the runbook.
    """

    name: str
    act: Callable[[subprocess.Popen[str]], None]
    survives: bool = False
    before: tuple[tuple[str, ...], ...] = ()


def signalled(number: signal.Signals) -> Callable[[subprocess.Popen[str]], None]:
    """A signal to the command line's process group, as a terminal or a CI runner sends it."""
    return lambda running: os.killpg(running.pid, number)


def kill_command_line(running: subprocess.Popen[str]) -> None:
    running.kill()


def kill_program(running: subprocess.Popen[str]) -> None:
    """SIGKILL to the Python program of the stack; Pulumi's own processes live."""
    for status in Path("/proc").glob("[0-9]*/status"):
        pid = int(status.parent.name)
        if _descends(pid, running.pid) and b"pulumi-language-python-exec" in _line(pid):
            os.kill(pid, signal.SIGKILL)


def api_server_away(running: subprocess.Popen[str]) -> None:
    project.run_cluster("stop", "kube-apiserver")
    time.sleep(10)
    project.run_cluster("start", "kube-apiserver")


def _line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1 and pid != ancestor:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        pid = int(stat.rpartition(")")[2].split()[1])
    return pid == ancestor


CANCEL = (("cancel", "--yes"),)

INTERRUPTIONS = (
    Interruption(name="Ctrl-C (SIGINT)", act=signalled(signal.SIGINT)),
    Interruption(name="SIGTERM, as a CI runner cancels", act=signalled(signal.SIGTERM)),
    Interruption(name="`kill -9` of the command line", act=kill_command_line, before=CANCEL),
    Interruption(name="`kill -9` of the program", act=kill_program),
    Interruption(name="the API server stopped for 10 s", act=api_server_away, survives=True),
)
