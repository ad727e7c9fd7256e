"""Durations and amounts of compose in the words of the model; None for what is none."""

import math
from fractions import Fraction

from seaway.compose.loader import scalars
from seaway.kubernetes.api import quantity


def to_seconds(text: str | None) -> int | None:
    """``1m30s`` as whole seconds, never fewer. A number alone is seconds, as kompose's labels have it."""
    if text and text.isdecimal():
        return int(text)
    try:
        return math.ceil(scalars.parse_seconds(text or ""))
    except ValueError:
        return None


def to_size(text: str | None) -> str | None:
    """``512m`` as ``512Mi``. Kubernetes' own ``512Mi`` is one of Docker's ways to write it."""
    try:
        amount = scalars.parse_size(
            (text or "").strip().removesuffix("i") + ("b" if (text or "").endswith("i") else "")
        )
    except ValueError:
        return None
    unit = 2**20 if amount >= 2**20 else 2**10
    return quantity.format_size(math.ceil(Fraction(amount, unit)) * unit) if amount else None


def to_cpu(text: str | None) -> str | None:
    """``0.5`` as ``500m``."""
    try:
        cores = Fraction(text or "")
    except ValueError:
        return None
    return quantity.format_cpu(cores) if cores > 0 else None
