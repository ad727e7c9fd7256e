"""The autoscaler of a service: more pods under load within seconds, fewer only when the load has been gone for long.

https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
"""

from typing import Annotated, Any

from seaway.manifests import names
from seaway.model import application
from seaway.model.validate import scaling
from seaway.syntax.field_help import Doc, Why

CPU = 70
"""Percent, where nothing is said."""

UP: Annotated[
    list[dict[str, Any]],
    Doc("how fast pods are added: twice as many, or four more, every 15 seconds, whichever is more"),
    Why("a rush is answered at once: too many pods cost little, too few cost requests"),
] = [
    {"type": "Percent", "value": 100, "periodSeconds": 15},
    {"type": "Pods", "value": 4, "periodSeconds": 15},
]

DOWN: Annotated[
    list[dict[str, Any]],
    Doc("how fast pods are taken away: one, or a tenth of them, every minute, whichever is more"),
    Why("what was taken away by mistake is missed by few requests, and comes back at once"),
] = [
    {"type": "Pods", "value": 1, "periodSeconds": 60},
    {"type": "Percent", "value": 10, "periodSeconds": 60},
]

QUIET: Annotated[
    int,
    Doc("seconds that the load must have been lower before a pod is taken away"),
    Why("the next wave of requests finds the pods of the one before"),
] = 300


def autoscaler(scope: names.Scope, each: application.Service) -> dict[str, Any]:
    """Looks at the main container alone: a sidecar that idles, or is busy with itself, says nothing about the load."""
    targets = {"cpu": each.scale.cpu, "memory": each.scale.memory}
    shares = {name: scaling.percent(said) for name, said in targets.items() if said is not None} or {"cpu": CPU}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": names.metadata(scope, each.name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": each.name},
            "minReplicas": each.scale.min,
            "maxReplicas": each.scale.max,
            "metrics": [
                {
                    "type": "ContainerResource",
                    "containerResource": {
                        "name": name,
                        "container": each.name,
                        "target": {"type": "Utilization", "averageUtilization": share},
                    },
                }
                for name, share in sorted(shares.items())
            ],
            "behavior": {
                "scaleUp": _pace(0, UP),
                "scaleDown": _pace(QUIET, DOWN),
            },
        },
    }


def annotation(each: application.Service) -> dict[str, str]:
    """On the Deployment: who decides about its replicas. With it, each switch between the two is a change of the
    Deployment, also where its number is the same: going back to a fixed number then writes that number."""
    return {} if each.scale.max is None else {names.SCALE: f"{each.scale.min}-{each.scale.max}"}


def _pace(seconds: int, policies: list[dict[str, Any]]) -> dict[str, Any]:
    # Copies: YAML would write what is the same in two autoscalers once, with an anchor.
    copies = [dict(one) for one in policies]
    return {"stabilizationWindowSeconds": seconds, "selectPolicy": "Max", "policies": copies}
