"""The load that follows an autoscaler reaches its target on fast and slow machines."""

import pytest

from tests.support import steering

TARGET = 375.0


def run_steps(cost: float, rate: float, *, pods: int = 2, steps: int = 12) -> tuple[float, float]:
    """Return rate and load after some steps. ``cost`` is the load of a request per second, in percent of a pod."""
    for _ in range(steps):
        measurement = steering.Measurement(utilization=rate * cost / pods, pods=pods)
        rate = steering.compute_rate(rate, measurement, target=TARGET)
        pods = 5
    return rate, rate * cost


@pytest.mark.parametrize("cost", [0.5, 2.0, 7.0, 30.0, 100.0])
@pytest.mark.parametrize("first", [2.0, 20.0, 1000.0])
def test_load_reaches_the_target_on_fast_and_slow_cores(cost: float, first: float) -> None:
    assert run_steps(cost, first)[1] == pytest.approx(TARGET, rel=0.01)


@pytest.mark.parametrize(("cost", "end"), [(0.001, steering.HIGHEST), (10_000.0, steering.LOWEST)])
def test_rate_stays_within_its_bounds(cost: float, end: float) -> None:
    assert run_steps(cost, 20)[0] == end


def test_measurement_changes_the_rate_by_one_step_at_most() -> None:
    for utilization, rate in ((0.0, 40.0), (1.0, 40.0), (10_000.0, 10.0)):
        measurement = steering.Measurement(utilization=utilization, pods=3)
        assert steering.compute_rate(20, measurement, target=TARGET) == rate
    assert steering.compute_rate(20, None, target=TARGET) == 20
