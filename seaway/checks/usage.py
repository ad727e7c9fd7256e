"""The arithmetic of what an application may ask for: a container, a pod, and everything at its largest."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from seaway.checks import check_context
from seaway.kubernetes.api import quantity
from seaway.manifests import amounts

Amounts = amounts.Amounts
of_pod = amounts.of_pod
plus = amounts.plus


def most(seen: check_context.Subject) -> Amounts:
    """What all of it may ask for at once, in the words of a quota.

    Autoscalers at their maximum, every job running, and the pods that a rollout adds. Of what runs on each node one pod
    is counted: how many nodes there are is not known. https://kubernetes.io/docs/concepts/policy/resource-quotas/
    """
    return _total(seen, pods)


def least(seen: check_context.Subject) -> Amounts:
    """What all of it asks for when nothing is going on; a job is running now and then."""
    return _total(seen, lambda _, pod: pod.number)


def _total(seen: check_context.Subject, number: Callable[[check_context.Subject, check_context.Pod], int]) -> Amounts:
    total: Amounts = {}
    for pod in seen.pods:
        asked = {kind: of_pod(pod.spec, kind) for kind in ("requests", "limits")}
        named = {f"{kind}.{name}": amount for kind, each in asked.items() for name, amount in each.items()}
        # A quota may leave out `requests.`.
        short = {name: amount for name, amount in asked["requests"].items() if "/" not in name}
        all_ = {**named, **short, "pods": Fraction(1)}
        total = plus(total, amounts.times(number(seen, pod), all_))
        for claim in pod.object.manifest["spec"].get("volumeClaimTemplates", []):
            size = quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
            total = plus(total, {"requests.storage": size, "persistentvolumeclaims": Fraction(1)})
    return total


def pods(seen: check_context.Subject, pod: check_context.Pod) -> int:
    """How many of its pods there are at most, in the middle of a rollout."""
    scaler = autoscaler(seen, pod)
    number = scaler["maxReplicas"] if scaler else pod.number
    if pod.object.kind != "Deployment":
        return number
    surge = pod.object.manifest["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", "25%")
    return number + part(surge, number)


def autoscaler(seen: check_context.Subject, pod: check_context.Pod) -> dict[str, Any] | None:
    """The spec of the autoscaler of these pods; none: their number is fixed."""
    key = {"kind": pod.object.kind, "name": pod.object.name}
    scalers = (each.manifest["spec"] for each in seen.of("HorizontalPodAutoscaler"))
    return next((spec for spec in scalers if key.items() <= spec["scaleTargetRef"].items()), None)


def part(said: int | str, of: int) -> int:
    """A number, or a share of a number, rounded up."""
    return math.ceil(of * int(said.removesuffix("%")) / 100) if isinstance(said, str) else said


def told(name: str, amount: Fraction) -> str:
    """An amount as people write it."""
    if name.rpartition(".")[2] == "cpu":
        return quantity.cpu(amount)
    if name.rpartition(".")[2] in ("memory", "ephemeral-storage", "storage"):
        return quantity.size(amount)
    return str(math.ceil(amount))
