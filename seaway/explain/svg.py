"""A picture as SVG: text that can be selected, colours for light and for dark."""

import itertools
import re
from collections.abc import Sequence
from xml.etree import ElementTree

from seaway.explain import graph, layout

LETTER_WIDTH = 8.0
"""Pixels that a letter takes, in the font below."""

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


def render(picture: graph.Graph) -> str:
    """The file."""
    lines = {each.id: _label_node(each) for each in picture.nodes}
    sizes = {id_: (LETTER_WIDTH * max(map(len, said)) + 24, float(BOX_HEIGHT)) for id_, said in lines.items()}
    placed = layout.compute_layout(sizes, [(each.start, each.end) for each in picture.edges])
    shown: list[graph.Relation] = [
        each for each in graph.RELATION_LABELS if any(one.relation == each for one in picture.edges)
    ]
    legend = sum(LETTER_WIDTH * len(graph.RELATION_LABELS[each]) + 64 for each in shown)
    width = max(placed.width, LETTER_WIDTH * len(picture.title), legend) + 2 * MARGIN
    height = placed.height + 2 * MARGIN + 2 * LINE_HEIGHT + MARGIN
    root = ElementTree.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "viewBox": f"0 0 {width:.0f} {height:.0f}"},
        width=f"{width:.0f}",
        height=f"{height:.0f}",
    )
    _add_element(root, "title", strip_invalid(picture.title))
    _add_element(root, "style", STYLE)
    marker = ElementTree.SubElement(
        ElementTree.SubElement(root, "defs"),
        "marker",
        {"id": "arrow", "viewBox": "0 0 10 10", "refX": "9", "refY": "5", "markerWidth": "8", "markerHeight": "8"},
        orient="auto",
    )
    _add_element(marker, "path", d="M0,0 L10,5 L0,10 z")
    _add_element(root, "text", strip_invalid(picture.title), x=f"{MARGIN}", y=f"{MARGIN + 4}")
    body = ElementTree.SubElement(root, "g", transform=f"translate({MARGIN} {MARGIN + LINE_HEIGHT + 4})")
    _draw_edges(body, picture, placed)
    for each in picture.nodes:
        _draw_node(body, each, lines[each.id], placed.boxes[each.id])
    _draw_legend(root, shown, height - MARGIN)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def strip_invalid(content: str) -> str:
    """A text without what XML cannot say."""
    return _FORBIDDEN.sub("\ufffd", content)


def _label_node(node: graph.Node) -> tuple[str, str]:
    return strip_invalid(node.name), strip_invalid(
        node.detail if node.kind == "outside" else f"{node.kind}, {node.detail}"
    )


def _add_element(parent: ElementTree.Element, tag: str, content: str | None = None, **attributes: str) -> None:
    made = ElementTree.SubElement(parent, tag, {name.rstrip("_"): value for name, value in attributes.items()})
    made.text = content


def _draw_node(parent: ElementTree.Element, node: graph.Node, lines: tuple[str, str], box: layout.Box) -> None:
    group = ElementTree.SubElement(parent, "g", {"class": f"node {node.kind}"})
    _add_element(group, "title", f"{lines[0]}: {lines[1]}")
    size = {
        "x": _format_number(box.x),
        "y": _format_number(box.y),
        "width": _format_number(box.width),
        "height": _format_number(box.height),
    }
    _add_element(group, "rect", **size, rx="2" if node.kind == "store" else "8")
    for number, (said, kind) in enumerate(zip(lines, ("name", "detail"), strict=True)):
        _add_element(
            group,
            "text",
            said,
            class_=kind,
            x=_format_number(box.x + 12),
            y=_format_number(box.y + LINE_HEIGHT * (number + 1) + 4),
        )


def _draw_edges(parent: ElementTree.Element, picture: graph.Graph, placed: layout.Layout) -> None:
    taken: dict[frozenset[str], int] = {}
    names = {each.id: strip_invalid(each.name) for each in picture.nodes}
    for each in picture.edges:
        between = frozenset((each.start, each.end))
        number = taken[between] = taken.get(between, -1) + 1
        group = ElementTree.SubElement(parent, "g", {"class": each.relation})
        _add_element(group, "title", f"{names[each.start]} {graph.RELATION_LABELS[each.relation]} {names[each.end]}")
        d = build_path(
            placed.boxes[each.start],
            placed.boxes[each.end],
            placed.bends[each.start, each.end],
            number * PARALLEL_EDGE_GAP,
        )
        _add_element(group, "path", **{"d": d, "marker-end": "url(#arrow)"})


def build_path(start: layout.Box, end: layout.Box, bends: Sequence[layout.Point], offset: float) -> str:
    """An arrow from a box's side to the other's, through the bends; ``down`` keeps it from another one."""
    onward = start.x <= end.x
    first = (start.x + (start.width if onward else 0), start.y + start.height / 2 + offset)
    last = (end.x + (0 if onward else end.width), end.y + end.height / 2 + offset)
    points = [first, *((x, y + offset) for x, y in bends), last]
    said = f"M{_format_number(first[0])},{_format_number(first[1])}"
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        middle = _format_number((x + to_x) / 2)
        said += f" C{middle},{_format_number(y)} {middle},{_format_number(to_y)} {_format_number(to_x)},{_format_number(to_y)}"
    return said


def _draw_legend(parent: ElementTree.Element, relations: Sequence[graph.Relation], y: float) -> None:
    x = float(MARGIN)
    for each in relations:
        group = ElementTree.SubElement(parent, "g", {"class": each})
        _add_element(
            group, "path", **{"d": f"M{_format_number(x)},{_format_number(y - 4)} h32", "marker-end": "url(#arrow)"}
        )
        _add_element(group, "text", graph.RELATION_LABELS[each], x=_format_number(x + 40), y=_format_number(y))
        x += 64 + LETTER_WIDTH * len(graph.RELATION_LABELS[each])


def _format_number(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
