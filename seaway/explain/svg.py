"""A graph as SVG: selectable text, colours for light and dark."""

import itertools
import re
from collections.abc import Sequence
from xml.etree import ElementTree

from seaway.explain import graph, layout

LETTER_WIDTH = 8.0
"""Pixels of a letter in the font below."""

LINE_HEIGHT = 18
BOX_HEIGHT = 2 * LINE_HEIGHT + 16
MARGIN = 20
PARALLEL_EDGE_GAP = 8
"""Pixels between two arrows of the same two boxes."""

STYLE = """
text { font: 13px ui-monospace, Menlo, Consolas, monospace; fill: #5b6470; }
rect { fill: #ffffff; stroke: #5b6470; stroke-width: 1.5; }
.node text { fill: #1f2328; }
.node .name { font-weight: 600; }
.service rect { fill: #e7f0fd; stroke: #2f6fd0; }
.store rect { fill: #e6f5ea; stroke: #2e8b4f; stroke-width: 3; }
.external rect { fill: #ffffff; stroke: #2e8b4f; stroke-width: 3; stroke-dasharray: 6 3; }
.job rect { fill: #fdf1dc; stroke: #b7791f; stroke-dasharray: 6 3; }
path { fill: none; stroke: #768390; stroke-width: 1.5; }
.dependsOn path { stroke-dasharray: 6 4; }
.reaches path { stroke-dasharray: 2 4; stroke-width: 2; }
marker path { fill: #768390; stroke: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #adbac7; }
  rect { fill: #22272e; }
  .node text { fill: #f0f3f6; }
  .service rect { fill: #152a4a; stroke: #539bf5; }
  .store rect { fill: #143222; stroke: #57ab5a; }
  .external rect { fill: #22272e; stroke: #57ab5a; }
  .job rect { fill: #3a2a10; stroke: #daaa3f; }
}
"""
"""The boxes have their own colours, and the grey of the arrows is visible on white and on black: it is readable also in
a viewer that does not support the colour scheme."""

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot have, not even escaped. https://www.w3.org/TR/xml/#charsets"""


def render(picture: graph.Graph) -> str:
    """The content of the SVG file."""
    labels = {node.id: _label_node(node) for node in picture.nodes}
    sizes = {id_: (LETTER_WIDTH * max(map(len, lines)) + 24, float(BOX_HEIGHT)) for id_, lines in labels.items()}
    positions = layout.compute_layout(sizes, [(edge.start, edge.end) for edge in picture.edges])
    used = {edge.relation for edge in picture.edges}
    relations: list[graph.Relation] = [relation for relation in graph.RELATION_LABELS if relation in used]
    legend = sum(LETTER_WIDTH * len(graph.RELATION_LABELS[relation]) + 64 for relation in relations)
    width = max(positions.width, LETTER_WIDTH * len(picture.title), legend) + 2 * MARGIN
    height = positions.height + 2 * MARGIN + 2 * LINE_HEIGHT + MARGIN
    size = {"viewBox": f"0 0 {width:.0f} {height:.0f}", "width": f"{width:.0f}", "height": f"{height:.0f}"}
    root = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    _add_element(root, "title", strip_invalid(picture.title))
    _add_element(root, "style", STYLE)
    tip = {"viewBox": "0 0 10 10", "refX": "9", "refY": "5", "markerWidth": "8", "markerHeight": "8", "orient": "auto"}
    marker = _add_element(_add_element(root, "defs"), "marker", id="arrow", **tip)
    _add_element(marker, "path", d="M0,0 L10,5 L0,10 z")
    _add_element(root, "text", strip_invalid(picture.title), x=MARGIN, y=MARGIN + 4)
    body = _add_element(root, "g", transform=f"translate({MARGIN} {MARGIN + LINE_HEIGHT + 4})")
    _draw_edges(body, picture, positions)
    for node in picture.nodes:
        _draw_node(body, node, labels[node.id], positions.boxes[node.id])
    _draw_legend(root, relations, height - MARGIN)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def strip_invalid(content: str) -> str:
    """Replace the characters that XML cannot have."""
    return _FORBIDDEN.sub("\ufffd", content)


def _label_node(node: graph.Node) -> tuple[str, str]:
    detail = node.detail if node.kind == "outside" else f"{node.kind}, {node.detail}"
    return strip_invalid(node.name), strip_invalid(detail)


def _add_element(
    parent: ElementTree.Element, tag: str, content: str | None = None, **attributes: str | float
) -> ElementTree.Element:
    """Add an element. An attribute's name may end in an underscore (``class_``)."""
    formatted = {name.rstrip("_"): _format_number(attribute) for name, attribute in attributes.items()}
    element = ElementTree.SubElement(parent, tag, formatted)
    element.text = content
    return element


def _draw_node(parent: ElementTree.Element, node: graph.Node, lines: tuple[str, str], box: layout.Box) -> None:
    group = _add_element(parent, "g", class_=f"node {node.kind}")
    _add_element(group, "title", f"{lines[0]}: {lines[1]}")
    radius = "2" if node.kind == "store" else "8"
    _add_element(group, "rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=radius)
    for number, (line, kind) in enumerate(zip(lines, ("name", "detail"), strict=True)):
        _add_element(group, "text", line, class_=kind, x=box.x + 12, y=box.y + LINE_HEIGHT * (number + 1) + 4)


def _draw_edges(parent: ElementTree.Element, picture: graph.Graph, positions: layout.Layout) -> None:
    last_number: dict[frozenset[str], int] = {}
    names = {node.id: strip_invalid(node.name) for node in picture.nodes}
    for edge in picture.edges:
        ends = frozenset((edge.start, edge.end))
        number = last_number[ends] = last_number.get(ends, -1) + 1
        group = _add_element(parent, "g", class_=edge.relation)
        _add_element(group, "title", f"{names[edge.start]} {graph.RELATION_LABELS[edge.relation]} {names[edge.end]}")
        start, end = positions.boxes[edge.start], positions.boxes[edge.end]
        path = build_path(start, end, positions.bends[edge.start, edge.end], number * PARALLEL_EDGE_GAP)
        _add_arrow(group, path)


def build_path(start: layout.Box, end: layout.Box, bends: Sequence[layout.Point], offset: float) -> str:
    """An arrow from one box's side to the other's through the bends; ``offset`` separates parallel arrows."""
    forward = start.x <= end.x
    first = (start.x + (start.width if forward else 0), start.y + start.height / 2 + offset)
    last = (end.x + (0 if forward else end.width), end.y + end.height / 2 + offset)
    points = [first, *((x, y + offset) for x, y in bends), last]
    path = f"M{_format_point(*first)}"
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        middle = (x + to_x) / 2
        path += f" C{_format_point(middle, y)} {_format_point(middle, to_y)} {_format_point(to_x, to_y)}"
    return path


def _draw_legend(parent: ElementTree.Element, relations: Sequence[graph.Relation], y: float) -> None:
    x = float(MARGIN)
    for relation in relations:
        group = _add_element(parent, "g", class_=relation)
        _add_arrow(group, f"M{_format_point(x, y - 4)} h32")
        _add_element(group, "text", graph.RELATION_LABELS[relation], x=x + 40, y=y)
        x += 64 + LETTER_WIDTH * len(graph.RELATION_LABELS[relation])


def _add_arrow(parent: ElementTree.Element, path: str) -> None:
    _add_element(parent, "path", **{"d": path, "marker-end": "url(#arrow)"})


def _format_point(x: float, y: float) -> str:
    return f"{_format_number(x)},{_format_number(y)}"


def _format_number(number: str | float) -> str:
    return number if isinstance(number, str) else f"{number:.1f}".removesuffix(".0")
