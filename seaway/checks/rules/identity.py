"""Who a workload is to the cluster: its account, and what that may do."""

from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.manifests import objects as made

RISKY_PERMISSIONS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("secrets", frozenset(("get", "list", "watch")), "reads every secret of the namespace"),
    ("pods", frozenset(("create", "update", "patch")), "makes pods, which may use every account and every secret"),
    ("pods/exec", frozenset(("create", "get")), "runs programs in every pod"),
    ("pods/attach", frozenset(("create", "get")), "talks to the programs of every pod"),
    ("serviceaccounts/token", frozenset(("create",)), "becomes every other account"),
    ("roles", frozenset(("create", "update", "patch")), "gives rights to itself"),
    ("rolebindings", frozenset(("create", "update", "patch")), "gives rights to itself"),
)
"""Resource, verbs, and what they come to. https://kubernetes.io/docs/concepts/security/rbac-good-practices/"""

ESCALATING_VERBS = {
    "bind": "gives itself any role",
    "escalate": "gives itself any right",
    "impersonate": "becomes anybody",
}


@check.for_application("SA-01", "A workload has an account of its own", check.STRICT_FOR_RELEASES)
def service_account(context: check_context.CheckContext) -> check_context.Findings:
    """A right that is given to the default account is given to every pod of the namespace."""
    there = {each.name for each in context.list_objects("ServiceAccount")}
    for each in context.pods:
        name = each.spec.get("serviceAccountName", "default")
        remedy = f"set it to {each.workload.name}"
        if name == "default":
            yield each.make_finding("serviceAccountName", "is the default account", remedy)
        elif name not in there:
            yield each.make_finding("serviceAccountName", f"there is no account {name}, so no pod starts", remedy)


@check.for_pods("SA-02", "A pod that does not ask the cluster's API has no token for it", check.STRICT_FOR_RELEASES)
def service_account_token(pod: check_context.Pod) -> check_context.Findings:
    """Whoever breaks in would talk to the cluster in the name of the pod."""
    if pod.spec.get("automountServiceAccountToken") is not False and not pod.workload.kubernetes_api:
        remedy = f"set it to false, or say in {pod.model_path}.kubernetesApi what it is for"
        yield pod.make_finding("automountServiceAccountToken", "is not false", remedy)


@check.for_pods("SA-03", "An account is named by the field that counts", check.STRICT_FOR_RELEASES)
def deprecated_account_field(pod: check_context.Pod) -> check_context.Findings:
    """`serviceAccount` is the old name of the field; where the two differ, nobody sees which account it is."""
    if "serviceAccount" in pod.spec:
        yield pod.make_finding("serviceAccount", "is the old name of serviceAccountName", "remove it")


@check.for_application("RBAC-01", "A role names what it allows", check.OUTSIDE_APPLICATION)
def wildcard_permissions(context: check_context.CheckContext) -> check_context.Findings:
    """`*` also means whatever is installed next year."""
    for each, path, rule in _list_rules(context):
        for key in ("verbs", "resources", "apiGroups"):
            if "*" in rule.get(key, []):
                remedy = f"name what is needed, in kubernetesApi of {each.owner or 'the service'}"
                yield check_context.make_finding(each, f"{path}.{key}", "* is everything", remedy)


@check.for_application("RBAC-02", "No account has a role of the whole cluster", check.OUTSIDE_APPLICATION)
def cluster_role_binding(context: check_context.CheckContext) -> check_context.Findings:
    """An application lives in its namespace; with more, whoever breaks into one pod has all the others."""
    for each in context.list_objects("RoleBinding", "ClusterRoleBinding"):
        role: dict[str, str] = each.manifest["roleRef"]
        if each.kind == "ClusterRoleBinding" or role["kind"] == "ClusterRole":
            wrong = f"{role['kind']} {role['name']} is not of this application"
            yield check_context.make_finding(each, "roleRef", wrong, "bind a Role of the namespace")


@check.for_application("RBAC-03", "No right is a way to all the others", check.STRICT_FOR_RELEASES)
def escalating_permissions(context: check_context.CheckContext) -> check_context.Findings:
    """Secrets, pods and roles are keys to whatever else there is; who needs them says so by a waiver, with its end."""
    for each, path, rule in _list_rules(context):
        verbs: set[str] = {*rule.get("verbs", [])}
        told = [
            (resource, what)
            for resource, risky, what in RISKY_PERMISSIONS
            if resource in rule.get("resources", []) and risky & verbs
        ]
        told += [(verb, what) for verb, what in ESCALATING_VERBS.items() if verb in verbs]
        for name, what in told:
            remedy = f"remove it from kubernetesApi of {each.owner or 'the service'}, or waive this check for it"
            yield check_context.make_finding(each, path, f"{name}: {what}", remedy)


def _list_rules(context: check_context.CheckContext) -> Iterator[tuple[made.ReleaseObject, str, dict[str, Any]]]:
    for each in context.list_objects("Role", "ClusterRole"):
        for number, rule in enumerate(each.manifest.get("rules", [])):
            yield each, f"rules[{number}]", rule
