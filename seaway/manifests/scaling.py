"""The autoscaler of a service: it adds pods within seconds, and removes them only after a long time of low load.

https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
"""

from typing import Annotated, Any

from seaway.kubernetes.api import quantity
from seaway.manifests import names
from seaway.model import application
from seaway.project import environments
from seaway.syntax.field_help import Help, Rationale

DEFAULT_CPU_PERCENT = 70
"""The target if the service declares none."""

SCALE_UP_POLICIES: Annotated[
    list[dict[str, Any]],
    Help("limits for adding pods: 100 percent or 4 pods every 15 seconds, the larger one"),
    Rationale("a sudden load is served at once: too many pods cost little, too few cost requests"),
] = [
    {"type": "Percent", "value": 100, "periodSeconds": 15},
    {"type": "Pods", "value": 4, "periodSeconds": 15},
]

SCALE_DOWN_POLICIES: Annotated[
    list[dict[str, Any]],
    Help("limits for removing pods: 1 pod or 10 percent every minute, the larger one"),
    Rationale("a pod that is removed too early affects few requests, and is replaced at once"),
] = [
    {"type": "Pods", "value": 1, "periodSeconds": 60},
    {"type": "Percent", "value": 10, "periodSeconds": 60},
]

SCALE_DOWN_STABILIZATION_SECONDS: Annotated[
    int,
    Help("seconds of lower load before a pod is removed"),
    Rationale("the pods are still there for the next wave of requests"),
] = 300


def build_autoscaler(environment: environments.Environment, workload: application.Service) -> dict[str, Any]:
    """The autoscaler. It measures the main container only: the usage of sidecars is unrelated to the load."""
    declared = {"cpu": workload.scale.cpu, "memory": workload.scale.memory}
    targets = {name: quantity.parse_percent(target) for name, target in declared.items() if target is not None}
    return names.build_object(environment, "HorizontalPodAutoscaler", workload.name) | {
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name},
            "minReplicas": workload.scale.min,
            "maxReplicas": workload.scale.max,
            "metrics": [
                {
                    "type": "ContainerResource",
                    "containerResource": {
                        "name": name,
                        "container": workload.name,
                        "target": {"type": "Utilization", "averageUtilization": target},
                    },
                }
                for name, target in sorted((targets or {"cpu": DEFAULT_CPU_PERCENT}).items())
            ],
            "behavior": {
                "scaleUp": _build_scaling_rules(0, SCALE_UP_POLICIES),
                "scaleDown": _build_scaling_rules(SCALE_DOWN_STABILIZATION_SECONDS, SCALE_DOWN_POLICIES),
            },
        }
    }


def build_scale_annotation(workload: application.Service) -> dict[str, str]:
    """An annotation of the Deployment while an autoscaler sets its replicas. So each switch between a fixed number and
    an autoscaler changes the Deployment, even if the number is the same, and a fixed number is written again."""
    return {} if workload.scale.max is None else {names.SCALE_ANNOTATION: f"{workload.scale.min}-{workload.scale.max}"}


def _build_scaling_rules(seconds: int, policies: list[dict[str, Any]]) -> dict[str, Any]:
    # Copies: YAML would write the policies of a second autoscaler as a reference to the first.
    copies = [dict(policy) for policy in policies]
    return {"stabilizationWindowSeconds": seconds, "selectPolicy": "Max", "policies": copies}
