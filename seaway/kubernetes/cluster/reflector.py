"""Reads the objects of a namespace and keeps a local copy current: LIST, then WATCH.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import asyncio
import json
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from seaway import errors
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, snapshot

WATCH_SECONDS = 30
"""Seconds after which the server ends a watch. This limits how long a dead connection goes unnoticed."""
READ_TIMEOUT = WATCH_SECONDS + 5.0
MAX_RETRY_DELAY = 1.0
"""Seconds between two requests to a server that does not answer."""


async def read_snapshot(
    cluster: client.KubeClient, namespace: str, kind_names: Iterable[str] = snapshot.WATCHED_KINDS
) -> snapshot.Snapshot:
    """List the objects of a namespace once. A namespace that does not exist has no objects."""
    names = tuple(kind_names)
    lists = await asyncio.gather(*(cluster.get(kinds.build_path(name, namespace)) for name in names))
    return snapshot.Snapshot({name: answer["items"] for name, answer in zip(names, lists, strict=True)})


class _WatchEnded(Exception):  # noqa: N818 - reads as what happened
    """The server ended a watch with an error, usually 410: it no longer has the requested resource version."""


class Reflector:
    """An async context manager. Inside the block it follows the cluster, and never stops by itself.

    Args:
        namespace: does not have to exist yet.
        kind_names: to follow.

    Raises:
        errors.Forbidden: on entering, if a kind may not be listed.
        errors.Unauthenticated: on entering, if the credentials do not work.
    """

    def __init__(
        self, cluster: client.KubeClient, namespace: str, kind_names: Iterable[str] = snapshot.WATCHED_KINDS
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._objects: dict[str, dict[str, snapshot.Object]] = {kind: {} for kind in kind_names}
        self._deleted_jobs: list[snapshot.Object] = []
        """Since the last snapshot."""
        self._versions: dict[str, str] = {}
        self._disconnected_reasons: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._followers: list[asyncio.Task[None]] = []

    @property
    def disconnected_reason(self) -> str | None:
        """Why the cluster does not answer at the moment, in one line. The snapshot is then out of date, or empty."""
        return next(iter(self._disconnected_reasons.values()), None)

    def take_snapshot(self) -> snapshot.Snapshot:
        """The objects as they are now, and the Jobs that were deleted since the last snapshot.

        A short TTL deletes a Job before anybody has seen its end.
        """
        objects = {kind: tuple(manifests.values()) for kind, manifests in self._objects.items()}
        if self._deleted_jobs:
            objects["Job"] += tuple(self._deleted_jobs)
            self._deleted_jobs = []
        return snapshot.Snapshot(objects)

    async def wait_for_change(self, timeout: float) -> None:
        """Wait for a change since the last call, at most ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def __aenter__(self) -> Self:
        results = await asyncio.gather(*map(self._list_kind, self._objects), return_exceptions=True)
        for error in results:
            # If the cluster only does not answer, the follower tries again.
            if error is not None and type(error) is not errors.Unavailable:
                raise error
        await self._group.__aenter__()
        self._followers = [self._group.create_task(self._follow_kind(kind)) for kind in self._objects]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for follower in self._followers:
            follower.cancel()
        if isinstance(error, asyncio.CancelledError):
            await self._group.__aexit__(kind, error, trace)
        else:
            # An error of the block leaves it unchanged: the group would wrap it in an ExceptionGroup.
            await self._group.__aexit__(None, None, None)

    async def _follow_kind(self, kind: str) -> None:
        """Watch until cancelled. After an error the kind is listed again: slower, but always correct."""
        short_watches = 0
        while True:
            start = time.monotonic()
            try:
                if kind not in self._versions:
                    await self._list_kind(kind)
                await self._watch_kind(kind)
            except (errors.Unavailable, _WatchEnded, ValueError):  # ValueError: the connection broke inside a line
                self._versions.pop(kind, None)
            short_watches = short_watches + 1 if time.monotonic() - start < MAX_RETRY_DELAY else 0
            if short_watches:
                await asyncio.sleep(min(MAX_RETRY_DELAY, 0.05 * 2 ** min(short_watches, 5)))

    async def _list_kind(self, kind: str) -> None:
        try:
            answer = await self._cluster.get(kinds.build_path(kind, self._namespace))
        except errors.Unavailable as error:
            self._disconnected_reasons[kind] = str(error)
            self._changed.set()
            raise
        self._disconnected_reasons.pop(kind, None)
        self._objects[kind] = {manifest["metadata"]["uid"]: manifest for manifest in answer["items"]}
        self._versions[kind] = answer["metadata"]["resourceVersion"]
        self._changed.set()

    async def _watch_kind(self, kind: str) -> None:
        """Apply events until the server ends the watch after ``WATCH_SECONDS``."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._versions[kind],
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        path = kinds.build_path(kind, self._namespace)
        async with self._cluster.stream_lines(path, read_timeout=READ_TIMEOUT, **query) as lines:
            async for line in lines:
                self._apply_event(kind, json.loads(line))

    def _apply_event(self, kind: str, event: dict[str, Any]) -> None:
        manifest = event["object"]
        if event["type"] == "ERROR":
            raise _WatchEnded(manifest.get("message", ""))
        metadata = manifest["metadata"]
        self._versions[kind] = metadata["resourceVersion"]
        if event["type"] == "BOOKMARK":
            return
        if event["type"] == "DELETED":
            self._objects[kind].pop(metadata["uid"], None)
            if kind == "Job":
                self._deleted_jobs.append(manifest)
        else:
            self._objects[kind][metadata["uid"]] = manifest
        self._changed.set()
