"""Lines of containers' logs: their order, and resumed connections."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from seaway.kubernetes.cluster import logs


def read_texts(reader: logs.LogReader, *raw: str) -> list[str]:
    return [line.text for line_text in raw if (line := reader.read_line(line_text)) is not None]


def test_the_time_of_a_line_has_nanoseconds_in_any_time_zone() -> None:
    reader = logs.LogReader()
    utc = reader.read_line("2026-03-01T10:00:00.000000001Z one")
    east = reader.read_line("2026-03-01T12:00:00.000000001+02:00 two")
    short = reader.read_line("2026-03-01T10:00:00.5Z three")
    assert utc
    assert east
    assert short
    assert utc.time == east.time
    assert short.time - utc.time == 499_999_999
    assert [utc.text, east.text, short.text] == ["one", "two", "three"]


def test_empty_lines_and_spaces_are_preserved() -> None:
    reader = logs.LogReader()
    assert read_texts(reader, "2026-03-01T10:00:00.1Z ", "2026-03-01T10:00:00.2Z", "2026-03-01T10:00:00.3Z   at x") == [
        "",
        "",
        "  at x",
    ]


def test_the_rest_of_a_broken_line_has_the_time_of_the_line() -> None:
    reader = logs.LogReader()
    first = reader.read_line("2026-03-01T10:00:00.5Z 10%")
    rest = reader.read_line("20%")
    assert first
    assert rest
    assert (rest.text, rest.time) == ("20%", first.time)


def test_without_lines_there_is_nothing_to_resume() -> None:
    assert logs.LogReader().build_resume_query() == {}


def test_a_resumed_second_loses_and_repeats_no_line() -> None:
    reader = logs.LogReader()
    lines = [
        "2026-03-01T10:00:00.900000000Z before",
        "2026-03-01T10:00:01.100000000Z same",
        "2026-03-01T10:00:01.200000000Z same",
        "rest of it",
    ]
    assert read_texts(reader, *lines) == ["before", "same", "same", "rest of it"]
    assert reader.build_resume_query() == {"sinceTime": "2026-03-01T10:00:01Z"}
    assert read_texts(
        reader,
        *lines[1:],
        "rest of it",
        # Two streams of a program may be written a little out of order.
        "2026-03-01T10:00:01.150000000Z late",
        "2026-03-01T10:00:02.000000000Z new",
    ) == ["rest of it", "late", "new"]
    assert reader.build_resume_query() == {"sinceTime": "2026-03-01T10:00:02Z"}
    assert read_texts(reader, "2026-03-01T10:00:02.000000000Z new", "2026-03-01T10:00:02.000000001Z new") == ["new"]


def test_a_line_that_was_not_repeated_does_not_hide_a_later_one() -> None:
    """The node has rotated the log."""
    reader = logs.LogReader()
    read_texts(reader, "2026-03-01T10:00:01.1Z a", "tail")
    reader.build_resume_query()
    assert read_texts(reader, "2026-03-01T10:00:05.0Z b", "tail") == ["b", "tail"]


async def stream(*raw: str) -> AsyncIterator[logs.LogLine]:
    reader = logs.LogReader()
    for line_text in raw:
        line = reader.read_line(line_text)
        assert line
        yield line


def merge(*texts: Sequence[str]) -> list[tuple[int, str]]:
    async def collect() -> list[tuple[int, str]]:
        streams = [(number, stream(*log)) for number, log in enumerate(texts)]
        return [(number, line.text) async for number, line in logs.merge_by_time(streams)]

    return asyncio.run(collect())


def test_logs_are_merged_by_time_and_keep_their_order() -> None:
    first = ["2026-03-01T10:00:01Z a1", "2026-03-01T10:00:03Z a2", "of a2"]
    second = ["2026-03-01T10:00:00Z b1", "2026-03-01T10:00:02Z b2", "2026-03-01T10:00:03.1Z b3"]
    assert merge(first, second, []) == [(1, "b1"), (0, "a1"), (1, "b2"), (0, "a2"), (0, "of a2"), (1, "b3")]
    assert merge() == []
