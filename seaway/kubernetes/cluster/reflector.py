"""The objects of one namespace, kept as they are now: LIST, then WATCH.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import asyncio
import json
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from seaway import errors
from seaway.kubernetes.cluster import client, snapshot

WATCH_SECONDS = 30
"""Seconds after which the server ends a watch and it is begun anew: the longest that a dead connection can fool us."""
READ_TIMEOUT = WATCH_SECONDS + 5.0
MAX_RETRY_DELAY = 1.0
"""Seconds between two attempts at a server that does not answer."""


async def read_snapshot(
    cluster: client.KubeClient, namespace: str, kinds: Iterable[str] = tuple(snapshot.LIST_PATHS)
) -> snapshot.Snapshot:
    """The objects of a namespace, listed once. A namespace that does not exist has none.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    asked = tuple(kinds)
    lists = await asyncio.gather(*(cluster.get(_get_list_path(kind, namespace)) for kind in asked))
    return snapshot.Snapshot({kind: found["items"] for kind, found in zip(asked, lists, strict=True)})


def _get_list_path(kind: str, namespace: str) -> str:
    return snapshot.LIST_PATHS[kind].format(namespace=namespace)


class _WatchEnded(Exception):  # noqa: N818 - reads as what happened
    """The server ended a watch with an error; mostly 410: it no longer knows where we had got to."""


class Reflector:
    """Use it as an async context manager. While inside, it follows the cluster; it never ends by itself.

    Args:
        namespace: it need not exist yet.

    Raises:
        errors.Forbidden: on entering, when a kind may not be listed.
    """

    def __init__(self, cluster: client.KubeClient, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._objects: dict[str, dict[str, snapshot.Object]] = {kind: {} for kind in snapshot.LIST_PATHS}
        self._versions: dict[str, str] = {}
        self._disconnected_reasons: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._followers: list[asyncio.Task[None]] = []

    @property
    def disconnected_reason(self) -> str | None:
        """Why the cluster's answers are missing just now, in one line; the snapshot is an old one then, or empty."""
        return next(iter(self._disconnected_reasons.values()), None)

    def take_snapshot(self) -> snapshot.Snapshot:
        """The objects as they are now."""
        return snapshot.Snapshot({kind: tuple(objects.values()) for kind, objects in self._objects.items()})

    async def wait_for_change(self, timeout: float) -> None:
        """Wait until something differs from the last time that this was asked, at most ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def __aenter__(self) -> Self:
        first = await asyncio.gather(*map(self._list_kind, snapshot.LIST_PATHS), return_exceptions=True)
        for problem in first:
            # One that is only away is asked again by its follower.
            if problem is not None and type(problem) is not errors.Unavailable:
                raise problem
        await self._group.__aenter__()
        self._followers = [self._group.create_task(self._follow_kind(kind)) for kind in snapshot.LIST_PATHS]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for follower in self._followers:
            follower.cancel()
        if isinstance(error, asyncio.CancelledError):
            await self._group.__aexit__(kind, error, trace)
        else:
            # An error of the block leaves it as it is: told of it, the group would wrap it into an ExceptionGroup.
            await self._group.__aexit__(None, None, None)

    async def _follow_kind(self, kind: str) -> None:
        """Watch for ever. After anything unusual the kind is listed anew: slower, and never wrong."""
        hasty = 0
        while True:
            begun = time.monotonic()
            try:
                if kind not in self._versions:
                    await self._list_kind(kind)
                await self._watch_kind(kind)
            except (errors.Unavailable, _WatchEnded, ValueError):  # ValueError: a line that was cut off in the middle
                self._versions.pop(kind, None)
            hasty = hasty + 1 if time.monotonic() - begun < MAX_RETRY_DELAY else 0
            if hasty:
                await asyncio.sleep(min(MAX_RETRY_DELAY, 0.05 * 2 ** min(hasty, 5)))

    async def _list_kind(self, kind: str) -> None:
        try:
            found = await self._cluster.get(_get_list_path(kind, self._namespace))
        except errors.Unavailable as error:
            self._disconnected_reasons[kind] = str(error)
            self._changed.set()
            raise
        self._disconnected_reasons.pop(kind, None)
        self._objects[kind] = {item["metadata"]["uid"]: item for item in found["items"]}
        self._versions[kind] = found["metadata"]["resourceVersion"]
        self._changed.set()

    async def _watch_kind(self, kind: str) -> None:
        """Take what happens until the server ends the watch, as it was asked to."""
        wanted = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._versions[kind],
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        async with self._cluster.stream_lines(
            _get_list_path(kind, self._namespace), read_timeout=READ_TIMEOUT, **wanted
        ) as lines:
            async for line in lines:
                self._apply_event(kind, json.loads(line))

    def _apply_event(self, kind: str, event: dict[str, Any]) -> None:
        happened, found = event["type"], event["object"]
        if happened == "ERROR":
            raise _WatchEnded(found.get("message", ""))
        metadata = found["metadata"]
        self._versions[kind] = metadata["resourceVersion"]
        if happened == "BOOKMARK":
            return
        if happened == "DELETED":
            self._objects[kind].pop(metadata["uid"], None)
        else:
            self._objects[kind][metadata["uid"]] = found
        self._changed.set()
