"""The arithmetic of what pods ask for, as the scheduler and quotas count it."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from seaway.kubernetes.api import quantity

Amounts = Mapping[str, Fraction]
"""By resource: ``cpu`` in cores, ``memory`` in bytes, ``nvidia.com/gpu`` as a number."""


def sum_pod_resources(spec: Mapping[str, Any], kind: str = "requests") -> Amounts:
    """What one pod asks for: what runs at once, and a moment before it each init container beside the sidecars so far.

    ``kind`` is ``requests`` or ``limits``.
    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    beside: Amounts = {}
    peak: Amounts = {}
    for each in spec.get("initContainers", []):
        now = add(beside, _read_amounts(each, kind))
        if each.get("restartPolicy") == "Always":
            beside = now
        peak = _take_larger(peak, now)
    return _take_larger(peak, add(beside, *(_read_amounts(each, kind) for each in spec["containers"])))


def add(*terms: Amounts) -> Amounts:
    """Added, resource by resource."""
    names = dict.fromkeys(name for each in terms for name in each)
    return {name: sum((each.get(name, Fraction(0)) for each in terms), Fraction(0)) for name in names}


def multiply(count: int, amounts: Amounts) -> Amounts:
    """So many of the same."""
    return {name: amount * count for name, amount in amounts.items()}


def _read_amounts(container: Mapping[str, Any], kind: str) -> Amounts:
    resources = container.get("resources", {})
    said = resources.get(kind, {})
    if kind == "requests":
        # What is limited and not asked for, is asked for up to the limit: so accelerators are written.
        said = {**resources.get("limits", {}), **said}
    return {name: quantity.parse(text) for name, text in said.items()}


def _take_larger(left: Amounts, right: Amounts) -> Amounts:
    return {name: max(left.get(name, Fraction(0)), right.get(name, Fraction(0))) for name in {**left, **right}}
