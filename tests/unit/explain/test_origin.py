"""Where a value is written."""

import pytest

from seaway.explain import origin
from seaway.syntax import nodes, yaml_parser

APP = yaml_parser.parse(
    """\
name: shop
services:
  web:
    build: ./web
    health: /healthz
    scale: 2
    env: {A: a}
    resources: {cpu: 50m}
""",
    "app.yaml",
)
OVERLAY = yaml_parser.parse(
    """\
services:
  web: {env: {B: b}, resources: {memory: 1Gi}, health: {startPeriod: 90}}
""",
    "Pulumi.dev.yaml",
)


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("build.context", ["app.yaml:4:5"]),
        ("build.dockerfile", []),
        ("health.readiness", ["app.yaml:5:5"]),
        ("health.liveness", ["app.yaml:5:5"]),
        ("health.startPeriod", []),
        ("scale.min", ["app.yaml:6:5"]),
        ("resources.cpu", ["app.yaml:8:17"]),
        ("resources.memory", []),
        ("port", []),
        ("env", ["app.yaml:7:5"]),
    ],
)
def test_a_line_of_the_application(path: str, places: list[str]) -> None:
    assert [str(place) for place in origin.find_locations(APP, f"services.web.{path}")] == places


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("resources.cpu", ["app.yaml:8:17"]),
        ("resources.memory", ["Pulumi.dev.yaml:2:34"]),
        ("health.startPeriod", ["Pulumi.dev.yaml:2:57"]),
        ("health.readiness", []),
        ("env", ["app.yaml:7:5", "Pulumi.dev.yaml:2:15"]),
    ],
)
def test_the_overlay_on_it(path: str, places: list[str]) -> None:
    merged = nodes.merge(APP, OVERLAY)
    assert [str(place) for place in origin.find_locations(merged, f"services.web.{path}")] == places


def test_a_list_of_names_says_nothing_of_what_it_names() -> None:
    assert origin.find_locations(yaml_parser.parse("services: [web]", "app.yaml"), "services.web.port") == ()
    assert origin.find_locations(APP, "jobs.web") == ()
