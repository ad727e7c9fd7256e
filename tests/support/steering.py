"""A load that follows what an autoscaler measures: the same on each machine, however fast its cores are."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Generator

from dev import prober

LOWEST, HIGHEST = 2.0, 1000.0
"""Requests a second, from all threads together."""
STEP = 2.0
"""The rate changes at most so many times between two measurements: what is measured is an average, and lags behind."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the autoscaler says of its pods."""

    utilization: float
    """Of what they request, in percent: the average of the pods."""
    pods: int
    """So many were measured."""


def next_rate(rate: float, measured: Measured | None, *, wanted: float) -> float:
    """The requests a second that bring the load of all pods to what is wanted, within the bounds.

    Args:
        rate: the requests a second that made what was measured.
        measured: nothing: the autoscaler has not measured yet, or there is none, and the rate stays.
        wanted: percent of one pod's request, of all pods together. The load of all does not depend on their number.
    """
    if measured is None:
        return rate
    total = measured.utilization * measured.pods
    factor = wanted / total if total > 0 else STEP
    return min(max(rate * min(max(factor, 1 / STEP), STEP), LOWEST), HIGHEST)


@contextlib.contextmanager
def steered(
    url: str, measure: Callable[[], Measured | None], *, wanted: float, rate: float = 20, every: float = 15
) -> Generator[prober.Prober]:
    """A load from outside that is raised and lowered until the block ends.

    Args:
        every: seconds between two looks: an autoscaler looks every 15.
    """
    stop = threading.Event()
    with prober.Prober(url, threads=16, per_second=rate, limit=600) as load:

        def steer() -> None:
            while not stop.wait(every):
                load.per_second = next_rate(load.per_second, measure(), wanted=wanted)

        worker = threading.Thread(target=steer, daemon=True)
        worker.start()
        try:
            yield load
        finally:
            stop.set()
            worker.join(timeout=60)
