"""What a workload may do with the objects of its namespace: `kubernetesApi`, read and checked.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

import re
from collections.abc import Iterator, Mapping

from seaway.model import application
from seaway.model import rbac as facts
from seaway.syntax import decode, diagnosis

CORE_RESOURCES = (
    "bindings",
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "persistentvolumeclaims",
    "pods",
    "podtemplates",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
)
"""What needs no group."""

RESOURCE_GROUPS: Mapping[str, str] = {
    "controllerrevisions": "apps",
    "cronjobs": "batch",
    "daemonsets": "apps",
    "deployments": "apps",
    "endpointslices": "discovery.k8s.io",
    "horizontalpodautoscalers": "autoscaling",
    "ingresses": "networking.k8s.io",
    "jobs": "batch",
    "leases": "coordination.k8s.io",
    "networkpolicies": "networking.k8s.io",
    "poddisruptionbudgets": "policy",
    "replicasets": "apps",
    "rolebindings": "rbac.authorization.k8s.io",
    "roles": "rbac.authorization.k8s.io",
    "statefulsets": "apps",
}
"""Those of Kubernetes itself that need one."""

CLUSTER_SCOPED_RESOURCES = (
    "clusterrolebindings",
    "clusterroles",
    "customresourcedefinitions",
    "ingressclasses",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "storageclasses",
)
"""What is in no namespace: a Role that names it says nothing."""

_RESOURCE = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9][-a-z0-9.]*)?(/[a-z]+)?")
_EXAMPLES = "pods, pods/log, deployments.apps"


def check(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Each right names what it is about, and each verb is one."""
    for path, one in app.get_workloads().items():
        for key, verbs in one.kubernetes_api.items():
            at = f"{path}.kubernetesApi.{key}"
            if found := _check_resource(key):
                yield diagnosis.Diagnostic(locations.find(at), at, *found)
            if not verbs:
                yield diagnosis.Diagnostic(
                    locations.find(at), at, "allows nothing", f"name the verbs: {', '.join(facts.VERBS)}"
                )
            for number, verb in enumerate(verbs):
                place = locations.find(f"{at}.{number}")
                if verb == "*":
                    wrong = "* is everything, and what the next version adds"
                    yield diagnosis.Diagnostic(
                        place, f"{at}.{number}", wrong, f"name the verbs: {', '.join(facts.VERBS)}"
                    )
                elif verb not in (*facts.VERBS, *facts.ESCALATION_VERBS):
                    wrong = f"{diagnosis.quote(verb)} is no verb"
                    yield diagnosis.Diagnostic(place, f"{at}.{number}", wrong, decode.suggest_name(verb, facts.VERBS))


def _check_resource(key: str) -> tuple[str, str] | None:
    """What is wrong with it, and what to do."""
    if "*" in key:
        return f"{key} is everything, and what is installed next year", f"name the resources: {_EXAMPLES}"
    if not _RESOURCE.fullmatch(key):
        remedy = f"write its plural in small letters, with its group: {_EXAMPLES}"
        return f"{diagnosis.quote(key)} is no resource", remedy
    named, slash, below = key.partition("/")
    resource, point, _ = named.partition(".")
    if resource in CLUSTER_SCOPED_RESOURCES:
        remedy = "remove it; who runs the cluster may bind a ClusterRole to the account"
        return f"{resource} are in no namespace, and the application has rights in its own only", remedy
    if point or resource in CORE_RESOURCES:
        return None
    if resource in RESOURCE_GROUPS:
        remedy = f"write {resource}.{RESOURCE_GROUPS[resource]}{slash}{below}"
        return f"there are no {resource} in the core group", remedy
    return f"there are no {resource} in the core group", decode.suggest_name(resource, CORE_RESOURCES)
