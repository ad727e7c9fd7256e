"""The kinds of objects that Seaway reads or writes: API version, plural, scope, and the path of the pod template."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from seaway.kubernetes.api import unstructured


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object."""

    api_version: str
    plural: str
    """As in the paths of the API."""
    pod_template: tuple[str, ...] = ()
    """Path of the pod template; empty if the kind has none."""
    namespaced: bool = dataclasses.field(default=True, kw_only=True)
    managed: bool = dataclasses.field(default=False, kw_only=True)
    """Whether Seaway writes objects of this kind into the application's namespace."""


_TEMPLATE = ("spec", "template")

GATEWAY_API = "gateway.networking.k8s.io/v1"
"""Not part of Kubernetes: a cluster has it if its custom resource definitions are installed.
https://gateway-api.sigs.k8s.io/"""

ROUTE_KINDS = ("HTTPRoute", "GRPCRoute")
"""The kinds that route requests of a Gateway to Services."""

KINDS: Mapping[str, Kind] = {
    "ConfigMap": Kind("v1", "configmaps", managed=True),
    "Secret": Kind("v1", "secrets", managed=True),
    "Service": Kind("v1", "services", managed=True),
    "ServiceAccount": Kind("v1", "serviceaccounts", managed=True),
    "Deployment": Kind("apps/v1", "deployments", _TEMPLATE, managed=True),
    "StatefulSet": Kind("apps/v1", "statefulsets", _TEMPLATE, managed=True),
    "DaemonSet": Kind("apps/v1", "daemonsets", _TEMPLATE, managed=True),
    "Job": Kind("batch/v1", "jobs", _TEMPLATE, managed=True),
    "CronJob": Kind("batch/v1", "cronjobs", ("spec", "jobTemplate", *_TEMPLATE), managed=True),
    "Role": Kind("rbac.authorization.k8s.io/v1", "roles", managed=True),
    "RoleBinding": Kind("rbac.authorization.k8s.io/v1", "rolebindings", managed=True),
    "PodDisruptionBudget": Kind("policy/v1", "poddisruptionbudgets", managed=True),
    "NetworkPolicy": Kind("networking.k8s.io/v1", "networkpolicies", managed=True),
    "Ingress": Kind("networking.k8s.io/v1", "ingresses", managed=True),
    "HTTPRoute": Kind(GATEWAY_API, "httproutes", managed=True),
    "GRPCRoute": Kind(GATEWAY_API, "grpcroutes", managed=True),
    "Gateway": Kind(GATEWAY_API, "gateways", managed=True),
    "HorizontalPodAutoscaler": Kind("autoscaling/v2", "horizontalpodautoscalers", managed=True),
    "ResourceQuota": Kind("v1", "resourcequotas", managed=True),
    "LimitRange": Kind("v1", "limitranges", managed=True),
    "PersistentVolumeClaim": Kind("v1", "persistentvolumeclaims"),
    "ReplicaSet": Kind("apps/v1", "replicasets", _TEMPLATE),
    "Pod": Kind("v1", "pods"),
    "Event": Kind("v1", "events"),
    "Namespace": Kind("v1", "namespaces", namespaced=False),
    "Node": Kind("v1", "nodes", namespaced=False),
    "ClusterRole": Kind("rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False),
    "ClusterRoleBinding": Kind("rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False),
    "StorageClass": Kind("storage.k8s.io/v1", "storageclasses", namespaced=False),
    "IngressClass": Kind("networking.k8s.io/v1", "ingressclasses", namespaced=False),
    "GatewayClass": Kind(GATEWAY_API, "gatewayclasses", namespaced=False),
    "ReferenceGrant": Kind("gateway.networking.k8s.io/v1beta1", "referencegrants"),
    "PriorityClass": Kind("scheduling.k8s.io/v1", "priorityclasses", namespaced=False),
    "APIService": Kind("apiregistration.k8s.io/v1", "apiservices", namespaced=False),
    "ClusterIssuer": Kind("cert-manager.io/v1", "clusterissuers", namespaced=False),
}

OPTIONAL_KINDS = frozenset(name for name, kind in KINDS.items() if kind.api_version.startswith("gateway."))
"""The kinds that a cluster may not know."""

MANAGED_VERSIONS: Mapping[str, str] = {name: kind.api_version for name, kind in KINDS.items() if kind.managed}
"""API version of each kind that Seaway writes into the application's namespace."""

WORKLOAD_KINDS = ("Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob")
"""The kinds that Seaway makes from a service, store or job."""


def join_path(api_version: str, plural: str, namespace: str = "", name: str = "") -> str:
    """The API path of an object, or without a name of the list. Without a namespace: cluster-scoped, or all namespaces.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
    """
    group = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = (group, f"namespaces/{namespace}" if namespace else "", plural, name)
    return "/".join(filter(None, parts))


def build_path(kind: str, namespace: str = "", name: str = "") -> str:
    """``join_path`` for a kind of the table."""
    return join_path(KINDS[kind].api_version, KINDS[kind].plural, namespace, name)


def build_log_path(namespace: str, pod: str) -> str:
    """The API path of the logs of a pod."""
    return f"{build_path('Pod', namespace, pod)}/log"


def find_pod_template(manifest: Mapping[str, Any], kind: str | None = None) -> dict[str, Any] | None:
    """The pod template of a manifest; None if its kind has none.

    Args:
        kind: the kind of an object that does not have it, as in the answer to a list request.
    """
    known = KINDS.get(kind or manifest["kind"])
    if known is None or not known.pod_template:
        return None
    *path, key = known.pod_template
    return unstructured.get_mapping(manifest, *path).get(key)
