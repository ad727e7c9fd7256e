"""Durations with units, as Docker Compose writes them: ``30s``, ``1m30s``.

https://docs.docker.com/reference/compose-file/extension/#specifying-durations
"""

import re
from fractions import Fraction

_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w)")
_SECONDS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
    "w": Fraction(604800),
}
_MAX_LENGTH = 40


def parse_seconds(text: str) -> Fraction:
    """The seconds of a duration. Raises ValueError.

    >>> parse_seconds("1m30s"), parse_seconds("500ms")
    (Fraction(90, 1), Fraction(1, 2))
    """
    parts = _PART.findall(text) if len(text) <= _MAX_LENGTH else []
    if text == "0":
        return Fraction(0)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a valid duration")
    return sum((Fraction(number) * _SECONDS[unit] for number, unit in parts), Fraction(0))
