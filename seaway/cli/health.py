"""What ``seaway status`` does once it knows the stack: the health of its workloads, once or as it changes."""

import asyncio
import contextlib
import datetime
import json
from collections.abc import AsyncGenerator, Generator
from typing import Any, Protocol

from rich import live

from seaway import errors
from seaway.cli import command, display, stack, status_snapshot
from seaway.kubernetes.cluster import client, reflector, snapshot
from seaway.release import record_store
from seaway.rollout import status

REQUEST_TIMEOUT = 10.0
"""The longest that one question to the cluster may take."""

REDRAW_INTERVAL = 5.0
"""Seconds after which ages are drawn anew, though nothing has changed."""

CHANGE_BATCH_SECONDS = 0.3
"""Seconds in which changes are gathered: a rollout brings them in handfuls."""


def show_status(target: stack.TargetStack, *, watch: bool, as_json: bool) -> int:
    """Show it once, or until Ctrl-C; the exit code.

    Raises:
        errors.Unavailable: the cluster cannot be asked. While watching it is waited for.
    """
    return asyncio.run(_watch(target, as_json=as_json) if watch else _print_once(target, as_json=as_json))


@contextlib.asynccontextmanager
async def connect(target: stack.TargetStack) -> AsyncGenerator[client.KubeClient]:
    """The cluster of a stack, until the block ends."""
    cluster = client.KubeClient(context=target.context, timeout=REQUEST_TIMEOUT)
    try:
        yield cluster
    finally:
        await cluster.close()


async def _print_once(target: stack.TargetStack, *, as_json: bool) -> int:
    async with connect(target) as cluster:
        seen, release = await asyncio.gather(
            reflector.read_snapshot(cluster, target.namespace), _read_current_release(cluster, target)
        )
    taken = _build_report(target, release, seen)
    if as_json:
        print(json.dumps(status_snapshot.to_json(taken), indent=2, ensure_ascii=False))
    else:
        screen = display.create_screen()
        display.write(screen, display.render_status(taken, screen.width))
    return command.SUCCESS if taken.healthy else command.FAILURE


async def _read_current_release(
    cluster: client.KubeClient, target: stack.TargetStack
) -> record_store.CurrentRelease | None:
    return record_store.parse_current(
        await cluster.find(record_store.get_path(target.namespace, record_store.CURRENT_NAME))
    )


def _build_report(
    target: stack.TargetStack, release: record_store.CurrentRelease | None, seen: snapshot.Snapshot
) -> status_snapshot.StatusReport:
    now = datetime.datetime.now(datetime.UTC)
    rows = status.list_workloads(seen, app_name=target.app, stack=target.name, now=now)
    return status_snapshot.StatusReport(target=target, release=release, rows=rows, now=now)


async def _watch(target: stack.TargetStack, *, as_json: bool) -> int:
    """Never ends by itself."""
    release: record_store.CurrentRelease | None = None
    async with connect(target) as cluster, reflector.Reflector(cluster, target.namespace) as seen:
        with _open_output(as_json=as_json) as display:
            while True:
                # That it is away is known to the mirror too, which goes on.
                with contextlib.suppress(errors.Unavailable):
                    release = await _read_current_release(cluster, target)
                display.show(_build_report(target, release, seen.take_snapshot()), seen.disconnected_reason)
                await seen.wait_for_change(REDRAW_INTERVAL)
                await asyncio.sleep(CHANGE_BATCH_SECONDS)


class StatusOutput(Protocol):
    """Where pictures go, one after the other."""

    def show(self, report: status_snapshot.StatusReport, disconnected_reason: str | None) -> None:
        """The newest. ``away``: why there is none; ``taken`` is the last one then."""
        ...


@contextlib.contextmanager
def _open_output(*, as_json: bool) -> Generator[StatusOutput]:
    screen = display.create_screen()
    if as_json or not screen.is_terminal:
        yield JsonOutput() if as_json else LineOutput()
        return
    with live.Live(console=screen, auto_refresh=False) as drawing:
        yield TerminalOutput(drawing)


class TerminalOutput:
    """On a terminal: the table, again and again in its place."""

    def __init__(self, drawing: live.Live) -> None:
        self._drawing = drawing

    def show(self, report: status_snapshot.StatusReport, disconnected_reason: str | None) -> None:
        """Draw it."""
        self._drawing.update(
            display.render_status(report, self._drawing.console.width, disconnected_reason), refresh=True
        )


class JsonOutput:
    """One object a line, when it differs from the last."""

    def __init__(self) -> None:
        self._last: dict[str, Any] = {}
        self._away = display.ConnectionNotice()

    def show(self, report: status_snapshot.StatusReport, disconnected_reason: str | None) -> None:
        """Print it."""
        self._away.print_change(disconnected_reason)
        now = status_snapshot.to_json(report)
        if disconnected_reason is None and now != self._last:
            self._last = now
            print(json.dumps(now, ensure_ascii=False), flush=True)


class LineOutput:
    """One line for each workload that changed."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._away = display.ConnectionNotice()

    def show(self, report: status_snapshot.StatusReport, disconnected_reason: str | None) -> None:
        """Print what is new."""
        self._away.print_change(disconnected_reason)
        if disconnected_reason is not None:
            return
        now = {row.name: row.health.summary for row in report.rows} or {
            "": str(display.format_nothing_deployed(report))
        }
        for name, line in now.items():
            if self._last.get(name) != line:
                print(f"{display.format_clock()} {line}", flush=True)
        for name in self._last.keys() - now.keys() - {""}:
            print(f"{display.format_clock()} {name} is gone", flush=True)
        self._last = now
