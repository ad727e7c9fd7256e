"""The logs of containers as the API gives them with ``timestamps=true``: where a line stands in time, and what was had.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

import collections
import dataclasses
import datetime
import heapq
import re
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

_STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?: (.*))?", re.DOTALL)
_SECOND = 10**9

From = TypeVar("From")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a container's log."""

    time: int
    """Nanoseconds since 1970."""
    text: str


class Reader:
    """Lines in their order, and where to go on after a broken connection: none is lost, none comes twice."""

    def __init__(self) -> None:
        self._time = 0
        self._had: collections.Counter[str] = collections.Counter()
        self._again: collections.Counter[str] = collections.Counter()

    def resume(self) -> dict[str, str]:
        """The query that goes on from here; empty at the beginning.

        The API server passes on whole seconds only, so the lines of the last second come once more.
        """
        if not self._time:
            return {}
        self._again = self._had.copy()
        second = datetime.datetime.fromtimestamp(self._time // _SECOND, datetime.UTC)
        return {"sinceTime": f"{second:%Y-%m-%dT%H:%M:%SZ}"}

    def read(self, raw: str) -> Line | None:
        """The line; None for one that was had before the connection broke."""
        found = _STAMPED.fullmatch(raw)
        # Without a time: the rest of a line that the program broke by something else than a line feed.
        time = _nanoseconds(found) if found else self._time
        if time // _SECOND > self._time // _SECOND:
            self._had.clear()
            self._again.clear()
        if self._again[raw]:
            self._again[raw] -= 1
            return None
        self._time = max(time, self._time)
        self._had[raw] += 1
        return Line(time=time, text=(found[4] or "") if found else raw)


def _nanoseconds(found: re.Match[str]) -> int:
    whole = datetime.datetime.fromisoformat(f"{found[1]}{found[3]}")
    return int(whole.timestamp()) * _SECOND + int((found[2] or "").ljust(9, "0"))


async def merged(streams: Sequence[tuple[From, AsyncIterator[Line]]]) -> AsyncIterator[tuple[From, Line]]:
    """The lines of several logs by their times, each with what its log came with. One line a log is held."""
    heads: list[tuple[int, int, Line]] = []

    async def pull(index: int) -> None:
        line = await anext(streams[index][1], None)
        if line is not None:
            heapq.heappush(heads, (line.time, index, line))

    for index in range(len(streams)):
        await pull(index)
    while heads:
        _, index, line = heapq.heappop(heads)
        yield streams[index][0], line
        await pull(index)
