"""Amounts as Kubernetes writes them, as exact numbers: ``100m`` is a tenth, ``128Mi`` is 134217728.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction

_AMOUNT = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([eE][+-]?[0-9]{1,2})|([KMGTPE]i)|([numkMGTPE]))?")
_SUFFIXES: Mapping[str, Fraction] = {
    **{f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", 1)},
    **{letter: Fraction(1000**power) for power, letter in enumerate("kMGTPE", 1)},
    **{letter: Fraction(1, 1000**power) for power, letter in enumerate("mun", 1)},
}
_BINARY_SUFFIXES = ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki")
_PERCENT = re.compile(r"([1-9][0-9]{0,3})%")


def parse(text: str | int) -> Fraction:
    """An amount: cores, bytes, or a count. Raises ValueError for what is none.

    >>> parse("100m"), parse("1.5"), parse("1Ki"), parse("1k")
    (Fraction(1, 10), Fraction(3, 2), Fraction(1024, 1), Fraction(1000, 1))
    """
    found = _AMOUNT.fullmatch(str(text))
    if not found:
        raise ValueError(f"{text!r} is no quantity")
    number, exponent, *suffixes = found.groups()
    return Fraction(f"{number}{exponent or ''}") * _SUFFIXES.get("".join(filter(None, suffixes)), Fraction(1))


def format_cpu(cores: Fraction | int) -> str:
    """Cores as text, never fewer: ``2``, ``1500m``. Kubernetes knows thousandths and nothing smaller."""
    thousandths = math.ceil(cores * 1000)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def format_size(amount: Fraction | int) -> str:
    """Bytes as text, never fewer, in the largest unit that says them exactly: ``1536Mi``."""
    whole = math.ceil(amount)
    unit = next((one for one in _BINARY_SUFFIXES if whole and whole % _SUFFIXES[one] == 0), "")
    return f"{int(whole / _SUFFIXES.get(unit, Fraction(1)))}{unit}"


def round_cpu(cores: Fraction | int) -> str:
    """At least so many cores, in two digits: 1.34 is ``1400m``, 13.4 is ``14``."""
    return format_cpu(_round_to_two_digits(Fraction(cores), (Fraction(1), Fraction(1, 1000))))


def round_size(amount: Fraction | int) -> str:
    """At least so many bytes, in two digits of a unit: 1365 Mi is ``1400Mi``, 13.4 Gi is ``14Gi``."""
    return format_size(
        _round_to_two_digits(Fraction(amount), (*(_SUFFIXES[one] for one in _BINARY_SUFFIXES), Fraction(1)))
    )


def round_count(number: Fraction | int) -> int:
    """At least so many things, in two digits: 134 is 140."""
    return int(_round_to_two_digits(Fraction(number), (Fraction(1),)))


def _round_to_two_digits(amount: Fraction, units: tuple[Fraction, ...]) -> Fraction:
    """Up, to two digits of the largest unit of which there are ten."""
    unit = next((one for one in units if amount >= 10 * one), units[-1])
    step = 1
    while amount > 100 * step * unit:
        step *= 10
    return math.ceil(amount / unit / step) * step * unit


def parse_percent(text: str) -> int | None:
    """``70%`` as a number; None for what is no percentage."""
    found = _PERCENT.fullmatch(text)
    return int(found[1]) if found else None
