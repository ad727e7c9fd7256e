"""The quota of a namespace in a shared cluster: the maximum usage of the application, and a third more.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

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


def build_quota_manifests(environment: environments.Environment, manifests: Iterable[Manifest]) -> list[dict[str, Any]]:
    """The quota, and a LimitRange: in a namespace with a quota, pods without requests or limits would be rejected."""
    default = resources.build_resources(application.ContainerSpec("default"))
    limit = {"type": "Container", "default": default["limits"], "defaultRequest": default["requests"]}
    specs = {
        "ResourceQuota": {"hard": _compute_hard_limits(compute_usage(manifests))},
        "LimitRange": {"limits": [limit]},
    }
    return [
        names.build_shared_object(environment, kind, names.QUOTA_NAME) | {"spec": spec} for kind, spec in specs.items()
    ]


def _compute_hard_limits(usage: amounts.Amounts) -> dict[str, str]:
    """The limits of the quota, rounded up to readable numbers."""
    devices = sorted(name for name in usage if name.startswith("requests.") and "/" in name)
    rounding: dict[str, Callable[[Fraction], object]] = {
        "requests.cpu": quantity.round_cpu,
        "requests.memory": quantity.round_size,
        "limits.memory": quantity.round_size,
        "pods": quantity.round_count,
        "persistentvolumeclaims": quantity.round_count,
        "requests.storage": quantity.round_size,
        **dict.fromkeys(devices, quantity.round_count),
    }
    return {key: str(round_(usage.get(key, Fraction(0)) * HEADROOM)) for key, round_ in rounding.items()}


def compute_usage(manifests: Iterable[Manifest], *, in_rollout: bool = True) -> amounts.Amounts:
    """The resources of all pods and claims with every job running, by the keys of a quota.

    ``in_rollout``: the maximum, with autoscalers at their limit and all Deployments in a rollout; otherwise the
    declared number of pods. A DaemonSet counts one pod: the number of nodes is unknown.
    """
    manifests = list(manifests)
    scaled = {
        (spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]): spec["maxReplicas"]
        for spec in (manifest["spec"] for manifest in manifests if manifest["kind"] == "HorizontalPodAutoscaler")
    }
    usage: amounts.Amounts = {}
    for manifest in manifests:
        template = kinds.find_pod_template(manifest)
        if template is None:
            continue
        spec, kind = manifest["spec"], manifest["kind"]
        replicas = count = spec.get("replicas", 1)
        if in_rollout:
            count = scaled.get((kind, manifest["metadata"]["name"]), replicas)
            count *= ROLLOUT_FACTOR if kind == "Deployment" else 1
        usage = amounts.add(usage, amounts.multiply(count, _compute_pod_usage(template["spec"])))
        for claim in spec.get("volumeClaimTemplates", ()):
            storage = quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
            claim_usage = {"persistentvolumeclaims": Fraction(1), "requests.storage": storage}
            usage = amounts.add(usage, amounts.multiply(replicas, claim_usage))
    return usage


def _compute_pod_usage(pod_spec: Mapping[str, Any]) -> amounts.Amounts:
    """`cpu` and `requests.cpu` are the same in a quota. A device has only the longer key."""
    requests, limits = (amounts.sum_pod_resources(pod_spec, kind) for kind in ("requests", "limits"))
    return {
        "pods": Fraction(1),
        **{name: amount for name, amount in requests.items() if "/" not in name},
        **{f"requests.{name}": amount for name, amount in requests.items()},
        **{f"limits.{name}": amount for name, amount in limits.items()},
    }
