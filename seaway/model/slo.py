"""The objectives of a service: what `seaway test` compares a load test with."""

import re

_LATENCY = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s)")
_SHARE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)%")
_MILLISECONDS = {"ms": 1, "s": 1000}


def parse_latency(text: str) -> float | None:
    """Milliseconds in ``300ms`` or ``1.5s``; None: it is not a latency."""
    match = _LATENCY.fullmatch(text)
    milliseconds = float(match["number"]) * _MILLISECONDS[match["unit"]] if match else 0
    return milliseconds or None


def parse_share(text: str) -> float | None:
    """The share in ``0.1%``, up to 1; None: it is not a percentage."""
    match = _SHARE.fullmatch(text)
    share = float(match["number"]) / 100 if match else 2
    return share if share <= 1 else None
