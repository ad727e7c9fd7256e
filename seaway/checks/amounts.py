"""The arithmetic of what an application may ask for: a container, a pod, and everything at its largest."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from seaway.checks import subject
from seaway.model import quantity

Amounts = Mapping[str, Fraction]
"""By resource: ``cpu`` in cores, ``memory`` in bytes, ``nvidia.com/gpu`` as a number."""


def of_pod(spec: Mapping[str, Any], kind: str = "requests") -> Amounts:
    """What one pod asks for: what runs at once, and a moment before it each init container beside the sidecars so far.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    beside: Amounts = {}
    peak: Amounts = {}
    for each in spec.get("initContainers", []):
        asked = _asked(each, kind)
        now = plus(beside, asked)
        if each.get("restartPolicy") == "Always":
            beside = now
        peak = _larger(peak, now)
    return _larger(peak, plus(beside, *(_asked(each, kind) for each in spec["containers"])))


def most(seen: subject.Subject) -> Amounts:
    """What all of it may ask for at once, in the words of a quota.

    Autoscalers at their maximum, every job running, and the pods that a rollout adds. Of what runs on each node one pod
    is counted: how many nodes there are is not known. https://kubernetes.io/docs/concepts/policy/resource-quotas/
    """
    return _total(seen, pods)


def least(seen: subject.Subject) -> Amounts:
    """What all of it asks for when nothing is going on; a job is running now and then."""
    return _total(seen, lambda _, pod: pod.number)


def _total(seen: subject.Subject, number: Callable[[subject.Subject, subject.Pod], int]) -> Amounts:
    total: Amounts = {}
    for pod in seen.pods:
        asked = {kind: of_pod(pod.spec, kind) for kind in ("requests", "limits")}
        named = {f"{kind}.{name}": amount for kind, each in asked.items() for name, amount in each.items()}
        # A quota may leave out `requests.`.
        short = {name: amount for name, amount in asked["requests"].items() if "/" not in name}
        all_ = {**named, **short, "pods": Fraction(1)}
        total = plus(total, {name: amount * number(seen, pod) for name, amount in all_.items()})
        for claim in pod.object.manifest["spec"].get("volumeClaimTemplates", []):
            size = quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
            total = plus(total, {"requests.storage": size, "persistentvolumeclaims": Fraction(1)})
    return total


def pods(seen: subject.Subject, pod: subject.Pod) -> int:
    """How many of its pods there are at most, in the middle of a rollout."""
    scaler = autoscaler(seen, pod)
    number = scaler["maxReplicas"] if scaler else pod.number
    if pod.object.kind != "Deployment":
        return number
    surge = pod.object.manifest["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", "25%")
    return number + part(surge, number)


def autoscaler(seen: subject.Subject, pod: subject.Pod) -> dict[str, Any] | None:
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


def plus(*all_: Amounts) -> Amounts:
    """Added, resource by resource."""
    names = dict.fromkeys(name for each in all_ for name in each)
    return {name: sum((each.get(name, Fraction(0)) for each in all_), Fraction(0)) for name in names}


def _asked(container: Mapping[str, Any], kind: str) -> Amounts:
    resources = container.get("resources", {})
    said = resources.get(kind, {})
    if kind == "requests":
        # What is limited and not asked for, is asked for up to the limit: so accelerators are written.
        said = {**resources.get("limits", {}), **said}
    return {name: quantity.parse(text) for name, text in said.items()}


def _larger(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, Fraction(0)), other.get(name, Fraction(0))) for name in {**one, **other}}
