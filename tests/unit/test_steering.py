"""The load that follows an autoscaler reaches what is wanted, on fast and on slow machines."""

import pytest

from tests.support import steering

WANTED = 375.0


def settled(cost: float, rate: float, *, pods: int = 2, looks: int = 12) -> tuple[float, float]:
    """Rate and load after some looks, on a machine where a request a second costs so many percent of a pod."""
    for _ in range(looks):
        measured = steering.Measured(utilization=rate * cost / pods, pods=pods)
        rate = steering.next_rate(rate, measured, wanted=WANTED)
        pods = 5
    return rate, rate * cost


@pytest.mark.parametrize("cost", [0.5, 2.0, 7.0, 30.0, 100.0])
@pytest.mark.parametrize("first", [2.0, 20.0, 1000.0])
def test_the_load_settles_at_what_is_wanted_however_fast_a_core_is(cost: float, first: float) -> None:
    assert settled(cost, first)[1] == pytest.approx(WANTED, rel=0.01)


@pytest.mark.parametrize(("cost", "end"), [(0.001, steering.HIGHEST), (10_000.0, steering.LOWEST)])
def test_the_rate_stays_within_its_bounds(cost: float, end: float) -> None:
    assert settled(cost, 20)[0] == end


def test_one_look_changes_it_by_one_step_at_most() -> None:
    for utilization, rate in ((0.0, 40.0), (1.0, 40.0), (10_000.0, 10.0)):
        measured = steering.Measured(utilization=utilization, pods=3)
        assert steering.next_rate(20, measured, wanted=WANTED) == rate


def test_without_a_measurement_the_rate_stays() -> None:
    assert steering.next_rate(20, None, wanted=WANTED) == 20
