"""The quota of a namespace in a shared cluster: the maximum usage of the application, and a third more.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from seaway.kubernetes.api import kinds, quantity
from seaway.manifests import amounts, names, resources
from seaway.model import application
from seaway.project import environments

HEADROOM = Fraction(4, 3)
"""Room for a debugging pod, and for a job that is retried."""

ROLLOUT_FACTOR = 2
"""A Deployment does not wait for its terminating pods, and these count until they are gone: at the end of a rollout all
old pods may terminate while all new ones run.
https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/quota/v1/evaluator/core/pods.go"""

Manifest = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The resources of all pods and claims of an application."""

    pods: int
    requests: amounts.Amounts
    limits: amounts.Amounts
    claims: int
    storage: Fraction
    """Bytes of all claims."""

    def get_usage(self) -> amounts.Amounts:
        """The demand by the keys of a quota. `cpu` and `requests.cpu` are the same there."""
        return {
            **{name: amount for name, amount in self.requests.items() if "/" not in name},
            **{f"requests.{name}": amount for name, amount in self.requests.items()},
            **{f"limits.{name}": amount for name, amount in self.limits.items()},
            "pods": Fraction(self.pods),
            "persistentvolumeclaims": Fraction(self.claims),
            "requests.storage": self.storage,
        }


def build_quota_manifests(environment: environments.Environment, manifests: Iterable[Manifest]) -> list[dict[str, Any]]:
    """The quota, and a LimitRange: in a namespace with a quota, pods without requests or limits would be rejected."""
    default = resources.build_resources(application.ContainerSpec("default"))
    limit = {"type": "Container", "default": default["limits"], "defaultRequest": default["requests"]}
    specs = {
        "ResourceQuota": {"hard": compute_hard_limits(compute_demand(manifests))},
        "LimitRange": {"limits": [limit]},
    }
    return [
        names.build_shared_object(environment, kind, names.QUOTA_NAME) | {"spec": spec} for kind, spec in specs.items()
    ]


def compute_hard_limits(demand: Demand) -> dict[str, str]:
    """The limits of the quota, rounded up to readable numbers."""
    rounding: dict[str, Callable[[Fraction], object]] = {
        "requests.cpu": quantity.round_cpu,
        "requests.memory": quantity.round_size,
        "limits.memory": quantity.round_size,
        "pods": quantity.round_count,
        "persistentvolumeclaims": quantity.round_count,
        "requests.storage": quantity.round_size,
        **{f"requests.{name}": quantity.round_count for name in sorted(demand.limits) if "/" in name},
    }
    usage = demand.get_usage()
    return {key: str(round_(usage.get(key, Fraction(0)) * HEADROOM)) for key, round_ in rounding.items()}


def compute_demand(manifests: Iterable[Manifest], *, in_rollout: bool = True) -> Demand:
    """The demand of all workloads, with every job running.

    ``in_rollout``: the maximum, with autoscalers at their limit and all Deployments in a rollout; otherwise the
    declared number of pods. A DaemonSet counts one pod: the number of nodes is unknown.
    """
    manifests = list(manifests)
    scaled = {
        (spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]): spec["maxReplicas"]
        for spec in (manifest["spec"] for manifest in manifests if manifest["kind"] == "HorizontalPodAutoscaler")
    }
    pods, claims, storage = 0, 0, Fraction(0)
    requests: amounts.Amounts = {}
    limits: amounts.Amounts = {}
    for manifest in manifests:
        template = kinds.find_pod_template(manifest)
        if template is None:
            continue
        spec, kind = manifest["spec"], manifest["kind"]
        replicas = spec.get("replicas", 1)
        count = replicas
        if in_rollout:
            count = scaled.get((kind, manifest["metadata"]["name"]), replicas)
            count *= ROLLOUT_FACTOR if kind == "Deployment" else 1
        pods += count
        pod_spec = template["spec"]
        requests = amounts.add(requests, amounts.multiply(count, amounts.sum_pod_resources(pod_spec, "requests")))
        limits = amounts.add(limits, amounts.multiply(count, amounts.sum_pod_resources(pod_spec, "limits")))
        for claim in spec.get("volumeClaimTemplates", ()):
            claims += replicas
            storage += replicas * quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
    return Demand(pods=pods, requests=requests, limits=limits, claims=claims, storage=storage)
