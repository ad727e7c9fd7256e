"""The arithmetic of resource requests and limits, as the scheduler and quotas count them."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from seaway.kubernetes.api import quantity

Amounts = Mapping[str, Fraction]
"""By resource: ``cpu`` in cores, ``memory`` in bytes, ``nvidia.com/gpu`` as a number."""


def sum_pod_resources(spec: Mapping[str, Any], kind: str = "requests") -> Amounts:
    """The resources of one pod: of the containers that run together, or of an init container beside the sidecars that
    started before it, if these need more.

    ``kind`` is ``requests`` or ``limits``.
    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers", []):
        running = add(sidecars, _read_amounts(container, kind))
        if container.get("restartPolicy") == "Always":
            sidecars = running
        peak = _take_larger(peak, running)
    return _take_larger(peak, add(sidecars, *(_read_amounts(container, kind) for container in spec["containers"])))


def add(*terms: Amounts) -> Amounts:
    """The sum, resource by resource."""
    names = dict.fromkeys(name for term in terms for name in term)
    return {name: sum((term.get(name, Fraction(0)) for term in terms), Fraction(0)) for name in names}


def multiply(count: int, amounts: Amounts) -> Amounts:
    """The product, resource by resource."""
    return {name: amount * count for name, amount in amounts.items()}


def format_amount(name: str, amount: Fraction) -> str:
    """An amount of a resource in the usual unit."""
    resource = name.rpartition(".")[2]
    if resource == "cpu":
        return quantity.format_cpu(amount)
    if resource in ("memory", "ephemeral-storage", "storage"):
        return quantity.format_size(amount)
    return str(math.ceil(amount))


def _read_amounts(container: Mapping[str, Any], kind: str) -> Amounts:
    resources = container.get("resources", {})
    declared = resources.get(kind, {})
    if kind == "requests":
        # A limit without a request is also the request: accelerators are written so.
        declared = {**resources.get("limits", {}), **declared}
    return {name: quantity.parse(text) for name, text in declared.items()}


def _take_larger(left: Amounts, right: Amounts) -> Amounts:
    return {name: max(left.get(name, Fraction(0)), right.get(name, Fraction(0))) for name in {**left, **right}}
