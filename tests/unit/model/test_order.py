"""Turns and circles of services that wait for others."""

import pytest

from seaway.model import application, rollout_order


def services(**after: str) -> list[application.Service]:
    return [application.Service(name, depends_on=tuple(said.split())) for name, said in after.items()]


def test_a_turn_is_one_more_than_the_last_that_is_waited_for() -> None:
    assert rollout_order.get_order(services(c="a b", a="", b="a", other="")) == {"a": 0, "b": 1, "c": 2, "other": 0}


@pytest.mark.parametrize(
    ("after", "circles"),
    [
        ({"a": "", "b": "a", "c": "a b"}, []),
        ({"a": "a"}, []),  # told by itself
        ({"a": "nobody"}, []),
        ({"a": "b", "b": "a"}, [("a", "b", "a")]),
        ({"before": "a", "a": "c b", "b": "a", "c": "b"}, [("a", "b", "a"), ("c", "b", "a", "c")]),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, [("a", "b", "a"), ("c", "d", "c")]),
    ],
)
def test_circles(after: dict[str, str], circles: list[tuple[str, ...]]) -> None:
    assert list(rollout_order.find_cycles(services(**after))) == circles
