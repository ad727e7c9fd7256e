"""``seaway logs -f``: all containers of a workload, through restarts, new pods and broken connections."""

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
"""Containers at once: each keeps a connection open, and the client has 100."""

SILENCE_TIMEOUT = 60.0
"""Seconds without data after which a connection counts as dead and is opened again."""

RETRY_DELAY = 1.0
"""Seconds before the next attempt to read a log."""

POLL_INTERVAL = 0.1
"""Seconds between two looks at the reflector's snapshot."""

STATUS_LAG = 5.0
"""Seconds between the end of a log and the pod status that reports the end of the container."""

REFUSALS_BEFORE_NOTE = 3
"""Refused requests before a note: the first may fall between the start and the end of a container."""


class Follower:
    """Follows a service, store or job, or (None) all of them.

    Args:
        query: for the containers that run already: ``tailLines``, ``sinceSeconds``. Later ones are printed whole.
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
        self._target = target
        self._service = service
        self._output = output
        self._query: Mapping[str, str] = query
        self._logs: dict[tuple[str, str], _ContainerLog] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._limit_reported = False

    async def run(self) -> NoReturn:
        """Run until it is cancelled.

        Raises:
            errors.Forbidden: logs may not be read.
            BrokenPipeError: the reader of stdout has ended.
        """
        async with reflector.Reflector(self._cluster, self._target.namespace) as live:
            try:
                while True:
                    self._output.print_connection(live.disconnected_reason)
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
        """Start the logs of new containers, and update the state of all."""
        matches = containers.find_containers(
            live.take_snapshot(), app_name=self._target.app, stack=self._target.name, owner=self._service
        )
        by_key = {(container.uid, container.name): container for container in matches}
        for key, container in by_key.items():
            if key in self._logs:
                self._logs[key].container = container
            elif self._has_capacity():
                path = kinds.build_log_path(self._target.namespace, container.pod)
                log = _ContainerLog(self._cluster, live, path, self._output, container)
                if container.run_id:
                    log.query.update(self._query)
                self._logs[key] = log
                self._tasks[key] = asyncio.create_task(log.follow())
        self._query = {}
        for key in self._logs.keys() - by_key.keys():
            self._logs[key].is_pod_deleted = True
            if self._tasks[key].done():
                self._tasks.pop(key).result()
                del self._logs[key]

    def _has_capacity(self) -> bool:
        if len(self._logs) < MAX_CONTAINERS:
            return True
        if not self._limit_reported:
            self._limit_reported = True
            self._output.print_note(f"only {MAX_CONTAINERS} containers are followed at once: name a service")
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
        self.container = container
        """Its state in the cluster; the follower updates it."""
        self.is_pod_deleted = False
        self.query: dict[str, str] = {}
        """For the first request; then the reader knows where to resume."""
        self._cluster = cluster
        self._live = live
        self._path = path
        self._output = output
        self._reader = logs.LogReader()
        self._run_id = ""
        """The current or the last run."""
        self._refusals = 0

    async def follow(self) -> None:
        """Read one run after the other, until the pod is deleted."""
        while await self._wait_until(lambda: self.container.run_id not in ("", self._run_id)):
            if self._run_id:
                self._print_note(f"restarted (restart {self.container.restarts})")
            self._run_id = self.container.run_id
            while not await self._read_run():
                await asyncio.sleep(RETRY_DELAY)
                # The API gives the log of the newest run, so the newest run must be known before the next attempt.
                await self._wait_until(lambda: self._live.disconnected_reason is None)
                if self.is_pod_deleted:
                    break
            termination = self.container.terminations.get(self._run_id)
            self._print_note("ended" if termination is None else f"ended: {termination}")

    async def _wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait for a condition. False: it timed out, or the pod is deleted."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not condition() and not self.is_pod_deleted:
                    await asyncio.sleep(POLL_INTERVAL)
        return condition()

    async def _read_run(self) -> bool:
        """Print a run; whether it was read to its end. errors.Forbidden: the log may not be read."""
        resume = self._reader.build_resume_query() or self.query
        query = {"container": self.container.name, "follow": "true", **TIMESTAMPS_QUERY, **resume}
        ended = self._has_run_ended()
        if ended and self.container.run_id != self._run_id:
            query["previous"] = "true"
        try:
            async with self._cluster.stream_lines(self._path, read_timeout=SILENCE_TIMEOUT, **query) as lines:
                self._refusals = 0
                # The request was answered: a later one must not skip lines again.
                self.query.pop("tailLines", None)
                async for raw in lines:
                    line = self._reader.read_line(raw)
                    if line is not None:
                        self._output.print_line(self.container.short_name, line)
                        self._output.flush()
        except errors.Forbidden:
            raise
        except errors.Unavailable as error:
            self._refusals += 1
            if self._refusals == REFUSALS_BEFORE_NOTE:
                self._print_note(f"no log: {error}")
            # The log of an older run may be deleted.
            return "previous" in query
        return ended or await self._wait_until(self._has_run_ended, STATUS_LAG)

    def _has_run_ended(self) -> bool:
        """Whether the cluster reports the end of the run."""
        container = self.container
        return self.is_pod_deleted or container.run_id != self._run_id or self._run_id in container.terminations

    def _print_note(self, message: str) -> None:
        self._output.print_note(f"{self.container.short_name}: {message}")
