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

SECONDS = 10.0
"""The longest that one question to the cluster may take."""

REDRAW = 5.0
"""Seconds after which ages are drawn anew, though nothing has changed."""

SETTLE = 0.3
"""Seconds in which changes are gathered: a rollout brings them in handfuls."""


def run(where: stack.Stack, *, watch: bool, as_json: bool) -> int:
    """Show it once, or until Ctrl-C; the exit code.

    Raises:
        errors.Unavailable: the cluster cannot be asked. While watching it is waited for.
    """
    return asyncio.run(_watch(where, as_json=as_json) if watch else _once(where, as_json=as_json))


@contextlib.asynccontextmanager
async def opened(where: stack.Stack) -> AsyncGenerator[client.Cluster]:
    """The cluster of a stack, until the block ends."""
    cluster = client.Cluster(context=where.context, seconds=SECONDS)
    try:
        yield cluster
    finally:
        await cluster.close()


async def _once(where: stack.Stack, *, as_json: bool) -> int:
    async with opened(where) as cluster:
        seen, release = await asyncio.gather(reflector.read(cluster, where.namespace), _release(cluster, where))
    taken = _picture(where, release, seen)
    if as_json:
        print(json.dumps(status_snapshot.plain(taken), indent=2, ensure_ascii=False))
    else:
        screen = display.screen()
        display.write(screen, display.drawn(taken, screen.width))
    return command.DONE if taken.healthy else command.FAILED


async def _release(cluster: client.Cluster, where: stack.Stack) -> record_store.Pointer | None:
    return record_store.pointed(await cluster.find(record_store.path(where.namespace, record_store.POINTER)))


def _picture(
    where: stack.Stack, release: record_store.Pointer | None, seen: snapshot.Snapshot
) -> status_snapshot.Picture:
    now = datetime.datetime.now(datetime.UTC)
    rows = status.rows(seen, application=where.app, stack=where.name, now=now)
    return status_snapshot.Picture(where=where, release=release, rows=rows, now=now)


async def _watch(where: stack.Stack, *, as_json: bool) -> int:
    """Never ends by itself."""
    release: record_store.Pointer | None = None
    async with opened(where) as cluster, reflector.Mirror(cluster, where.namespace) as seen:
        with _display(as_json=as_json) as display:
            while True:
                # That it is away is known to the mirror too, which goes on.
                with contextlib.suppress(errors.Unavailable):
                    release = await _release(cluster, where)
                display.show(_picture(where, release, seen.snapshot()), seen.away)
                await seen.changed(REDRAW)
                await asyncio.sleep(SETTLE)


class Display(Protocol):
    """Where pictures go, one after the other."""

    def show(self, taken: status_snapshot.Picture, away: str | None) -> None:
        """The newest. ``away``: why there is none; ``taken`` is the last one then."""
        ...


@contextlib.contextmanager
def _display(*, as_json: bool) -> Generator[Display]:
    screen = display.screen()
    if as_json or not screen.is_terminal:
        yield Json() if as_json else Lines()
        return
    with live.Live(console=screen, auto_refresh=False) as drawing:
        yield Drawn(drawing)


class Drawn:
    """On a terminal: the table, again and again in its place."""

    def __init__(self, drawing: live.Live) -> None:
        self._drawing = drawing

    def show(self, taken: status_snapshot.Picture, away: str | None) -> None:
        """Draw it."""
        self._drawing.update(display.drawn(taken, self._drawing.console.width, away), refresh=True)


class Json:
    """One object a line, when it differs from the last."""

    def __init__(self) -> None:
        self._last: dict[str, Any] = {}
        self._away = display.Away()

    def show(self, taken: status_snapshot.Picture, away: str | None) -> None:
        """Print it."""
        self._away.tell(away)
        now = status_snapshot.plain(taken)
        if away is None and now != self._last:
            self._last = now
            print(json.dumps(now, ensure_ascii=False), flush=True)


class Lines:
    """One line for each workload that changed."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._away = display.Away()

    def show(self, taken: status_snapshot.Picture, away: str | None) -> None:
        """Print what is new."""
        self._away.tell(away)
        if away is not None:
            return
        now = {row.name: row.verdict.row for row in taken.rows} or {"": str(display.nothing(taken))}
        for name, line in now.items():
            if self._last.get(name) != line:
                print(f"{display.clock()} {line}", flush=True)
        for name in self._last.keys() - now.keys() - {""}:
            print(f"{display.clock()} {name} is gone", flush=True)
        self._last = now
