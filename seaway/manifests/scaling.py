"""The autoscaler of a service: more pods under load within seconds, fewer only when the load has been gone for long.

https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
"""

from typing import Annotated, Any

from seaway.kubernetes.api import quantity
from seaway.manifests import names
from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

DEFAULT_CPU_PERCENT = 70
"""Percent, where nothing is said."""

SCALE_UP_POLICIES: Annotated[
    list[dict[str, Any]],
    Help("how fast pods are added: twice as many, or four more, every 15 seconds, whichever is more"),
    Rationale("a rush is answered at once: too many pods cost little, too few cost requests"),
] = [
    {"type": "Percent", "value": 100, "periodSeconds": 15},
    {"type": "Pods", "value": 4, "periodSeconds": 15},
]

SCALE_DOWN_POLICIES: Annotated[
    list[dict[str, Any]],
    Help("how fast pods are taken away: one, or a tenth of them, every minute, whichever is more"),
    Rationale("what was taken away by mistake is missed by few requests, and comes back at once"),
] = [
    {"type": "Pods", "value": 1, "periodSeconds": 60},
    {"type": "Percent", "value": 10, "periodSeconds": 60},
]

SCALE_DOWN_STABILIZATION_SECONDS: Annotated[
    int,
    Help("seconds that the load must have been lower before a pod is taken away"),
    Rationale("the next wave of requests finds the pods of the one before"),
] = 300


def build_autoscaler(scope: names.Scope, service: application.Service) -> dict[str, Any]:
    """Looks at the main container alone: a sidecar that idles, or is busy with itself, says nothing about the load."""
    targets = {"cpu": service.scale.cpu, "memory": service.scale.memory}
    shares = {name: quantity.parse_percent(said) for name, said in targets.items() if said is not None} or {
        "cpu": DEFAULT_CPU_PERCENT
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": names.build_metadata(scope, service.name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service.name},
            "minReplicas": service.scale.min,
            "maxReplicas": service.scale.max,
            "metrics": [
                {
                    "type": "ContainerResource",
                    "containerResource": {
                        "name": name,
                        "container": service.name,
                        "target": {"type": "Utilization", "averageUtilization": share},
                    },
                }
                for name, share in sorted(shares.items())
            ],
            "behavior": {
                "scaleUp": _build_scaling_rules(0, SCALE_UP_POLICIES),
                "scaleDown": _build_scaling_rules(SCALE_DOWN_STABILIZATION_SECONDS, SCALE_DOWN_POLICIES),
            },
        },
    }


def build_scale_annotation(service: application.Service) -> dict[str, str]:
    """On the Deployment: who decides about its replicas. With it, each switch between the two is a change of the
    Deployment, also where its number is the same: going back to a fixed number then writes that number."""
    return {} if service.scale.max is None else {names.SCALE_ANNOTATION: f"{service.scale.min}-{service.scale.max}"}


def _build_scaling_rules(seconds: int, policies: list[dict[str, Any]]) -> dict[str, Any]:
    # Copies: YAML would write what is the same in two autoscalers once, with an anchor.
    copies = [dict(one) for one in policies]
    return {"stabilizationWindowSeconds": seconds, "selectPolicy": "Max", "policies": copies}
