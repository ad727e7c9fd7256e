"""Which nodes pods may run on, and what they push aside there.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

from collections.abc import Sequence
from typing import Any

from seaway.manifests import names
from seaway.model import application, scheduling

TPU_RESOURCE = "google.com/tpu"
"""https://cloud.google.com/kubernetes-engine/docs/how-to/tpus"""


def build_pod_affinity(
    scope: names.Scope, workload: application.WorkloadSpec, name: str, sharers: Sequence[str]
) -> dict[str, Any]:
    """The nodes of the stores whose disks it shares: a disk is mounted on one node at a time. A store that is replaced
    prefers the node of its ``sharers``, who still hold its disk there.

    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
    """

    def term(other: str) -> dict[str, Any]:
        selected = {"matchLabels": names.build_selector(scope, other)}
        return {"labelSelector": selected, "topologyKey": "kubernetes.io/hostname"}

    terms: dict[str, Any] = {}
    if there := sorted({share.store for share in workload.shared_volumes} - {name}):
        terms["requiredDuringSchedulingIgnoredDuringExecution"] = [term(store) for store in there]
    if sharers:
        weighted = [{"weight": 100, "podAffinityTerm": term(other)} for other in sharers]
        terms["preferredDuringSchedulingIgnoredDuringExecution"] = weighted
    return {"affinity": {"podAffinity": terms}} if terms else {}


def build_placement(workload: application.WorkloadSpec) -> dict[str, Any]:
    """The part of a pod's spec that says where. Nodes with accelerators are kept for those who ask for one: their
    taint is tolerated by such pods, and by no others."""
    asked = [one.resources for one in (workload, *workload.sidecars, *workload.init)]
    nodes = dict(workload.node_selector)
    for one in asked:
        if one.tpu is not None:
            nodes |= {
                scheduling.TPU_NODE_LABELS["accelerator"]: one.tpu.accelerator,
                scheduling.TPU_NODE_LABELS["topology"]: one.tpu.topology,
            }
    taints = {one.gpu.resource for one in asked if one.gpu is not None} | {
        TPU_RESOURCE for one in asked if one.tpu is not None
    }
    tolerations = [
        found
        for text in dict.fromkeys(workload.tolerations)
        if (found := scheduling.parse_toleration(text)) is not None
    ]
    tolerations += [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in sorted(taints)]
    spec: dict[str, Any] = {}
    if workload.priority_class is not None:
        spec["priorityClassName"] = workload.priority_class
    if nodes:
        spec["nodeSelector"] = dict(sorted(nodes.items()))
    if tolerations:
        spec["tolerations"] = tolerations
    return spec
