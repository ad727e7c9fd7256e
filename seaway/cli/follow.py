"""``seaway logs -f``: every container of a service, through restarts, new pods and broken connections."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import NoReturn

from seaway import errors
from seaway.cli import printer, stack
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, logs, reflector
from seaway.rollout import containers

TIMESTAMPS_QUERY: Mapping[str, str] = {"timestamps": "true"}

MAX_CONTAINERS = 80
"""Containers at once: each holds a connection open, and the client has 100."""

SILENCE_TIMEOUT = 60.0
"""Seconds after which a connection that says nothing is taken for dead, and begun anew."""

RETRY_DELAY = 1.0
"""Seconds before the next attempt at a log."""

POLL_INTERVAL = 0.1
"""Seconds between two looks at what the mirror says."""

STATUS_LAG = 5.0
"""Seconds that the cluster may take to say that a container ended, after its log did."""

REFUSALS_BEFORE_NOTE = 3
"""Refusals after which one is told: the first may be the moment in which a container begins or goes."""


def build_log_path(namespace: str, container: containers.Container) -> str:
    """Where the API has its log."""
    return kinds.build_log_path(namespace, container.pod)


class Follower:
    """Follows a service, store or job, or (None) all of them.

    Args:
        query: of what was there before: ``tailLines``, ``sinceSeconds``. What begins later is printed whole.
    """

    def __init__(
        self,
        cluster: client.KubeClient,
        target: stack.TargetStack,
        service: str | None,
        output: printer.Printer,
        query: Mapping[str, str],
    ) -> None:
        self._cluster = cluster
        self._where = target
        self._service = service
        self._to = output
        self._query: Mapping[str, str] = query
        self._logs: dict[tuple[str, str], _ContainerLog] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._full = False

    async def run(self) -> NoReturn:
        """Until it is cancelled.

        Raises:
            errors.Forbidden: logs may not be read.
            BrokenPipeError: nobody reads what is printed.
        """
        async with reflector.Reflector(self._cluster, self._where.namespace) as live:
            try:
                while True:
                    self._to.print_connection(live.disconnected_reason)
                    if live.disconnected_reason is None:
                        self._update_logs(live)
                    for task in self._tasks.values():
                        if task.done():
                            task.result()
                    await live.wait_for_change(RETRY_DELAY)
            finally:
                for task in self._tasks.values():
                    task.cancel()
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _update_logs(self, live: reflector.Reflector) -> None:
        """Begin with what is new, and tell each log what its container does now."""
        found = containers.find_containers(
            live.take_snapshot(), app_name=self._where.app, stack=self._where.name, owner=self._service
        )
        there = {(each.uid, each.name): each for each in found}
        for key, each in there.items():
            if key in self._logs:
                self._logs[key].now = each
            elif self._has_capacity():
                started = _ContainerLog(
                    self._cluster, live, build_log_path(self._where.namespace, each), self._to, each
                )
                if each.run_id:
                    started.query.update(self._query)
                self._logs[key] = started
                self._tasks[key] = asyncio.create_task(self._logs[key].follow())
        self._query = {}
        for key in self._logs.keys() - there.keys():
            self._logs[key].gone = True
            if self._tasks[key].done():
                self._tasks.pop(key).result()
                del self._logs[key]

    def _has_capacity(self) -> bool:
        if len(self._logs) < MAX_CONTAINERS:
            return True
        if not self._full:
            self._full = True
            self._to.print_note(f"only {MAX_CONTAINERS} containers are followed at once: name a service")
        return False


class _ContainerLog:
    """One container of one pod, over all its runs."""

    def __init__(
        self,
        cluster: client.KubeClient,
        live: reflector.Reflector,
        path: str,
        output: printer.Printer,
        container: containers.Container,
    ) -> None:
        self.now = container
        """What the cluster says of it; kept up to date by the follower."""
        self.gone = False
        """Its pod is there no more."""
        self._cluster = cluster
        self._live = live
        self._path = path
        self._to = output
        self.query: dict[str, str] = {}
        """For the first time; from then on the reader knows where to go on."""
        self._reader = logs.LogReader()
        self._run = ""
        """The run that is read, or was last."""
        self._refusals = 0

    async def follow(self) -> None:
        """Read one run after the other, until the pod is gone."""
        while await self._wait_until(lambda: self.now.run_id not in ("", self._run)):
            if self._run:
                self._print_note(f"restarted (restart {self.now.restarts})")
            self._run = self.now.run_id
            while not await self._read_run():
                await asyncio.sleep(RETRY_DELAY)
                # What runs now must be known before the next attempt: the log is always that of the newest run.
                await self._wait_until(lambda: self._live.disconnected_reason is None)
                if self.gone:
                    break
            self._print_note(
                f"ended: {self.now.terminations[self._run]}" if self._run in self.now.terminations else "ended"
            )

    async def _wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait for it. False: it took too long, or the pod is gone."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not condition() and not self.gone:
                    await asyncio.sleep(POLL_INTERVAL)
        return condition()

    async def _read_run(self) -> bool:
        """Whether the run was read to its end.

        Raises:
            errors.Forbidden: it may not be read.
        """
        query = {
            "container": self.now.name,
            "follow": "true",
            **TIMESTAMPS_QUERY,
            **(self._reader.build_resume_query() or self.query),
        }
        over = self._has_run_ended()
        if over and self.now.run_id != self._run:
            query["previous"] = "true"
        try:
            async with self._cluster.stream_lines(self._path, read_timeout=SILENCE_TIMEOUT, **query) as lines:
                self._refusals = 0
                # There was nothing, if no line comes now; what comes later is wanted whole.
                self.query.pop("tailLines", None)
                async for raw in lines:
                    line = self._reader.read_line(raw)
                    if line is not None:
                        self._to.print_line(self.now.short_name, line)
                        self._to.flush()
        except errors.Forbidden:
            raise
        except errors.Unavailable as error:
            self._refusals += 1
            if self._refusals == REFUSALS_BEFORE_NOTE:
                self._print_note(f"no log: {error}")
            # Of a run before the newest there may be nothing left.
            return "previous" in query
        return over or await self._wait_until(self._has_run_ended, STATUS_LAG)

    def _has_run_ended(self) -> bool:
        """Whether the cluster says that the run has ended."""
        return self.gone or self.now.run_id != self._run or self._run in self.now.terminations

    def _print_note(self, message: str) -> None:
        self._to.print_note(f"{self.now.short_name}: {message}")
