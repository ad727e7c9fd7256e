"""The picture: what is in it, where it goes, and that any text is safe in it."""

import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import hypothesis
import pytest
from hypothesis import strategies

from seaway.explain import graph, layout, svg
from seaway.model import application, settings
from tests import golden

NAMES = strategies.text(min_size=1, max_size=12)
IDS = strategies.integers(0, 7).map(lambda number: f"n{number}")
SVG = "{http://www.w3.org/2000/svg}"
SIZE = (120.0, 52.0)


def shop(exposure: settings.PublishMode = "none", **hosts: tuple[str, ...]) -> graph.Graph:
    app = golden.load_example("shop")
    ingress = settings.Ingress(hosts=hosts)
    return graph.build_graph(app, settings.Settings(stack="dev", context="dev", publish=exposure, ingress=ingress))


def twenty() -> graph.Graph:
    """Services in five rows, each calling two of the row below, some after one beside."""
    services = tuple(
        application.Service(
            f"service-{i}",
            image="x:1",
            port=8000,
            calls=tuple(f"service-{j}" for j in (i + 4, i + 7) if j < 20),
            depends_on=(f"service-{i + 1}",) if i % 5 == 2 else (),
            publish=i < 2,
        )
        for i in range(20)
    )
    return graph.build_graph(
        application.Application("big", services=services), settings.Settings(stack="dev", context="dev")
    )


def overlap(a: layout.Box, b: layout.Box) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def test_workloads_without_a_number_of_pods() -> None:
    agent = application.Service("agent", image="x:1", daemon_set=True)
    report = application.Job("report", image="x:1", schedule="0 3 * * *")
    app = application.Application("big", services=(agent,), jobs=(report,))
    picture = graph.build_graph(app, settings.Settings(stack="dev", context="dev"))
    assert [node.detail for node in picture.nodes] == ["a pod on every node", "0 3 * * *"]


def test_nodes_and_edges() -> None:
    assert shop().title == "shop · stack dev · 3 services, 1 store, 1 job"
    assert [(node.name, node.kind, node.detail) for node in shop().nodes] == [
        ("outside", "outside", "closed: seaway:publish is none"),
        ("web", "service", "2 pods, port 8000"),
        ("api", "service", "2 pods, port 8000"),
        ("worker", "service", "1 pod"),
        ("db", "store", "1Gi, port 5432"),
        ("migrate", "job", "before-rollout"),
    ]
    assert shop("loadBalancer").nodes[0].detail == "by loadBalancer"
    assert shop("ingress", web=("shop.example.com",)).nodes[0].detail == "http://shop.example.com/"
    two = shop("ingress", web=("shop.example.com", "example.com/shop"))
    assert two.nodes[0].detail == "http://example.com/shop and 1 more"


def test_without_an_exposed_service_there_is_no_outside() -> None:
    app = application.Application("a", services=(application.Service("web", image="x:1"),))
    picture = graph.build_graph(app, settings.Settings(stack="dev", context="dev"))
    assert [node.id for node in picture.nodes] == ["services.web"]
    assert picture.edges == []
    assert "<svg" in svg.render(picture)


@pytest.mark.parametrize("picture", [shop(), twenty()], ids=["shop", "twenty"])
def test_every_box_and_arrow_is_drawn_and_no_box_lies_on_another(picture: graph.Graph) -> None:
    root = ElementTree.fromstring(svg.render(picture))
    body = root.find(f"{SVG}g")
    assert body is not None
    groups = body.findall(f"{SVG}g")
    assert sum("node" in node.attrib["class"] for node in groups) == len(picture.nodes)
    assert sum("node" not in node.attrib["class"] for node in groups) == len(picture.edges)
    rects = [
        layout.Box(**{key: float(rect.attrib[key]) for key in ("x", "y", "width", "height")})
        for rect in root.iter(f"{SVG}rect")
    ]
    assert not [(a, b) for i, a in enumerate(rects) for b in rects[:i] if overlap(a, b)]
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(box.x >= 0 and box.y >= 0 and box.x + box.width <= width for box in rects)
    assert max(box.y + box.height for box in rects) < height


def test_text_fits_into_its_box() -> None:
    root = ElementTree.fromstring(svg.render(twenty()))
    for group in root.iter(f"{SVG}g"):
        rect, text = group.find(f"{SVG}rect"), group.findall(f"{SVG}text")
        if rect is not None:
            assert all(len(node.text or "") * svg.LETTER_WIDTH + 24 <= float(rect.attrib["width"]) for node in text)


def test_dark_and_light() -> None:
    assert "@media (prefers-color-scheme: dark)" in svg.render(shop())
    assert ".node text { fill: #1f2328; }" in svg.render(shop())


def test_an_arrow_goes_from_the_right_side_to_the_left_one() -> None:
    a, b = layout.Box(x=0, y=0, width=10, height=10), layout.Box(x=50, y=20, width=10, height=10)
    assert svg.build_path(a, b, [], 0) == "M10,5 C30,5 30,25 50,25"
    assert svg.build_path(b, a, [], 8) == "M50,33 C30,33 30,13 10,13"
    assert svg.build_path(a, b, [(20, 1), (40, 1)], 0) == "M10,5 C15,5 15,1 20,1 C30,1 30,1 40,1 C45,1 45,25 50,25"


def test_a_long_arrow_passes_beside_the_boxes_between() -> None:
    positions = layout.compute_layout(dict.fromkeys("abc", SIZE), [("a", "b"), ("b", "c"), ("a", "c")])
    (left, y), (right, also) = positions.bends["a", "c"]
    box = positions.boxes["b"]
    assert (left, right, y) == (box.x, box.x + box.width, also)
    assert not box.y <= y <= box.y + box.height


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(NAMES, NAMES, NAMES)
def test_any_text_is_escaped(name: str, other: str, detail: str) -> None:
    nodes = [
        graph.Node(id="a", name=name, kind="service", detail=detail),
        graph.Node(id="b", name=other, kind="job", detail="<script>alert(1)</script>&\"'"),
    ]
    rendered = graph.Graph(
        application=name, stack=other, nodes=nodes, edges=[graph.Edge(start="a", end="b", relation="calls")]
    )
    root = ElementTree.fromstring(svg.render(rendered))
    text = [node.text for node in root.iter(f"{SVG}text") if node.get("class") == "name"]
    # XML reads every end of a line as \n. https://www.w3.org/TR/xml/#sec-line-ends
    assert [re.sub("\r\n?", "\n", text or "") for text in text] == [
        re.sub("\r\n?", "\n", svg.strip_invalid(node)) for node in (name, other)
    ]
    assert not list(root.iter(f"{SVG}script"))


def test_characters_that_xml_cannot_have_are_replaced() -> None:
    assert svg.strip_invalid("a\x00b\x1fc\ud800d\ufffee\u2028\n") == "a\ufffdb\ufffdc\ufffdd\ufffde\u2028\n"


@hypothesis.settings(deadline=None, max_examples=100)
@hypothesis.given(strategies.lists(strategies.tuples(IDS, IDS).filter(lambda pair: pair[0] != pair[1]), max_size=16))
def test_any_graph_is_laid_out(pairs: list[tuple[str, str]]) -> None:
    """Circles, both ways, many parts, boxes that nothing points to."""
    sizes = {f"n{number}": (60.0 + 20 * number, 52.0) for number in range(8)}
    positions = layout.compute_layout(sizes, pairs)
    boxes = list(positions.boxes.values())
    assert positions.boxes.keys() == sizes.keys()
    assert positions.bends.keys() == set(pairs)
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if overlap(a, b)]
    assert min(box.x for box in boxes) >= 0
    assert min(box.y for box in boxes) >= 0
    assert all(0 <= y <= positions.height for node in positions.bends.values() for _, y in node)


def test_an_empty_graph() -> None:
    assert layout.compute_layout({}, []) == layout.Layout(width=0, height=0, boxes={}, bends={})


def test_it_is_the_same_in_every_process() -> None:
    program = (
        "from tests.unit.explain import test_graph as t; from seaway.explain import svg; print(svg.render(t.twenty()))"
    )
    rendered = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=golden.ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert rendered == {f"{svg.render(twenty())}\n"}
