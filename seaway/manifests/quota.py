"""The fence around a namespace in a shared cluster: what the application can use at most, and a third more.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

import dataclasses
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from seaway.manifests import names, resources, workloads
from seaway.model import application, quantity

MORE = Fraction(4, 3)
"""A pod by hand, to look into something, and a job that is tried again find room."""

TWICE = 2
"""A rollout runs all new pods while the last old ones still say goodbye: they count until they are gone."""

Manifest = Mapping[str, Any]
Amounts = Mapping[str, Fraction]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What an application can use at most."""

    pods: int
    requests: Amounts
    """Of all those pods, by resource."""
    limits: Amounts
    claims: int
    storage: Fraction
    """Bytes of all claims."""


def objects(scope: names.Scope, manifests: Iterable[Manifest]) -> list[dict[str, Any]]:
    """The quota, and what a pod has that says nothing: with a quota, one that asks for nothing would be refused."""
    default = resources.resources(application.Resources())
    limit = {"type": "Container", "default": default["limits"], "defaultRequest": default["requests"]}
    return [
        _object(scope, "ResourceQuota", {"hard": hard(demand(manifests))}),
        _object(scope, "LimitRange", {"limits": [limit]}),
    ]


def _object(scope: names.Scope, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": names.shared(scope, names.FENCE), "spec": spec}


def hard(most: Demand) -> dict[str, str]:
    """The quota's numbers, rounded up to what one can read."""
    devices = sorted(name for name in most.limits if "/" in name)
    return {
        "requests.cpu": quantity.round_cpu(most.requests.get("cpu", Fraction(0)) * MORE),
        "requests.memory": quantity.round_size(most.requests.get("memory", Fraction(0)) * MORE),
        "limits.memory": quantity.round_size(most.limits.get("memory", Fraction(0)) * MORE),
        "pods": str(quantity.round_count(most.pods * MORE)),
        "persistentvolumeclaims": str(quantity.round_count(most.claims * MORE)),
        "requests.storage": quantity.round_size(most.storage * MORE),
        **{f"requests.{name}": str(quantity.round_count(most.limits[name] * MORE)) for name in devices},
    }


def demand(manifests: Iterable[Manifest]) -> Demand:
    """All pods at their most, all jobs at once. A DaemonSet has no most: with a quota there is none."""
    found = list(manifests)
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["maxReplicas"]
        for one in found
        if one["kind"] == "HorizontalPodAutoscaler"
    }
    pods, claims, storage = 0, 0, Fraction(0)
    requests: dict[str, Fraction] = {}
    limits: dict[str, Fraction] = {}
    for one in found:
        template = workloads.template(one)
        if template is None:
            continue
        number = _pods(one, scaled)
        pods += number
        for total, kind in ((requests, "requests"), (limits, "limits")):
            for name, amount in of_pod(template["spec"], kind).items():
                total[name] = total.get(name, Fraction(0)) + number * amount
        for claim in one["spec"].get("volumeClaimTemplates", ()):
            replicas = one["spec"].get("replicas", 1)
            claims += replicas
            storage += replicas * quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
    return Demand(pods=pods, requests=requests, limits=limits, claims=claims, storage=storage)


def of_pod(spec: Manifest, kind: str) -> Amounts:
    """What a pod has of each resource, ``requests`` or ``limits``, as the scheduler and quotas count it.

    Its containers and sidecars run together. An init container runs with the sidecars before it, and the larger counts.
    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    beside: Amounts = {}
    first: Amounts = {}
    for one in spec.get("initContainers", ()):
        together = _sum(beside, _of_container(one, kind))
        if one.get("restartPolicy") == "Always":
            beside = together
        first = _larger(first, together)
    for one in spec["containers"]:
        beside = _sum(beside, _of_container(one, kind))
    return _larger(first, beside)


def _pods(one: Manifest, scaled: Mapping[str, int]) -> int:
    spec, name = one["spec"], one["metadata"]["name"]
    match one["kind"]:
        case "Deployment":
            return TWICE * scaled.get(name, spec.get("replicas", 1))
        case "StatefulSet":
            return spec.get("replicas", 1)
        case _:
            return 1


def _of_container(one: Manifest, kind: str) -> Amounts:
    stated: Mapping[str, str] = one.get("resources", {}).get(kind, {})
    return {name: quantity.parse(said) for name, said in stated.items()}


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return {name: one.get(name, Fraction(0)) + other.get(name, Fraction(0)) for name in {**one, **other}}


def _larger(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, Fraction(0)), other.get(name, Fraction(0))) for name in {**one, **other}}
