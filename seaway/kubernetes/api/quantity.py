"""Kubernetes quantities as exact numbers: ``100m`` is a tenth, ``128Mi`` is 134217728.

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
    """The number of cores, bytes or objects. Raises ValueError if the text is not a quantity.

    >>> parse("100m"), parse("1.5"), parse("1Ki"), parse("1k")
    (Fraction(1, 10), Fraction(3, 2), Fraction(1024, 1), Fraction(1000, 1))
    """
    match = _AMOUNT.fullmatch(str(text))
    if not match:
        raise ValueError(f"{text!r} is not a quantity")
    number, exponent, *suffixes = match.groups()
    return Fraction(f"{number}{exponent or ''}") * _SUFFIXES.get("".join(filter(None, suffixes)), Fraction(1))


def format_cpu(cores: Fraction | int) -> str:
    """Cores as text, rounded up to a thousandth, the smallest unit of Kubernetes: ``2``, ``1500m``."""
    thousandths = math.ceil(cores * 1000)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def format_size(amount: Fraction | int) -> str:
    """Bytes as text, rounded up, in the largest exact unit: ``1536Mi``."""
    whole = math.ceil(amount)
    unit = next((suffix for suffix in _BINARY_SUFFIXES if whole and whole % _SUFFIXES[suffix] == 0), "")
    return f"{int(whole / _SUFFIXES.get(unit, Fraction(1)))}{unit}"


def round_cpu(cores: Fraction | int) -> str:
    """Cores rounded up to two digits: 1.34 is ``1400m``, 13.4 is ``14``."""
    return format_cpu(_round_to_two_digits(Fraction(cores), (Fraction(1), Fraction(1, 1000))))


def round_size(amount: Fraction | int) -> str:
    """Bytes rounded up to two digits of a unit: 1365 Mi is ``1400Mi``, 13.4 Gi is ``14Gi``."""
    units = (*(_SUFFIXES[suffix] for suffix in _BINARY_SUFFIXES), Fraction(1))
    return format_size(_round_to_two_digits(Fraction(amount), units))


def round_count(number: Fraction | int) -> int:
    """A number rounded up to two digits: 134 is 140."""
    return int(_round_to_two_digits(Fraction(number), (Fraction(1),)))


def _round_to_two_digits(amount: Fraction, units: tuple[Fraction, ...]) -> Fraction:
    """Rounds up to two digits of the largest unit of which the amount has ten."""
    unit = next((unit for unit in units if amount >= 10 * unit), units[-1])
    step = 1
    while amount > 100 * step * unit:
        step *= 10
    return math.ceil(amount / unit / step) * step * unit


def parse_percent(text: str) -> int | None:
    """``70%`` as a number; None: the text is not a percentage."""
    match = _PERCENT.fullmatch(text)
    return int(match[1]) if match else None
