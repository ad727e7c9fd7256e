"""The positions of boxes and arrows in a drawing of a graph: layers from left to right, few crossings.

grandalf computes the layers, the order in them and the coordinates (Sugiyama's method, pure Python). It lays out from
top to bottom; here its axes are swapped, since names are wide and many.
https://github.com/bdcht/grandalf
"""

import dataclasses
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Endpoints = tuple[str, str]
Point = tuple[float, float]

COLUMN_GAP = 72
"""Pixels between two columns, wide enough to see the bend of an arrow."""

ROW_GAP = 22
"""Pixels between two boxes of a column, and between unconnected components."""


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


class _VertexView:
    """The size of a vertex for grandalf, and its position. Its width is our height."""

    def __init__(self, size: tuple[float, float]) -> None:
        self.h, self.w = size
        self.xy: Point = (0.0, 0.0)


class _EdgeView:
    """The points of an edge, set by grandalf."""

    def __init__(self) -> None:
        self.points: Sequence[Point] = ()

    def setpath(self, points: Sequence[Point]) -> None:
        self.points = points


def compute_layout(sizes: Mapping[str, tuple[float, float]], pairs: Sequence[Endpoints]) -> Layout:
    """Lay out a graph.

    Args:
        sizes: width and height of each box, by its id.
        pairs: the arrows, from box to box. Cycles are allowed; an arrow from a box to itself is not.
    """
    graphs: Any = importlib.import_module("grandalf.graphs")
    arrows = list(dict.fromkeys(pairs))
    vertices = {id_: graphs.Vertex(id_) for id_ in sizes}
    for id_, vertex in vertices.items():
        vertex.view = _VertexView(sizes[id_])
    forward = dict.fromkeys(_orient_edges(sizes, arrows))
    # grandalf puts edges into a set. Hashed by their addresses, each process would draw another picture.
    numbered: Any = type("Numbered", (graphs.Edge,), {"__hash__": _hash_edge})
    edges = {(a, b): numbered(vertices[a], vertices[b], data=number) for number, (a, b) in enumerate(forward)}
    for edge in edges.values():
        edge.view = _EdgeView()
    boxes: dict[str, Box] = {}
    bends: dict[Endpoints, Sequence[Point]] = {}
    top = 0.0
    for component in graphs.Graph(list(vertices.values()), list(edges.values())).C:
        _arrange_component(component)
        ids = [vertex.data for vertex in component.sV]
        own_boxes = _place_boxes({id_: vertices[id_].view for id_ in ids}, sizes)
        columns = _measure_columns(own_boxes.values())
        own_bends = {
            pair: list(_route_bends(edge.view, columns)) for pair, edge in edges.items() if pair[0] in own_boxes
        }
        highest = min([box.y for box in own_boxes.values()] + [y for points in own_bends.values() for _, y in points])
        shift = top - highest
        boxes |= {id_: dataclasses.replace(box, y=box.y + shift) for id_, box in own_boxes.items()}
        bends |= {pair: [(x, y + shift) for x, y in points] for pair, points in own_bends.items()}
        top = _find_bottom(boxes, bends) + ROW_GAP
    bends |= {(b, a): bends[a, b][::-1] for a, b in forward if (b, a) in arrows}
    return Layout(
        width=max((box.x + box.width for box in boxes.values()), default=0.0),
        height=_find_bottom(boxes, bends),
        boxes={id_: boxes[id_] for id_ in sizes},
        bends={pair: bends[pair] for pair in arrows},
    )


def _hash_edge(edge: Any) -> int:
    return edge.data


def _find_bottom(boxes: Mapping[str, Box], bends: Mapping[Endpoints, Sequence[Point]]) -> float:
    """The lower end of the last box or arrow."""
    lowest_points = (y for points in bends.values() for _, y in points)
    return max([0.0, *(box.y + box.height for box in boxes.values()), *lowest_points])


def _arrange_component(component: Any) -> None:
    """Compute the coordinates of a connected component."""
    layouts: Any = importlib.import_module("grandalf.layouts")
    sugiyama = layouts.SugiyamaLayout(component)
    sugiyama.xspace, sugiyama.yspace = ROW_GAP, COLUMN_GAP
    sugiyama.init_all(optimize=True)
    # The bend of a long arrow takes the space of a line in a column, not of a box.
    for vertex in sugiyama.grx.values():
        if vertex.dummy:
            vertex.view.w = vertex.view.h = 8
    sugiyama.draw(10)


def _place_boxes(views: Mapping[str, _VertexView], sizes: Mapping[str, tuple[float, float]]) -> dict[str, Box]:
    return {
        id_: Box(
            x=view.xy[1] - sizes[id_][0] / 2,
            y=view.xy[0] - sizes[id_][1] / 2,
            width=sizes[id_][0],
            height=sizes[id_][1],
        )
        for id_, view in views.items()
    }


def _measure_columns(boxes: Iterable[Box]) -> dict[float, float]:
    """The width of each column by its middle."""
    widths: dict[float, float] = {}
    for box in boxes:
        middle = box.x + box.width / 2
        widths[middle] = max(widths.get(middle, 0.0), box.width)
    return widths


def _route_bends(view: _EdgeView, columns: Mapping[float, float]) -> Iterator[Point]:
    """The bends without the ends, which are the middles of the boxes.

    An arrow goes straight past a whole column: a bend inside it would cross the box above or below.
    """
    for y, x in view.points[1:-1]:
        half = columns.get(x, 0.0) / 2
        yield x - half, y
        yield x + half, y


def _orient_edges(ids: Mapping[str, Any], pairs: Sequence[Endpoints]) -> Iterator[Endpoints]:
    """The arrows without cycles: an arrow that would close a cycle is reversed."""
    targets: dict[str, list[str]] = {id_: [] for id_ in ids}
    for start, end in pairs:
        targets[start].append(end)
    order: dict[str, int] = {}
    for id_ in ids:
        _number_reachable(id_, targets, order)
    for start, end in pairs:
        yield (start, end) if order[start] > order[end] else (end, start)


def _number_reachable(id_: str, targets: Mapping[str, Sequence[str]], order: dict[str, int]) -> None:
    """Number a box after all boxes that it reaches. Not recursive: a chain may be long."""
    visited = {id_}
    stack = [(id_, iter(targets[id_]))] if id_ not in order else []
    while stack:
        current, remaining = stack[-1]
        for target in remaining:
            if target not in order and target not in visited:
                visited.add(target)
                stack.append((target, iter(targets[target])))
                break
        else:
            order[current] = len(order)
            stack.pop()
