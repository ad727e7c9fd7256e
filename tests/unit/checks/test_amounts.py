"""The arithmetic of requests: containers one after the other and side by side, pods at most, a share of a number."""

from fractions import Fraction
from typing import Any

import pytest

from seaway.checks import check_context, usage
from seaway.model import application
from tests.unit.checks import made


def container(cpu: str, *, always: bool = False) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu}}} | ({"restartPolicy": "Always"} if always else {})


@pytest.mark.parametrize(
    ("init", "main", "cpu"),
    [
        ([], ["100m", "1"], "1.1"),
        ([container("2")], ["1"], "2"),
        ([container("500m", always=True)], ["1"], "1.5"),
        ([container("500m", always=True), container("2")], ["1"], "2.5"),
        ([container("2"), container("500m", always=True)], ["1"], "2"),
    ],
)
def test_a_pod(init: list[dict[str, Any]], main: list[str], cpu: str) -> None:
    """The last two: an init container runs beside the sidecars that stand before it, and no others."""
    spec = {"initContainers": init, "containers": [container(one) for one in main]}
    assert usage.sum_pod_resources(spec) == {"cpu": Fraction(cpu)}
    assert usage.sum_pod_resources(spec, "limits") == {}


def test_a_limit_alone_is_a_request_too() -> None:
    limited = {"resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "2"}, "requests": {"cpu": "1"}}}
    assert usage.sum_pod_resources({"containers": [limited]}) == {"nvidia.com/gpu": 1, "cpu": 1}


def seen(web: dict[str, Any]) -> check_context.CheckContext:
    app = made.app(web={"sidecars": (), "init": ()} | web)
    return check_context.CheckContext(app=app, stack_settings=made.STACK, objects=tuple(made.render_objects(app)))


@pytest.mark.parametrize(
    ("scale", "least", "most"),
    [
        (application.Scale(min=2), 2, 3),
        (application.Scale(min=8), 8, 10),
        (application.Scale(min=2, max=10), 2, 13),
    ],
)
def test_all_pods(scale: application.Scale, least: int, most: int) -> None:
    """Of web; the store and two jobs have one each. A rollout adds a quarter, rounded up."""
    one = seen({"scale": scale})
    assert usage.compute_minimum(one)["pods"] == least + 3
    assert usage.compute_maximum(one)["pods"] == most + 3
    assert usage.compute_maximum(one)["requests.cpu"] == usage.compute_maximum(one)["cpu"] == Fraction(most + 3, 10)
    assert usage.compute_maximum(one)["limits.memory"] == (most + 3) * 128 * 2**20
    assert "limits.cpu" not in usage.compute_maximum(one)
    assert usage.compute_maximum(one)["requests.storage"] == 2**30
    assert usage.compute_maximum(one)["persistentvolumeclaims"] == 1


@pytest.mark.parametrize(("said", "of", "part"), [(1, 10, 1), ("25%", 4, 1), ("25%", 5, 2), ("0%", 5, 0)])
def test_a_share(said: int | str, of: int, part: int) -> None:
    assert usage.resolve_percentage(said, of) == part


@pytest.mark.parametrize(
    ("name", "amount", "told"),
    [
        ("cpu", Fraction(3, 2), "1500m"),
        ("requests.memory", Fraction(2**30), "1Gi"),
        ("requests.storage", Fraction(2**31), "2Gi"),
        ("pods", Fraction(7), "7"),
        ("nvidia.com/gpu", Fraction(2), "2"),
    ],
)
def test_told(name: str, amount: Fraction, told: str) -> None:
    assert usage.format_amount(name, amount) == told
