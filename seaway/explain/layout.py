"""Where the boxes and arrows of a picture go: layers from left to right, few crossings.

The layers, the order in them and the coordinates are grandalf's (Sugiyama's method, pure Python). It lays out from top
to bottom; here its axes are swapped, since names are wide and many.
https://github.com/bdcht/grandalf
"""

import dataclasses
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Endpoints = tuple[str, str]
Point = tuple[float, float]

COLUMN_GAP = 72
"""Pixels between two columns: an arrow's bend must be seen."""

ROW_GAP = 22
"""Pixels between two boxes of a column, and between parts that nothing connects."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box by its upper left corner, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything is."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    bends: Mapping[Endpoints, Sequence[Point]]
    """The points that an arrow passes between its boxes, two a column; of an arrow back, the way back."""


class _VertexView:
    """What grandalf wants to know of a vertex, and tells: here its width is our height."""

    def __init__(self, size: tuple[float, float]) -> None:
        self.h, self.w = size
        self.xy: Point = (0.0, 0.0)


class _EdgeView:
    """What grandalf tells of an edge."""

    def __init__(self) -> None:
        self.points: Sequence[Point] = ()

    def setpath(self, points: Sequence[Point]) -> None:
        self.points = points


def compute_layout(sizes: Mapping[str, tuple[float, float]], pairs: Sequence[Endpoints]) -> Layout:
    """Lay out a graph.

    Args:
        sizes: width and height of each box, by its id.
        pairs: from which box to which an arrow goes. Circles are allowed; a box has no arrow to itself.
    """
    graphs: Any = importlib.import_module("grandalf.graphs")
    wanted = list(dict.fromkeys(pairs))
    vertices = {id_: graphs.Vertex(id_) for id_ in sizes}
    for id_, vertex in vertices.items():
        vertex.view = _VertexView(sizes[id_])
    forward = dict.fromkeys(_orient_edges(sizes, wanted))
    # grandalf puts edges into a set: by their addresses, each process would draw another picture.
    numbered: Any = type("Numbered", (graphs.Edge,), {"__hash__": _hash_edge})
    edges = {(a, b): numbered(vertices[a], vertices[b], data=number) for number, (a, b) in enumerate(forward)}
    for edge in edges.values():
        edge.view = _EdgeView()
    boxes: dict[str, Box] = {}
    bends: dict[Endpoints, Sequence[Point]] = {}
    top = 0.0
    for part in graphs.Graph(list(vertices.values()), list(edges.values())).C:
        _arrange_component(part)
        ids = [vertex.data for vertex in part.sV]
        found = _place_boxes({id_: vertices[id_].view for id_ in ids}, sizes)
        columns = _measure_columns(found.values())
        passed = {pair: list(_route_bends(edge.view, columns)) for pair, edge in edges.items() if pair[0] in found}
        down = top - min([box.y for box in found.values()] + [y for each in passed.values() for _, y in each])
        boxes |= {id_: dataclasses.replace(box, y=box.y + down) for id_, box in found.items()}
        bends |= {pair: [(x, y + down) for x, y in each] for pair, each in passed.items()}
        top = _find_bottom(boxes, bends) + ROW_GAP
    bends |= {(b, a): bends[a, b][::-1] for a, b in forward if (b, a) in wanted}
    return Layout(
        width=max((box.x + box.width for box in boxes.values()), default=0.0),
        height=_find_bottom(boxes, bends),
        boxes={id_: boxes[id_] for id_ in sizes},
        bends={pair: bends[pair] for pair in wanted},
    )


def _hash_edge(edge: Any) -> int:
    return edge.data


def _find_bottom(boxes: Mapping[str, Box], bends: Mapping[Endpoints, Sequence[Point]]) -> float:
    """Where the last box or arrow ends."""
    return max([0.0, *(box.y + box.height for box in boxes.values()), *(y for each in bends.values() for _, y in each)])


def _arrange_component(component: Any) -> None:
    """Coordinates for everything in a part that is connected."""
    layouts: Any = importlib.import_module("grandalf.layouts")
    made = layouts.SugiyamaLayout(component)
    made.xspace, made.yspace = ROW_GAP, COLUMN_GAP
    made.init_all(optimize=True)
    # The bend of a long arrow takes a line's place in a column, not a box's.
    for each in made.grx.values():
        if each.dummy:
            each.view.w = each.view.h = 8
    made.draw(10)


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
    """By the middle of a column, its width."""
    found: dict[float, float] = {}
    for box in boxes:
        middle = box.x + box.width / 2
        found[middle] = max(found.get(middle, 0.0), box.width)
    return found


def _route_bends(path: _EdgeView, columns: Mapping[float, float]) -> Iterator[Point]:
    """Without its ends, which are the middles of the boxes. An arrow goes straight past a column's whole width: a bend
    inside would go through the box above or below."""
    for y, x in path.points[1:-1]:
        half = columns.get(x, 0.0) / 2
        yield x - half, y
        yield x + half, y


def _orient_edges(ids: Mapping[str, Any], pairs: Sequence[Endpoints]) -> Iterator[Endpoints]:
    """The arrows without circles: one that would close a circle is turned round."""
    onward: dict[str, list[str]] = {id_: [] for id_ in ids}
    for start, end in pairs:
        onward[start].append(end)
    order: dict[str, int] = {}
    for id_ in ids:
        _number_reachable(id_, onward, order)
    for start, end in pairs:
        yield (start, end) if order[start] > order[end] else (end, start)


def _number_reachable(id_: str, onward: Mapping[str, Sequence[str]], order: dict[str, int]) -> None:
    """Number a box after everything that can be reached from it, without recursion."""
    seen = {id_}
    ways = [(id_, iter(onward[id_]))] if id_ not in order else []
    while ways:
        at, rest = ways[-1]
        for each in rest:
            if each not in order and each not in seen:
                seen.add(each)
                ways.append((each, iter(onward[each])))
                break
        else:
            order[at] = len(order)
            ways.pop()
