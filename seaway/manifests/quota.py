"""The fence around a namespace in a shared cluster: what the application can use at most, and a third more.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

import dataclasses
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from seaway.kubernetes.api import quantity
from seaway.manifests import amounts, names, resources, workloads
from seaway.model import application

MORE = Fraction(4, 3)
"""A pod by hand, to look into something, and a job that is tried again find room."""

TWICE = 2
"""A rollout runs all new pods while the last old ones still say goodbye: they count until they are gone."""

Manifest = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What an application can use at most."""

    pods: int
    requests: amounts.Amounts
    """Of all those pods, by resource."""
    limits: amounts.Amounts
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
    requests: amounts.Amounts = {}
    limits: amounts.Amounts = {}
    for one in found:
        template = workloads.template(one)
        if template is None:
            continue
        number = _pods(one, scaled)
        pods += number
        requests = amounts.plus(requests, amounts.times(number, amounts.of_pod(template["spec"], "requests")))
        limits = amounts.plus(limits, amounts.times(number, amounts.of_pod(template["spec"], "limits")))
        for claim in one["spec"].get("volumeClaimTemplates", ()):
            replicas = one["spec"].get("replicas", 1)
            claims += replicas
            storage += replicas * quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
    return Demand(pods=pods, requests=requests, limits=limits, claims=claims, storage=storage)


def _pods(one: Manifest, scaled: Mapping[str, int]) -> int:
    spec, name = one["spec"], one["metadata"]["name"]
    match one["kind"]:
        case "Deployment":
            return TWICE * scaled.get(name, spec.get("replicas", 1))
        case "StatefulSet":
            return spec.get("replicas", 1)
        case _:
            return 1
