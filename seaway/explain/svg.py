"""A picture as SVG: text that can be selected, colours for light and for dark."""

import itertools
import re
from collections.abc import Sequence
from xml.etree import ElementTree

from seaway.explain import graph, layout

LETTER = 8.0
"""Pixels that a letter takes, in the font below."""

LINE = 18
HEIGHT = 2 * LINE + 16
MARGIN = 20
APART = 8
"""Pixels between two arrows of the same two boxes."""

STYLE = """
text { font: 13px ui-monospace, Menlo, Consolas, monospace; fill: #5b6470; }
rect { fill: #ffffff; stroke: #5b6470; stroke-width: 1.5; }
.node text { fill: #1f2328; }
.node .name { font-weight: 600; }
.service rect { fill: #e7f0fd; stroke: #2f6fd0; }
.store rect { fill: #e6f5ea; stroke: #2e8b4f; stroke-width: 3; }
.job rect { fill: #fdf1dc; stroke: #b7791f; stroke-dasharray: 6 3; }
path { fill: none; stroke: #768390; stroke-width: 1.5; }
.after path { stroke-dasharray: 6 4; }
.reaches path { stroke-dasharray: 2 4; stroke-width: 2; }
marker path { fill: #768390; stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #adbac7; }
  rect { fill: #22272e; }
  .node text { fill: #f0f3f6; }
  .service rect { fill: #152a4a; stroke: #539bf5; }
  .store rect { fill: #143222; stroke: #57ab5a; }
  .job rect { fill: #3a2a10; stroke: #daaa3f; }
}
"""
"""The boxes have colours of their own, and the grey of arrows is seen on white and on black: where a viewer does not
tell the colour scheme, everything is readable all the same."""

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot say, not even escaped. https://www.w3.org/TR/xml/#charsets"""


def text(picture: graph.Graph) -> str:
    """The file."""
    lines = {each.id: _lines(each) for each in picture.nodes}
    sizes = {id_: (LETTER * max(map(len, said)) + 24, float(HEIGHT)) for id_, said in lines.items()}
    placed = layout.layout(sizes, [(each.start, each.end) for each in picture.edges])
    shown: list[graph.Relation] = [each for each in graph.MEANING if any(one.relation == each for one in picture.edges)]
    legend = sum(LETTER * len(graph.MEANING[each]) + 64 for each in shown)
    width = max(placed.width, LETTER * len(picture.title), legend) + 2 * MARGIN
    height = placed.height + 2 * MARGIN + 2 * LINE + MARGIN
    root = ElementTree.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "viewBox": f"0 0 {width:.0f} {height:.0f}"},
        width=f"{width:.0f}",
        height=f"{height:.0f}",
    )
    _add(root, "title", clean(picture.title))
    _add(root, "style", STYLE)
    marker = ElementTree.SubElement(
        ElementTree.SubElement(root, "defs"),
        "marker",
        {"id": "arrow", "viewBox": "0 0 10 10", "refX": "9", "refY": "5", "markerWidth": "8", "markerHeight": "8"},
        orient="auto",
    )
    _add(marker, "path", d="M0,0 L10,5 L0,10 z")
    _add(root, "text", clean(picture.title), x=f"{MARGIN}", y=f"{MARGIN + 4}")
    body = ElementTree.SubElement(root, "g", transform=f"translate({MARGIN} {MARGIN + LINE + 4})")
    _edges(body, picture, placed)
    for each in picture.nodes:
        _node(body, each, lines[each.id], placed.boxes[each.id])
    _legend(root, shown, height - MARGIN)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def clean(said: str) -> str:
    """A text without what XML cannot say."""
    return _FORBIDDEN.sub("\ufffd", said)


def _lines(each: graph.Node) -> tuple[str, str]:
    return clean(each.name), clean(each.detail if each.kind == "outside" else f"{each.kind}, {each.detail}")


def _add(to: ElementTree.Element, tag: str, said: str | None = None, **attributes: str) -> None:
    made = ElementTree.SubElement(to, tag, {name.rstrip("_"): value for name, value in attributes.items()})
    made.text = said


def _node(to: ElementTree.Element, each: graph.Node, lines: tuple[str, str], box: layout.Box) -> None:
    group = ElementTree.SubElement(to, "g", {"class": f"node {each.kind}"})
    _add(group, "title", f"{lines[0]}: {lines[1]}")
    size = {"x": _n(box.x), "y": _n(box.y), "width": _n(box.width), "height": _n(box.height)}
    _add(group, "rect", **size, rx="2" if each.kind == "store" else "8")
    for number, (said, kind) in enumerate(zip(lines, ("name", "detail"), strict=True)):
        _add(group, "text", said, class_=kind, x=_n(box.x + 12), y=_n(box.y + LINE * (number + 1) + 4))


def _edges(to: ElementTree.Element, picture: graph.Graph, placed: layout.Layout) -> None:
    taken: dict[frozenset[str], int] = {}
    names = {each.id: clean(each.name) for each in picture.nodes}
    for each in picture.edges:
        between = frozenset((each.start, each.end))
        number = taken[between] = taken.get(between, -1) + 1
        group = ElementTree.SubElement(to, "g", {"class": each.relation})
        _add(group, "title", f"{names[each.start]} {graph.MEANING[each.relation]} {names[each.end]}")
        d = path(placed.boxes[each.start], placed.boxes[each.end], placed.bends[each.start, each.end], number * APART)
        _add(group, "path", **{"d": d, "marker-end": "url(#arrow)"})


def path(start: layout.Box, end: layout.Box, bends: Sequence[layout.Point], down: float) -> str:
    """An arrow from a box's side to the other's, through the bends; ``down`` keeps it from another one."""
    onward = start.x <= end.x
    first = (start.x + (start.width if onward else 0), start.y + start.height / 2 + down)
    last = (end.x + (0 if onward else end.width), end.y + end.height / 2 + down)
    points = [first, *((x, y + down) for x, y in bends), last]
    said = f"M{_n(first[0])},{_n(first[1])}"
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        middle = _n((x + to_x) / 2)
        said += f" C{middle},{_n(y)} {middle},{_n(to_y)} {_n(to_x)},{_n(to_y)}"
    return said


def _legend(to: ElementTree.Element, shown: Sequence[graph.Relation], y: float) -> None:
    x = float(MARGIN)
    for each in shown:
        group = ElementTree.SubElement(to, "g", {"class": each})
        _add(group, "path", **{"d": f"M{_n(x)},{_n(y - 4)} h32", "marker-end": "url(#arrow)"})
        _add(group, "text", graph.MEANING[each], x=_n(x + 40), y=_n(y))
        x += 64 + LETTER * len(graph.MEANING[each])


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
