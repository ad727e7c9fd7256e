"""Durations and amounts of compose in the units of the model; None if the text is invalid."""

import math
from fractions import Fraction

from seaway.compose.loader import scalars
from seaway.kubernetes.api import quantity
from seaway.syntax import duration


def to_seconds(text: str | None) -> int | None:
    """``1m30s`` as whole seconds, rounded up. A bare number is seconds, as in kompose's labels."""
    if text and text.isdecimal():
        return int(text)
    try:
        return math.ceil(duration.parse_seconds(text or ""))
    except ValueError:
        return None


def to_size(text: str | None) -> str | None:
    """``512m`` as ``512Mi``, rounded up. Kubernetes' ``512Mi`` is valid too."""
    text = (text or "").strip()
    try:
        size = scalars.parse_size(f"{text}b" if text.endswith("i") else text)
    except ValueError:
        return None
    unit = 2**20 if size >= 2**20 else 2**10
    return quantity.format_size(math.ceil(Fraction(size, unit)) * unit) if size else None


def to_cpu(text: str | None) -> str | None:
    """``0.5`` as ``500m``."""
    try:
        cores = Fraction(text or "")
    except ValueError:
        return None
    return quantity.format_cpu(cores) if cores > 0 else None
