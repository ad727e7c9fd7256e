"""The RBAC rules of a workload (``kubernetesApi``).

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from seaway.model import application

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
ESCALATION_VERBS = ("bind", "escalate", "impersonate")
"""Verbs that grant further rights: accepted, but never suggested."""

BUILT_IN_GROUPS = frozenset(
    (
        "admissionregistration.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "metrics.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    )
)
"""Groups of Kubernetes with a point in their name. The resources of other ones belong to a controller."""


def build_policy_rules(workload: application.WorkloadSpec) -> list[dict[str, list[str]]]:
    """The rules of its Role, sorted. The keys of a workload are in kubectl's form: `deployments.apps/scale`."""
    rules: list[dict[str, list[str]]] = []
    for key in sorted(workload.kubernetes_api):
        qualified, slash, subresource = key.partition("/")
        resource, _, group = qualified.partition(".")
        verbs = sorted(set(workload.kubernetes_api[key]), key=(*VERBS, *ESCALATION_VERBS).index)
        rules.append({"apiGroups": [group], "resources": [f"{resource}{slash}{subresource}"], "verbs": verbs})
    return rules
