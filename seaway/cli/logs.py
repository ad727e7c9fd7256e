"""``seaway logs``: the logs of a service, store or job, from all pods together. Needs only a kubeconfig.

A line is ``web-x2x4z: text``: the service and the end of the pod's name. A container that is not the pod's main one is
``web-x2x4z/name``. Messages of the command itself go to stderr.
"""

import argparse
import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

from seaway import errors
from seaway.cli import command, connection, follow, pod_choice, printer, stack
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, logs, reflector
from seaway.rollout import containers

FOLLOW_TAIL_LINES = 10
"""Last lines of each container that ``-f`` begins with."""

LOG_KINDS = (*kinds.WORKLOAD_KINDS, "Pod")
"""Kinds that have logs, also while they have no pod."""

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def configure(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("service", nargs="?", metavar="SERVICE", help="a service, store or job")
    which.add_argument("--all", action="store_true", help="print the logs of all workloads")
    stack.add_option(parser)
    when = parser.add_mutually_exclusive_group()
    when.add_argument("-f", "--follow", action="store_true", help="keep printing, also of new pods; stop with Ctrl-C")
    when.add_argument("--previous", action="store_true", help="print the logs of the runs that failed last")
    help_text = f"print only the last N lines of each container [all; with -f the last {FOLLOW_TAIL_LINES}]"
    parser.add_argument("--tail", type=parse_line_count, metavar="N", help=help_text)
    help_text = "print only newer lines: 30s, 10m, 1h30m, 2d"
    parser.add_argument("--since", type=parse_duration, metavar="DURATION", help=help_text)
    parser.add_argument("--timestamps", action="store_true", help="print the time of each line in UTC")


def parse_line_count(text: str) -> int:
    """A number of lines."""
    if not re.fullmatch("[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines; write for example 100")
    return int(text)


def parse_duration(text: str) -> int:
    """Seconds of a duration such as 1h30m."""
    if not re.fullmatch("([0-9]{1,9}[smhd])+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; write for example 30s, 10m, 1h30m or 2d")
    # The API does not accept 0.
    return max(1, sum(int(number) * _UNIT_SECONDS[unit] for number, unit in re.findall("([0-9]+)([smhd])", text)))


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    query: dict[str, str] = {}
    if arguments.tail is not None or arguments.follow:
        query["tailLines"] = str(FOLLOW_TAIL_LINES if arguments.tail is None else arguments.tail)
    if arguments.since is not None:
        query["sinceSeconds"] = str(arguments.since)
    if arguments.previous:
        query["previous"] = "true"
    output = printer.Printer(timestamps=arguments.timestamps)
    asyncio.run(_print_logs(target, arguments.service, output, query, keep_running=arguments.follow))
    return command.SUCCESS


async def _print_logs(
    target: stack.TargetStack,
    service: str | None,
    output: printer.Printer,
    query: Mapping[str, str],
    *,
    keep_running: bool,
) -> None:
    """Print the logs of a service, store or job, or (None) of all.

    Args:
        query: for the API: ``tailLines``, ``sinceSeconds``, ``previous``.
        keep_running: never end.
    """
    async with connection.connect(target) as cluster:
        live_objects = await reflector.read_snapshot(cluster, target.namespace, LOG_KINDS)
        names = containers.list_owners(live_objects, app_name=target.app, stack=target.name)
        if service is not None and service not in names:
            rows = connection.list_workloads(target, live_objects)
            raise pod_choice.create_unknown_workload_error(target, rows, service)
        if keep_running:
            await follow.Follower(cluster, target, service, output, query).run()
        matches = containers.find_containers(live_objects, app_name=target.app, stack=target.name, owner=service)
        await _print_once(cluster, target.namespace, matches, output, query)


async def _print_once(
    cluster: client.KubeClient,
    namespace: str,
    matches: Sequence[containers.Container],
    output: printer.Printer,
    query: Mapping[str, str],
) -> None:
    """Print all existing lines by time."""
    previous = "previous" in query
    started = [container for container in matches if (container.has_failed_run if previous else container.run_id)]
    if not started:
        output.print_note(
            "no container has failed or restarted" if previous else "no container has started: no logs yet"
        )
    if len(started) > follow.MAX_CONTAINERS:
        limit = f"only {follow.MAX_CONTAINERS} of {len(started)} containers are shown"
        output.print_note(f"{limit}: name a service")
    streams: list[tuple[str, AsyncIterator[logs.LogLine]]] = []
    refused: list[errors.Unavailable] = []
    async with contextlib.AsyncExitStack() as responses:
        for container in started[: follow.MAX_CONTAINERS]:
            full_query = {**query, **follow.TIMESTAMPS_QUERY, "container": container.name}
            if container.is_between_runs:
                full_query.pop("previous", None)
            path = kinds.build_log_path(namespace, container.pod)
            try:
                lines = await responses.enter_async_context(
                    cluster.stream_lines(path, read_timeout=connection.REQUEST_TIMEOUT, **full_query)
                )
            except errors.Unavailable as error:
                refused.append(error)
                output.print_note(f"{container.short_name}: {error}")
            else:
                streams.append((container.short_name, _read_lines(container.short_name, lines, output)))
        async for label, line in logs.merge_by_time(streams):
            output.print_line(label, line)
    output.flush()
    if refused and not streams:
        raise refused[-1]


async def _read_lines(label: str, lines: AsyncIterator[str], output: printer.Printer) -> AsyncGenerator[logs.LogLine]:
    """The lines of one container. A broken connection ends them and is reported."""
    reader = logs.LogReader()
    try:
        async for raw in lines:
            line = reader.read_line(raw)
            if line is not None:
                yield line
    except errors.Unavailable as error:
        output.print_note(f"{label}: the log is incomplete: {error}")
