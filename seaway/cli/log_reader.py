"""What ``seaway logs`` does once it knows what is asked for."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

from seaway import errors
from seaway.cli import command, follow, health, printer, stack
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, logs, reflector
from seaway.rollout import containers

LOG_KINDS = (*kinds.WORKLOAD_KINDS, "Pod")
"""What has logs, and what is there though it has no pod."""


class WorkloadNotFoundError(Exception):
    """There is nothing of that name. The text is for the user, in one line."""


def print_logs(
    target: stack.TargetStack, service: str | None, output: printer.Printer, query: Mapping[str, str], *, follows: bool
) -> int:
    """Print the logs of a service, store or job, or (None) of all of them; the exit code.

    Args:
        query: what the API is told about the logs: ``tailLines``, ``sinceSeconds``, ``previous``.
        follows: never end by itself.

    Raises:
        Unknown: there is no such service.
        errors.Unavailable: the cluster cannot be asked.
    """
    return asyncio.run(_print_logs(target, service, output, query, follows=follows))


async def _print_logs(
    target: stack.TargetStack, service: str | None, output: printer.Printer, query: Mapping[str, str], *, follows: bool
) -> int:
    async with health.connect(target) as cluster:
        seen = await reflector.read_snapshot(cluster, target.namespace, LOG_KINDS)
        there = containers.list_owners(seen, app_name=target.app, stack=target.name)
        if service is not None and service not in there:
            has = f"it has: {', '.join(there)}" if there else f"nothing of {target.app} runs there"
            raise WorkloadNotFoundError(
                f'there is no "{service}" in namespace {target.namespace} ({has}); name another'
            )
        if follows:
            await follow.Follower(cluster, target, service, output, query).run()
        found = containers.find_containers(seen, app_name=target.app, stack=target.name, owner=service)
        await _print_once(cluster, target.namespace, found, output, query)
    return command.SUCCESS


async def _print_once(
    cluster: client.KubeClient,
    namespace: str,
    matches: Sequence[containers.Container],
    output: printer.Printer,
    query: Mapping[str, str],
) -> None:
    """All lines that there are, by their times."""
    previous = "previous" in query
    asked = [each for each in matches if (each.has_previous_log if previous else each.run_id)]
    if not asked:
        output.print_note("no container ran before" if previous else "no container has begun yet: there is no log")
    if len(asked) > follow.MAX_CONTAINERS:
        output.print_note(f"only {follow.MAX_CONTAINERS} of {len(asked)} containers are shown: name a service")
    streams: list[tuple[str, AsyncIterator[logs.LogLine]]] = []
    refused: list[errors.Unavailable] = []
    async with contextlib.AsyncExitStack() as answers:
        for each in asked[: follow.MAX_CONTAINERS]:
            path = follow.build_log_path(namespace, each)
            try:
                lines = await answers.enter_async_context(
                    cluster.stream_lines(
                        path,
                        read_timeout=health.REQUEST_TIMEOUT,
                        **query,
                        **follow.TIMESTAMPS_QUERY,
                        container=each.name,
                    )
                )
            except errors.Unavailable as error:
                refused.append(error)
                output.print_note(f"{each.short_name}: {error}")
            else:
                streams.append((each.short_name, _read_lines(each.short_name, lines, output)))
        async for label, line in logs.merge_by_time(streams):
            output.print_line(label, line)
    output.flush()
    if refused and not streams:
        raise refused[-1]


async def _read_lines(label: str, lines: AsyncIterator[str], output: printer.Printer) -> AsyncGenerator[logs.LogLine]:
    """The lines of one container; a connection that breaks ends them, and is told."""
    reader = logs.LogReader()
    try:
        async for raw in lines:
            line = reader.read_line(raw)
            if line is not None:
                yield line
    except errors.Unavailable as error:
        output.print_note(f"{label}: the log breaks off: {error}")
