"""Node selection, tolerations, priority, and affinity to the nodes of shared volumes.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
"""

from typing import Any

from seaway.manifests import availability, names
from seaway.model import application, scheduling
from seaway.project import environments

TPU_RESOURCE = "google.com/tpu"
"""https://cloud.google.com/kubernetes-engine/docs/how-to/tpus"""


def build_pod_affinity(environment: environments.Environment, workload: application.AnyWorkload) -> dict[str, Any]:
    """Affinity to the stores whose volumes it shares: a volume is mounted on one node at a time. A store that is
    replaced prefers the node of the services that still hold its volume.

    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
    """

    def build_term(name: str) -> dict[str, Any]:
        return {
            "labelSelector": names.build_selector(environment, name),
            "topologyKey": availability.HOSTNAME_LABEL,
        }

    stores = {shared_volume.store for shared_volume in workload.shared_volumes} - {workload.name}
    sharing_services = [
        service.name
        for service in environment.app.services
        if any(shared_volume.store == workload.name for shared_volume in service.shared_volumes)
    ]
    terms: dict[str, Any] = {}
    if stores:
        terms["requiredDuringSchedulingIgnoredDuringExecution"] = [build_term(store) for store in sorted(stores)]
    if sharing_services:
        terms["preferredDuringSchedulingIgnoredDuringExecution"] = [
            {"weight": 100, "podAffinityTerm": build_term(service)} for service in sorted(sharing_services)
        ]
    return {"affinity": {"podAffinity": terms}} if terms else {}


def build_placement(workload: application.AnyWorkload) -> dict[str, Any]:
    """Priority, node selector and tolerations. Nodes with accelerators are tainted: only pods that request one tolerate
    the taint."""
    node_selector = dict(workload.node_selector)
    taints: set[str] = set()
    for container_spec in workload.list_containers():
        resources = container_spec.resources
        if (tpu := resources.tpu) is not None:
            node_selector[scheduling.TPU_NODE_LABELS["accelerator"]] = tpu.accelerator
            node_selector[scheduling.TPU_NODE_LABELS["topology"]] = tpu.topology
            taints.add(TPU_RESOURCE)
        if resources.gpu is not None:
            taints.add(resources.gpu.resource)
    declared = [scheduling.parse_toleration(text) for text in dict.fromkeys(workload.tolerations)]
    tolerations = [toleration for toleration in declared if toleration is not None]
    tolerations += [{"key": taint, "operator": "Exists", "effect": "NoSchedule"} for taint in sorted(taints)]
    spec: dict[str, Any] = {}
    if workload.priority_class is not None:
        spec["priorityClassName"] = workload.priority_class
    if node_selector:
        spec["nodeSelector"] = dict(sorted(node_selector.items()))
    if tolerations:
        spec["tolerations"] = tolerations
    return spec
