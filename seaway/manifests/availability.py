"""Fields that keep a service available while nodes are drained, zones are lost and pods are replaced."""

from typing import Annotated, Any

from seaway.manifests import names
from seaway.model import application
from seaway.project import environments
from seaway.syntax.field_help import Help, Rationale

JOB_GRACE_SECONDS: Annotated[
    int,
    Help("seconds from SIGTERM to SIGKILL of a job"),
    Rationale("the job can finish its current step, or roll it back"),
] = 25

MIN_SPREAD_NODES = 2
"""Number of nodes that `spread: require` needs. Without it, a cluster with one suitable node would run all pods there.
https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#spread-constraint-definition"""

ZONE_LABEL, HOSTNAME_LABEL = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def build_disruption_budget(environment: environments.Environment, workload: application.Service) -> dict[str, Any]:
    """A drain evicts one pod at a time, and an unhealthy pod always: it must not block the drain of a node.

    https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy
    """
    return names.build_object(environment, "PodDisruptionBudget", workload.name) | {
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": names.build_selector(environment, workload.name),
        }
    }


def build_topology_spread(environment: environments.Environment, workload: application.Service) -> list[dict[str, Any]]:
    """Spread pods over zones, then over nodes, if possible; a full cluster still runs them.

    It is part of every service's template, whatever its scale: otherwise the first change of the scale would replace
    all pods. `spread: require` applies to nodes only: if a zone is full or lost, or nodes have no zone, pods that wait
    for another zone would make the outage worse.
    """
    # A node that the pods cannot use would count as an empty one, and the next pod would wait for it forever.
    required = {"whenUnsatisfiable": "DoNotSchedule", "minDomains": MIN_SPREAD_NODES, "nodeTaintsPolicy": "Honor"}
    return [
        {
            "maxSkew": 1,
            "topologyKey": label,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": names.build_selector(environment, workload.name),
            # Count the pods of one version only: old pods, soon gone, would crowd the new ones together.
            "matchLabelKeys": ["pod-template-hash"],
        }
        | (required if label == HOSTNAME_LABEL and workload.spread == "require" else {})
        for label in (ZONE_LABEL, HOSTNAME_LABEL)
    ]
