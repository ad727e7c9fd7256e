"""The connection of a command to its stack's cluster."""

import contextlib
import datetime
import functools
import sys
import types
from collections.abc import AsyncGenerator, Mapping

from seaway.cli import command, stack
from seaway.kubernetes.cluster import client, snapshot
from seaway.project import environments, python_program
from seaway.rollout import hints, status
from seaway.syntax import diagnosis

REQUEST_TIMEOUT = 10.0
"""Seconds that one request may take."""


@contextlib.asynccontextmanager
async def connect(target: stack.TargetStack) -> AsyncGenerator[client.KubeClient]:
    """A client of the stack's cluster; it is closed when the block ends."""
    cluster = client.KubeClient(context=target.context, timeout=REQUEST_TIMEOUT)
    try:
        yield cluster
    finally:
        await cluster.close()


def list_workloads(
    target: stack.TargetStack,
    live_objects: snapshot.Snapshot,
    *,
    addresses: Mapping[str, tuple[str, ...]] = types.MappingProxyType({}),
) -> list[status.WorkloadStatus]:
    """The workloads of the stack as they are now. ``addresses``: see ``rollout.addresses``."""
    return status.list_workloads(
        live_objects,
        app_name=target.app,
        stack=target.name,
        now=datetime.datetime.now(datetime.UTC),
        addresses=addresses,
        sources=_read_sources(target),
    )


@functools.cache
def _read_sources(target: stack.TargetStack) -> Mapping[str, str]:
    """Where the application's file has the keys that hints name. Of a Python program, or an invalid file, only the file
    is known.
    """
    if not target.app_file.endswith(python_program.SUFFIX):
        from seaway.checks import all_checks  # noqa: PLC0415 - other commands start without it

        with contextlib.suppress(diagnosis.InvalidInput):
            environment = environments.load_environment(
                target.folder, target.name, application_name=target.application_name, check_ids=all_checks.IDS
            )
            return hints.collect_sources(environment)
    return {"": target.app_file}


class ConnectionNotice:
    """Reports on stderr, once each, that the cluster is disconnected or connected again."""

    def __init__(self) -> None:
        self._disconnected = False

    def print_change(self, disconnected_reason: str | None) -> None:
        """Report a change. None: connected."""
        if self._disconnected == bool(disconnected_reason):
            return
        self._disconnected = bool(disconnected_reason)
        news = f"{disconnected_reason}; waiting for it" if disconnected_reason else "connected again"
        sys.stdout.flush()
        command.report(f"{command.format_clock()} {news}")
