"""The fence around a namespace in a shared cluster: what the application can use at most, and a third more.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

import dataclasses
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from seaway.kubernetes.api import kinds, quantity
from seaway.manifests import amounts, names, resources
from seaway.model import application

HEADROOM = Fraction(4, 3)
"""A pod by hand, to look into something, and a job that is tried again find room."""

ROLLOUT_FACTOR = 2
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


def build_quota_manifests(scope: names.Scope, manifests: Iterable[Manifest]) -> list[dict[str, Any]]:
    """The quota, and what a pod has that says nothing: with a quota, one that asks for nothing would be refused."""
    default = resources.build_resources(application.Resources())
    limit = {"type": "Container", "default": default["limits"], "defaultRequest": default["requests"]}
    return [
        _build_manifest(scope, "ResourceQuota", {"hard": compute_hard_limits(compute_demand(manifests))}),
        _build_manifest(scope, "LimitRange", {"limits": [limit]}),
    ]


def _build_manifest(scope: names.Scope, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": names.build_shared_metadata(scope, names.QUOTA_NAME),
        "spec": spec,
    }


def compute_hard_limits(demand: Demand) -> dict[str, str]:
    """The quota's numbers, rounded up to what one can read."""
    devices = sorted(name for name in demand.limits if "/" in name)
    return {
        "requests.cpu": quantity.round_cpu(demand.requests.get("cpu", Fraction(0)) * HEADROOM),
        "requests.memory": quantity.round_size(demand.requests.get("memory", Fraction(0)) * HEADROOM),
        "limits.memory": quantity.round_size(demand.limits.get("memory", Fraction(0)) * HEADROOM),
        "pods": str(quantity.round_count(demand.pods * HEADROOM)),
        "persistentvolumeclaims": str(quantity.round_count(demand.claims * HEADROOM)),
        "requests.storage": quantity.round_size(demand.storage * HEADROOM),
        **{f"requests.{name}": str(quantity.round_count(demand.limits[name] * HEADROOM)) for name in devices},
    }


def compute_demand(manifests: Iterable[Manifest]) -> Demand:
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
        template = kinds.find_pod_template(one)
        if template is None:
            continue
        number = _count_pods(one, scaled)
        pods += number
        requests = amounts.add(
            requests, amounts.multiply(number, amounts.sum_pod_resources(template["spec"], "requests"))
        )
        limits = amounts.add(limits, amounts.multiply(number, amounts.sum_pod_resources(template["spec"], "limits")))
        for claim in one["spec"].get("volumeClaimTemplates", ()):
            replicas = one["spec"].get("replicas", 1)
            claims += replicas
            storage += replicas * quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
    return Demand(pods=pods, requests=requests, limits=limits, claims=claims, storage=storage)


def _count_pods(manifest: Manifest, scaled: Mapping[str, int]) -> int:
    spec, name = manifest["spec"], manifest["metadata"]["name"]
    match manifest["kind"]:
        case "Deployment":
            return ROLLOUT_FACTOR * scaled.get(name, spec.get("replicas", 1))
        case "StatefulSet":
            return spec.get("replicas", 1)
        case _:
            return 1
