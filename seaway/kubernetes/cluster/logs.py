"""Reads logs of containers as the API returns them with ``timestamps=true``.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

import collections
import dataclasses
import datetime
import heapq
import re
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

_TIMESTAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?: (.*))?", re.DOTALL)
_SECOND = 10**9

Source = TypeVar("Source")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a container's log."""

    time: int
    """Nanoseconds since 1970."""
    text: str


class LogReader:
    """Parses lines, and resumes after a broken connection: no line is lost or repeated."""

    def __init__(self) -> None:
        self._time = 0
        self._lines_in_second: collections.Counter[str] = collections.Counter()
        self._expected_repeats: collections.Counter[str] = collections.Counter()

    def build_resume_query(self) -> dict[str, str]:
        """The query that continues after the last line; empty at the start.

        The API server accepts whole seconds only, so it repeats the lines of the last second.
        """
        if not self._time:
            return {}
        self._expected_repeats = self._lines_in_second.copy()
        second = datetime.datetime.fromtimestamp(self._time // _SECOND, datetime.UTC)
        return {"sinceTime": f"{second:%Y-%m-%dT%H:%M:%SZ}"}

    def read_line(self, raw: str) -> LogLine | None:
        """The parsed line; None if it is a repeat after a broken connection."""
        match = _TIMESTAMPED.fullmatch(raw)
        # No timestamp: the rest of a line that the program broke with another character than a line feed.
        time = _parse_nanoseconds(match) if match else self._time
        if time // _SECOND > self._time // _SECOND:
            self._lines_in_second.clear()
            self._expected_repeats.clear()
        if self._expected_repeats[raw]:
            self._expected_repeats[raw] -= 1
            return None
        self._time = max(time, self._time)
        self._lines_in_second[raw] += 1
        return LogLine(time=time, text=(match[4] or "") if match else raw)


def _parse_nanoseconds(match: re.Match[str]) -> int:
    second = datetime.datetime.fromisoformat(f"{match[1]}{match[3]}")
    return int(second.timestamp()) * _SECOND + int((match[2] or "").ljust(9, "0"))


async def merge_by_time(
    streams: Sequence[tuple[Source, AsyncIterator[LogLine]]],
) -> AsyncIterator[tuple[Source, LogLine]]:
    """The lines of several logs in the order of their times, each with its source. Holds one line per log."""
    heads: list[tuple[int, int, LogLine]] = []

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
