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

WATCH = 30
"""Seconds after which the server ends a watch and it is begun anew: the longest that a dead connection can fool us."""
SILENCE = WATCH + 5.0
SLOWEST = 1.0
"""Seconds between two attempts at a server that does not answer."""


async def read(
    cluster: client.Cluster, namespace: str, kinds: Iterable[str] = tuple(snapshot.PATHS)
) -> snapshot.Snapshot:
    """The objects of a namespace, listed once. A namespace that does not exist has none.

    Raises:
        errors.Unavailable: the cluster cannot be reached, or refuses.
    """
    asked = tuple(kinds)
    lists = await asyncio.gather(*(cluster.get(_path(kind, namespace)) for kind in asked))
    return snapshot.Snapshot({kind: found["items"] for kind, found in zip(asked, lists, strict=True)})


def _path(kind: str, namespace: str) -> str:
    return snapshot.PATHS[kind].format(namespace=namespace)


class _Ended(Exception):  # noqa: N818 - reads as what happened
    """The server ended a watch with an error; mostly 410: it no longer knows where we had got to."""


class Mirror:
    """Use it as an async context manager. While inside, it follows the cluster; it never ends by itself.

    Args:
        namespace: it need not exist yet.

    Raises:
        errors.Forbidden: on entering, when a kind may not be listed.
    """

    def __init__(self, cluster: client.Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._objects: dict[str, dict[str, snapshot.Object]] = {kind: {} for kind in snapshot.PATHS}
        self._versions: dict[str, str] = {}
        self._away: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._followers: list[asyncio.Task[None]] = []

    @property
    def away(self) -> str | None:
        """Why the cluster's answers are missing just now, in one line; the snapshot is an old one then, or empty."""
        return next(iter(self._away.values()), None)

    def snapshot(self) -> snapshot.Snapshot:
        """The objects as they are now."""
        return snapshot.Snapshot({kind: tuple(objects.values()) for kind, objects in self._objects.items()})

    async def changed(self, timeout: float) -> None:
        """Wait until something differs from the last time that this was asked, at most ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def __aenter__(self) -> Self:
        first = await asyncio.gather(*map(self._list, snapshot.PATHS), return_exceptions=True)
        for problem in first:
            # One that is only away is asked again by its follower.
            if problem is not None and type(problem) is not errors.Unavailable:
                raise problem
        await self._group.__aenter__()
        self._followers = [self._group.create_task(self._follow(kind)) for kind in snapshot.PATHS]
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

    async def _follow(self, kind: str) -> None:
        """Watch for ever. After anything unusual the kind is listed anew: slower, and never wrong."""
        hasty = 0
        while True:
            begun = time.monotonic()
            try:
                if kind not in self._versions:
                    await self._list(kind)
                await self._watch(kind)
            except (errors.Unavailable, _Ended, ValueError):  # ValueError: a line that was cut off in the middle
                self._versions.pop(kind, None)
            hasty = hasty + 1 if time.monotonic() - begun < SLOWEST else 0
            if hasty:
                await asyncio.sleep(min(SLOWEST, 0.05 * 2 ** min(hasty, 5)))

    async def _list(self, kind: str) -> None:
        try:
            found = await self._cluster.get(_path(kind, self._namespace))
        except errors.Unavailable as error:
            self._away[kind] = str(error)
            self._changed.set()
            raise
        self._away.pop(kind, None)
        self._objects[kind] = {item["metadata"]["uid"]: item for item in found["items"]}
        self._versions[kind] = found["metadata"]["resourceVersion"]
        self._changed.set()

    async def _watch(self, kind: str) -> None:
        """Take what happens until the server ends the watch, as it was asked to."""
        wanted = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._versions[kind],
            "timeoutSeconds": str(WATCH),
        }
        async with self._cluster.lines(_path(kind, self._namespace), silence=SILENCE, **wanted) as lines:
            async for line in lines:
                self._take(kind, json.loads(line))

    def _take(self, kind: str, event: dict[str, Any]) -> None:
        happened, found = event["type"], event["object"]
        if happened == "ERROR":
            raise _Ended(found.get("message", ""))
        metadata = found["metadata"]
        self._versions[kind] = metadata["resourceVersion"]
        if happened == "BOOKMARK":
            return
        if happened == "DELETED":
            self._objects[kind].pop(metadata["uid"], None)
        else:
            self._objects[kind][metadata["uid"]] = found
        self._changed.set()
