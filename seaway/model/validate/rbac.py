"""Rules about ``kubernetesApi``: the access of a workload to the objects of its namespace.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

import re
from collections.abc import Mapping

from seaway.model import application
from seaway.model import rbac as model_rbac
from seaway.syntax import decode, diagnosis

_NAMESPACED: Mapping[str, str] = {
    "": "bindings configmaps endpoints events limitranges persistentvolumeclaims pods podtemplates"
    " replicationcontrollers resourcequotas secrets serviceaccounts services",
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "networking.k8s.io": "ingresses networkpolicies",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "rolebindings roles",
}
RESOURCE_GROUPS = {resource: group for group, resources in _NAMESPACED.items() for resource in resources.split()}
"""The group of each namespaced resource of Kubernetes; empty: the core group."""

_CLUSTER_SCOPED = (
    "clusterrolebindings clusterroles customresourcedefinitions ingressclasses namespaces nodes persistentvolumes"
    " priorityclasses storageclasses"
)
CLUSTER_SCOPED_RESOURCES = frozenset(_CLUSTER_SCOPED.split())
"""Resources outside of namespaces: a Role has no effect on them."""

_RESOURCE = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9][-a-z0-9.]*)?(/[a-z]+)?")
_EXAMPLES = "pods, pods/log, deployments.apps"


def check_workload(workload: application.AnyWorkload, workload_part: diagnosis.Part) -> diagnosis.Diagnostics:
    """Each key names a namespaced resource, and each verb exists."""
    verbs_hint = f"name the verbs: {', '.join(model_rbac.VERBS)}"
    for key, verbs in workload.kubernetes_api.items():
        part = workload_part.at("kubernetesApi", key)
        yield from _check_resource(key, part)
        if not verbs:
            yield part.report("missing-value", "allows nothing", verbs_hint)
        for index, verb in enumerate(verbs):
            if verb == "*":
                message = "* allows everything, including the verbs that later versions add"
                yield part.at(index).report("wildcard", message, verbs_hint)
            elif verb not in (*model_rbac.VERBS, *model_rbac.ESCALATION_VERBS):
                hint = decode.suggest_name(verb, model_rbac.VERBS)
                yield part.at(index).report("unknown-verb", f"{diagnosis.quote(verb)} is not a verb", hint)


def _check_resource(key: str, part: diagnosis.Part) -> diagnosis.Diagnostics:
    qualified, slash, subresource = key.partition("/")
    resource, point, _ = qualified.partition(".")
    if "*" in key:
        message = f"{key} selects all resources, including those installed later"
        yield part.report("wildcard", message, f"name the resources: {_EXAMPLES}")
    elif not _RESOURCE.fullmatch(key):
        hint = f"write its plural in lower case, with its group: {_EXAMPLES}"
        yield part.report("invalid-resource", f"{diagnosis.quote(key)} is not a valid resource", hint)
    elif resource in CLUSTER_SCOPED_RESOURCES:
        message = f"{resource} do not belong to a namespace, and an application has access to its own namespace only"
        hint = "remove it; an administrator of the cluster can bind a ClusterRole to the account"
        yield part.report("cluster-scoped", message, hint)
    elif not point and RESOURCE_GROUPS.get(resource) != "":
        group = RESOURCE_GROUPS.get(resource)
        hint = decode.suggest_name(resource, _NAMESPACED[""].split())
        hint = f"write {resource}.{group}{slash}{subresource}" if group else hint
        yield part.report("unknown-resource", f"the core group has no resource {resource}", hint)
