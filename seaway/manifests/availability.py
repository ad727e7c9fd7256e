"""What keeps a service answering while nodes are drained, zones are lost and pods are replaced."""

from typing import Annotated, Any

from seaway.manifests import names
from seaway.model import application
from seaway.syntax.field_help import Help, Rationale

JOB_GRACE_SECONDS: Annotated[
    int,
    Help("seconds from SIGTERM to SIGKILL of a job"),
    Rationale("what it has begun is rolled back, or comes to its end"),
] = 25

MIN_SPREAD_NODES = 2
"""Nodes that `spread: require` asks for. Without a number, a cluster with one node that fits would run all pods there.
https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#spread-constraint-definition"""

ZONE_LABEL, HOSTNAME_LABEL = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def build_disruption_budget(scope: names.Scope, name: str) -> dict[str, Any]:
    """One pod at a time may be evicted, and a broken one always: it must not hold up a node's drain.

    https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": names.build_metadata(scope, name),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": names.build_selector(scope, name)},
        },
    }


def build_topology_spread(scope: names.Scope, service: application.Service) -> list[dict[str, Any]]:
    """Pods go to different zones, then to different nodes, where there are some; a full cluster still runs them.

    It stands in every service's template, one pod or ten: otherwise the first change of the scale would roll all pods.
    `spread: require` is about nodes alone: where a zone is full or lost, or nodes have none, pods that wait for
    another one would make the loss of a zone worse than it is.
    """
    # A node that its pods may not run on would count as one that has none, and the next pod would wait for it for ever.
    required = {"whenUnsatisfiable": "DoNotSchedule", "minDomains": MIN_SPREAD_NODES, "nodeTaintsPolicy": "Honor"}
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": names.build_selector(scope, service.name)},
            # Counts the pods of one version: the old ones, soon gone, would push the new ones together.
            "matchLabelKeys": ["pod-template-hash"],
        }
        | (required if key == HOSTNAME_LABEL and service.spread == "require" else {})
        for key in (ZONE_LABEL, HOSTNAME_LABEL)
    ]


def build_pre_stop_sleep(seconds: int) -> dict[str, Any]:
    """The wait before SIGTERM, done by the kubelet: the image needs no shell. Kubernetes 1.30 and later."""
    return {"preStop": {"sleep": {"seconds": seconds}}}
