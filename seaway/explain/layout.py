"""The positions of boxes and arrows in a drawing of a graph: layers from left to right, few crossings.

Sugiyama's method: https://en.wikipedia.org/wiki/Layered_graph_drawing. A long arrow has a place of its own in each
column that it passes, so it crosses no box.
"""

import dataclasses
import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence

Endpoints = tuple[str, str]
Point = tuple[float, float]
Place = str | tuple[str, str, int]
"""In a column: a box by its id, or an arrow that passes, by its ends and the column."""

COLUMN_GAP = 72
"""Pixels between two columns, wide enough to see the bend of an arrow."""

ROW_GAP = 22
"""Pixels between two places of a column."""

ARROW_HEIGHT = 8
"""Pixels of the place of an arrow."""

SWEEPS = 9
"""Times that the columns are sorted; then crossings hardly get fewer."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box by its upper left corner, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """All positions."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    bends: Mapping[Endpoints, Sequence[Point]]
    """The points of an arrow between its boxes, two for each column. An arrow back has those of its opposite."""


def compute_layout(sizes: Mapping[str, tuple[float, float]], pairs: Sequence[Endpoints]) -> Layout:
    """Lay out a graph.

    Args:
        sizes: width and height of each box, by its id.
        pairs: the arrows, from box to box. Cycles are allowed; an arrow from a box to itself is not.
    """
    forward = list(dict.fromkeys(_orient_edges(pairs)))
    numbers = _number_columns(sizes, forward)
    chains: dict[Endpoints, list[Place]] = {
        (start, end): [start, *((start, end, number) for number in range(numbers[start] + 1, numbers[end])), end]
        for start, end in forward
    }
    columns: list[list[Place]] = [[] for _ in range(max(numbers.values(), default=-1) + 1)]
    for id_ in sizes:
        columns[numbers[id_]].append(id_)
    for (start, _), chain in chains.items():
        for number, place in enumerate(chain[1:-1], numbers[start] + 1):
            columns[number].append(place)
    _sort_columns(columns, [pair for chain in chains.values() for pair in itertools.pairwise(chain)])
    places = _place_columns(columns, sizes)
    bends: dict[Endpoints, list[Point]] = {}
    for (start, end), chain in chains.items():
        boxes = [places[place] for place in chain[1:-1]]
        points = [(x, box.y + box.height / 2) for box in boxes for x in (box.x, box.x + box.width)]
        bends[start, end], bends[end, start] = points, points[::-1]
    return Layout(
        width=max((box.x + box.width for box in places.values()), default=0.0),
        height=max((box.y + box.height for box in places.values()), default=0.0),
        boxes={id_: places[id_] for id_ in sizes},
        bends={pair: bends[pair] for pair in dict.fromkeys(pairs)},
    )


def _orient_edges(pairs: Sequence[Endpoints]) -> Iterator[Endpoints]:
    """The arrows without cycles: an arrow that would close a cycle is reversed."""
    targets: dict[str, list[str]] = {}
    for pair in pairs:
        start, end = pair if not _reaches(targets, pair[1], pair[0]) else pair[::-1]
        targets.setdefault(start, []).append(end)
        yield start, end


def _reaches(targets: Mapping[str, Sequence[str]], start: str, goal: str) -> bool:
    visited: set[str] = set()
    waiting = [start]
    while waiting:
        current = waiting.pop()
        if current not in visited:
            visited.add(current)
            waiting += targets.get(current, ())
    return goal in visited


def _number_columns(ids: Mapping[str, object], forward: Sequence[Endpoints]) -> dict[str, int]:
    """The column of each box: behind all boxes with an arrow to it. A box without any is close to its first target."""
    numbers = dict.fromkeys(ids, 0)
    for _ in ids:
        for start, end in forward:
            numbers[end] = max(numbers[end], numbers[start] + 1)
    for first in ids.keys() - {end for _, end in forward}:
        numbers[first] = min((numbers[end] - 1 for start, end in forward if start == first), default=0)
    return numbers


def _sort_columns(columns: Sequence[list[Place]], links: Sequence[tuple[Place, Place]]) -> None:
    """Sort each column by the middle of the neighbours in the column before, then in the column behind it."""
    neighbours: dict[Place, list[Place]] = {}
    for start, end in links:
        neighbours.setdefault(start, []).append(end)
        neighbours.setdefault(end, []).append(start)
    for sweep in range(SWEEPS):
        for before, column in itertools.pairwise(columns if sweep % 2 == 0 else columns[::-1]):
            rows = {place: row / len(before) for row, place in enumerate(before)}
            own = {place: row / len(column) for row, place in enumerate(column)}
            column.sort(
                key=lambda place: statistics.mean(
                    [rows[other] for other in neighbours.get(place, ()) if other in rows] or [own[place]]
                )
            )


def _place_columns(columns: Sequence[Sequence[Place]], sizes: Mapping[str, tuple[float, float]]) -> dict[Place, Box]:
    """Stack the places of each column, with the middles of all columns at one height."""
    heights = {place: sizes[place][1] if isinstance(place, str) else ARROW_HEIGHT for row in columns for place in row}
    totals = [sum(heights[place] + ROW_GAP for place in column) - ROW_GAP for column in columns]
    result: dict[Place, Box] = {}
    x = 0.0
    for column, total in zip(columns, totals, strict=True):
        width = max(sizes[place][0] for place in column if isinstance(place, str))
        y = (max(totals) - total) / 2
        for place in column:
            own = sizes[place][0] if isinstance(place, str) else width
            result[place] = Box(x=x + (width - own) / 2, y=y, width=own, height=heights[place])
            y += heights[place] + ROW_GAP
        x += width + COLUMN_GAP
    return result
