"""What fills the nodes: the resource requests of the pods of each namespace."""

import collections
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction

from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.manifests import amounts

MAX_NAMESPACES = 3
"""Namespaces in a message, those with the largest requests."""

_INSUFFICIENT = re.compile(r"Insufficient ([\w./-]+)")


def find_insufficient(message: str) -> list[str]:
    """The resources that the scheduler misses: ``cpu``."""
    return list(dict.fromkeys(_INSUFFICIENT.findall(message)))


def summarize_requests(cluster_pods: Iterable[snapshot.Object]) -> Mapping[str, str]:
    """By resource, the namespaces that request most of it: ``shop-dev 900m, kube-system 250m, others 100m``.

    Only pods that have a node and have not ended hold their requests.
    """
    totals: dict[str, dict[str, Fraction]] = collections.defaultdict(lambda: collections.defaultdict(Fraction))
    for pod in cluster_pods:
        has_ended = unstructured.get_mapping(pod, "status").get("phase") in {"Succeeded", "Failed"}
        if not has_ended and pod["spec"].get("nodeName"):
            for resource, amount in amounts.sum_pod_resources(pod["spec"]).items():
                totals[resource][pod["metadata"]["namespace"]] += amount
    return {resource: _format_largest(resource, by_namespace) for resource, by_namespace in totals.items()}


def _format_largest(resource: str, by_namespace: Mapping[str, Fraction]) -> str:
    largest = sorted(by_namespace.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = largest[:MAX_NAMESPACES]
    if rest := sum((amount for _, amount in largest[MAX_NAMESPACES:]), Fraction(0)):
        rows.append(("others", rest))
    return ", ".join(f"{name} {amounts.format_amount(resource, amount)}" for name, amount in rows)
