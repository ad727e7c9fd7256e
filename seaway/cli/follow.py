"""``seaway logs -f``: every container of a service, through restarts, new pods and broken connections."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import NoReturn

from seaway import errors
from seaway.cli import printer, stack
from seaway.kubernetes.api import paths
from seaway.kubernetes.cluster import client, logs, reflector
from seaway.rollout import containers

STAMPED: Mapping[str, str] = {"timestamps": "true"}

MOST = 80
"""Containers at once: each holds a connection open, and the client has 100."""

SILENCE = 60.0
"""Seconds after which a connection that says nothing is taken for dead, and begun anew."""

AGAIN = 1.0
"""Seconds before the next attempt at a log."""

LOOK = 0.1
"""Seconds between two looks at what the mirror says."""

LAG = 5.0
"""Seconds that the cluster may take to say that a container ended, after its log did."""

PATIENCE = 3
"""Refusals after which one is told: the first may be the moment in which a container begins or goes."""


def path(namespace: str, container: containers.Container) -> str:
    """Where the API has its log."""
    return paths.path("v1", "Pod", namespace, container.pod) + "/log"


class Follower:
    """Follows a service, store or job, or (None) all of them.

    Args:
        query: of what was there before: ``tailLines``, ``sinceSeconds``. What begins later is printed whole.
    """

    def __init__(
        self,
        cluster: client.Cluster,
        where: stack.Stack,
        service: str | None,
        to: printer.Printer,
        query: Mapping[str, str],
    ) -> None:
        self._cluster = cluster
        self._where = where
        self._service = service
        self._to = to
        self._query: Mapping[str, str] = query
        self._logs: dict[tuple[str, str], _Log] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._full = False

    async def run(self) -> NoReturn:
        """Until it is cancelled.

        Raises:
            errors.Forbidden: logs may not be read.
            BrokenPipeError: nobody reads what is printed.
        """
        async with reflector.Mirror(self._cluster, self._where.namespace) as live:
            try:
                while True:
                    self._to.away(live.away)
                    if live.away is None:
                        self._look(live)
                    for task in self._tasks.values():
                        if task.done():
                            task.result()
                    await live.changed(AGAIN)
            finally:
                for task in self._tasks.values():
                    task.cancel()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _look(self, live: reflector.Mirror) -> None:
        """Begin with what is new, and tell each log what its container does now."""
        found = containers.of(live.snapshot(), application=self._where.app, stack=self._where.name, owner=self._service)
        there = {(each.uid, each.name): each for each in found}
        for key, each in there.items():
            if key in self._logs:
                self._logs[key].now = each
            elif self._room():
                started = _Log(self._cluster, live, path(self._where.namespace, each), self._to, each)
                if each.run:
                    started.query.update(self._query)
                self._logs[key] = started
                self._tasks[key] = asyncio.create_task(self._logs[key].follow())
        self._query = {}
        for key in self._logs.keys() - there.keys():
            self._logs[key].gone = True
            if self._tasks[key].done():
                self._tasks.pop(key).result()
                del self._logs[key]

    def _room(self) -> bool:
        if len(self._logs) < MOST:
            return True
        if not self._full:
            self._full = True
            self._to.note(f"only {MOST} containers are followed at once: name a service")
        return False


class _Log:
    """One container of one pod, over all its runs."""

    def __init__(
        self,
        cluster: client.Cluster,
        live: reflector.Mirror,
        address: str,
        to: printer.Printer,
        now: containers.Container,
    ) -> None:
        self.now = now
        """What the cluster says of it; kept up to date by the follower."""
        self.gone = False
        """Its pod is there no more."""
        self._cluster = cluster
        self._live = live
        self._path = address
        self._to = to
        self.query: dict[str, str] = {}
        """For the first time; from then on the reader knows where to go on."""
        self._reader = logs.Reader()
        self._run = ""
        """The run that is read, or was last."""
        self._refusals = 0

    async def follow(self) -> None:
        """Read one run after the other, until the pod is gone."""
        while await self._until(lambda: self.now.run not in ("", self._run)):
            if self._run:
                self._note(f"restarted (restart {self.now.restarts})")
            self._run = self.now.run
            while not await self._read():
                await asyncio.sleep(AGAIN)
                # What runs now must be known before the next attempt: the log is always that of the newest run.
                await self._until(lambda: self._live.away is None)
                if self.gone:
                    break
            self._note(f"ended: {self.now.endings[self._run]}" if self._run in self.now.endings else "ended")

    async def _until(self, holds: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait for it. False: it took too long, or the pod is gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds() and not self.gone:
                    await asyncio.sleep(LOOK)
        return holds()

    async def _read(self) -> bool:
        """Whether the run was read to its end.

        Raises:
            errors.Forbidden: it may not be read.
        """
        query = {"container": self.now.name, "follow": "true", **STAMPED, **(self._reader.resume() or self.query)}
        over = self._over()
        if over and self.now.run != self._run:
            query["previous"] = "true"
        try:
            async with self._cluster.lines(self._path, silence=SILENCE, **query) as lines:
                self._refusals = 0
                # There was nothing, if no line comes now; what comes later is wanted whole.
                self.query.pop("tailLines", None)
                async for raw in lines:
                    line = self._reader.read(raw)
                    if line is not None:
                        self._to.line(self.now.label, line)
                        self._to.flush()
        except errors.Forbidden:
            raise
        except errors.Unavailable as error:
            self._refusals += 1
            if self._refusals == PATIENCE:
                self._note(f"no log: {error}")
            # Of a run before the newest there may be nothing left.
            return "previous" in query
        return over or await self._until(self._over, LAG)

    def _over(self) -> bool:
        """Whether the cluster says that the run has ended."""
        return self.gone or self.now.run != self._run or self._run in self.now.endings

    def _note(self, said: str) -> None:
        self._to.note(f"{self.now.label}: {said}")
