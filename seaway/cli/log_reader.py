"""What ``seaway logs`` does once it knows what is asked for."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

from seaway import errors
from seaway.cli import command, follow, health, printer, stack
from seaway.kubernetes.cluster import client, logs, reflector
from seaway.rollout import containers

KINDS = ("Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob", "Pod")
"""What has logs, and what is there though it has no pod."""


class Unknown(Exception):  # noqa: N818 - it says what the name is
    """There is nothing of that name. The text is for the user, in one line."""


def run(
    where: stack.Stack, service: str | None, to: printer.Printer, query: Mapping[str, str], *, follows: bool
) -> int:
    """Print the logs of a service, store or job, or (None) of all of them; the exit code.

    Args:
        query: what the API is told about the logs: ``tailLines``, ``sinceSeconds``, ``previous``.
        follows: never end by itself.

    Raises:
        Unknown: there is no such service.
        errors.Unavailable: the cluster cannot be asked.
    """
    return asyncio.run(_run(where, service, to, query, follows=follows))


async def _run(
    where: stack.Stack, service: str | None, to: printer.Printer, query: Mapping[str, str], *, follows: bool
) -> int:
    async with health.opened(where) as cluster:
        seen = await reflector.read(cluster, where.namespace, KINDS)
        there = containers.owners(seen, application=where.app, stack=where.name)
        if service is not None and service not in there:
            has = f"it has: {', '.join(there)}" if there else f"nothing of {where.app} runs there"
            raise Unknown(f'there is no "{service}" in namespace {where.namespace} ({has}); name another')
        if follows:
            await follow.Follower(cluster, where, service, to, query).run()
        found = containers.of(seen, application=where.app, stack=where.name, owner=service)
        await _once(cluster, where.namespace, found, to, query)
    return command.DONE


async def _once(
    cluster: client.Cluster,
    namespace: str,
    found: Sequence[containers.Container],
    to: printer.Printer,
    query: Mapping[str, str],
) -> None:
    """All lines that there are, by their times."""
    previous = "previous" in query
    asked = [each for each in found if (each.previous if previous else each.run)]
    if not asked:
        to.note("no container ran before" if previous else "no container has begun yet: there is no log")
    if len(asked) > follow.MOST:
        to.note(f"only {follow.MOST} of {len(asked)} containers are shown: name a service")
    streams: list[tuple[str, AsyncIterator[logs.Line]]] = []
    refused: list[errors.Unavailable] = []
    async with contextlib.AsyncExitStack() as answers:
        for each in asked[: follow.MOST]:
            path = follow.path(namespace, each)
            try:
                lines = await answers.enter_async_context(
                    cluster.lines(path, silence=health.SECONDS, **query, **follow.STAMPED, container=each.name)
                )
            except errors.Unavailable as error:
                refused.append(error)
                to.note(f"{each.label}: {error}")
            else:
                streams.append((each.label, _read(each.label, lines, to)))
        async for label, line in logs.merged(streams):
            to.line(label, line)
    to.flush()
    if refused and not streams:
        raise refused[-1]


async def _read(label: str, lines: AsyncIterator[str], to: printer.Printer) -> AsyncGenerator[logs.Line]:
    """The lines of one container; a connection that breaks ends them, and is told."""
    reader = logs.Reader()
    try:
        async for raw in lines:
            line = reader.read(raw)
            if line is not None:
                yield line
    except errors.Unavailable as error:
        to.note(f"{label}: the log breaks off: {error}")
