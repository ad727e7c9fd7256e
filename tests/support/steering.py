"""A load that follows the measurements of an autoscaler, so that it is the same on fast and slow machines."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Generator

from dev import prober

LOWEST, HIGHEST = 2.0, 1000.0
"""Requests per second of all threads."""
STEP = 2.0
"""Largest factor by which the rate changes between two measurements: a measurement is an average, and lags behind."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The measurement of the autoscaler."""

    utilization: float
    """Average percentage of the pods' requests."""
    pods: int
    """Number of measured pods."""


def compute_rate(rate: float, measurement: Measurement | None, *, target: float) -> float:
    """Return the requests per second that bring the load of all pods to the target, within the bounds.

    Args:
        rate: the current requests per second.
        measurement: None before the first measurement, or without an autoscaler: the rate stays.
        target: load of all pods together, in percent of one pod's request: it does not depend on their number.
    """
    if measurement is None:
        return rate
    total = measurement.utilization * measurement.pods
    factor = target / total if total > 0 else STEP
    return min(max(rate * min(max(factor, 1 / STEP), STEP), LOWEST), HIGHEST)


@contextlib.contextmanager
def steer_load(
    url: str, measure: Callable[[], Measurement | None], *, target: float, rate: float = 20, interval: float = 15
) -> Generator[prober.Prober]:
    """Send a load from outside, and adapt its rate until the block ends.

    Args:
        interval: seconds between two measurements: an autoscaler measures every 15.
    """
    stop = threading.Event()
    with prober.Prober(url, threads=16, per_second=rate, limit=600) as load:

        def steer() -> None:
            while not stop.wait(interval):
                load.per_second = compute_rate(load.per_second, measure(), target=target)

        worker = threading.Thread(target=steer, daemon=True)
        worker.start()
        try:
            yield load
        finally:
            stop.set()
            worker.join(timeout=60)
