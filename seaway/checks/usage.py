"""The arithmetic of what an application may ask for: a container, a pod, and everything at its largest."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from seaway.checks import check_context
from seaway.kubernetes.api import quantity
from seaway.manifests import amounts

Amounts = amounts.Amounts
sum_pod_resources = amounts.sum_pod_resources
add = amounts.add


def compute_maximum(context: check_context.CheckContext) -> Amounts:
    """What all of it may ask for at once, in the words of a quota.

    Autoscalers at their maximum, every job running, and the pods that a rollout adds. Of what runs on each node one pod
    is counted: how many nodes there are is not known. https://kubernetes.io/docs/concepts/policy/resource-quotas/
    """
    return _sum_usage(context, count_pods)


def compute_minimum(context: check_context.CheckContext) -> Amounts:
    """What all of it asks for when nothing is going on; a job is running now and then."""
    return _sum_usage(context, lambda _, pod: pod.replicas)


def _sum_usage(
    context: check_context.CheckContext, count: Callable[[check_context.CheckContext, check_context.Pod], int]
) -> Amounts:
    total: Amounts = {}
    for pod in context.pods:
        asked = {kind: sum_pod_resources(pod.spec, kind) for kind in ("requests", "limits")}
        named = {f"{kind}.{name}": amount for kind, each in asked.items() for name, amount in each.items()}
        # A quota may leave out `requests.`.
        short = {name: amount for name, amount in asked["requests"].items() if "/" not in name}
        all_ = {**named, **short, "pods": Fraction(1)}
        total = add(total, amounts.multiply(count(context, pod), all_))
        for claim in pod.release_object.manifest["spec"].get("volumeClaimTemplates", []):
            size = quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
            total = add(total, {"requests.storage": size, "persistentvolumeclaims": Fraction(1)})
    return total


def count_pods(context: check_context.CheckContext, pod: check_context.Pod) -> int:
    """How many of its pods there are at most, in the middle of a rollout."""
    scaler = find_autoscaler(context, pod)
    number = scaler["maxReplicas"] if scaler else pod.replicas
    if pod.release_object.kind != "Deployment":
        return number
    surge = pod.release_object.manifest["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", "25%")
    return number + resolve_percentage(surge, number)


def find_autoscaler(context: check_context.CheckContext, pod: check_context.Pod) -> dict[str, Any] | None:
    """The spec of the autoscaler of these pods; none: their number is fixed."""
    key = {"kind": pod.release_object.kind, "name": pod.release_object.name}
    scalers = (each.manifest["spec"] for each in context.list_objects("HorizontalPodAutoscaler"))
    return next((spec for spec in scalers if key.items() <= spec["scaleTargetRef"].items()), None)


def resolve_percentage(count_or_percentage: int | str, total: int) -> int:
    """A number, or a share of a number, rounded up."""
    return (
        math.ceil(total * int(count_or_percentage.removesuffix("%")) / 100)
        if isinstance(count_or_percentage, str)
        else count_or_percentage
    )


def format_amount(name: str, amount: Fraction) -> str:
    """An amount as people write it."""
    if name.rpartition(".")[2] == "cpu":
        return quantity.format_cpu(amount)
    if name.rpartition(".")[2] in ("memory", "ephemeral-storage", "storage"):
        return quantity.format_size(amount)
    return str(math.ceil(amount))
