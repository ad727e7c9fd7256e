"""Service accounts and their permissions."""

from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.manifests import objects

RISKY_PERMISSIONS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("secrets", frozenset(("get", "list", "watch")), "reads every secret of the namespace"),
    ("pods", frozenset(("create", "update", "patch")), "creates pods that may use every account and every secret"),
    ("pods/exec", frozenset(("create", "get")), "runs commands in every pod"),
    ("pods/attach", frozenset(("create", "get")), "attaches to the processes of every pod"),
    ("serviceaccounts/token", frozenset(("create",)), "creates tokens of every other account"),
    ("roles", frozenset(("create", "update", "patch")), "grants itself permissions"),
    ("rolebindings", frozenset(("create", "update", "patch")), "grants itself permissions"),
)
"""Resource, verbs, and their effect. https://kubernetes.io/docs/concepts/security/rbac-good-practices/"""

ESCALATING_VERBS = {
    "bind": "grants itself any role",
    "escalate": "grants itself any permission",
    "impersonate": "acts as any user",
}


@check.for_application("SA-01", "A workload has its own service account", check.STRICT_FOR_RELEASES)
def service_account(context: check_context.CheckContext) -> check_context.Findings:
    """A permission of the default account applies to every pod of the namespace."""
    accounts = {account.name for account in context.list_objects("ServiceAccount")}
    for pod in context.pods:
        name = pod.spec.get("serviceAccountName", "default")
        hint = f"set it to {pod.workload.name}"
        if name == "default":
            yield pod.make_finding("serviceAccountName", "is the default account", hint)
        elif name not in accounts:
            message = f"ServiceAccount {name} does not exist, so no pod starts"
            yield pod.make_finding("serviceAccountName", message, hint)


@check.for_pods("SA-02", "A pod that does not use the Kubernetes API has no token", check.STRICT_FOR_RELEASES)
def service_account_token(pod: check_context.Pod) -> check_context.Findings:
    """An attacker in the pod could call the API with its identity."""
    if pod.spec.get("automountServiceAccountToken") is not False and not pod.workload.kubernetes_api:
        hint = f"set it to false, or declare the permissions in {pod.model_path}.kubernetesApi"
        yield pod.make_finding("automountServiceAccountToken", "is not false", hint)


@check.for_pods("SA-03", "The service account is set by serviceAccountName only", check.STRICT_FOR_RELEASES)
def deprecated_account_field(pod: check_context.Pod) -> check_context.Findings:
    """`serviceAccount` is the deprecated name of the field; if the two differ, the effective account is unclear."""
    if "serviceAccount" in pod.spec:
        yield pod.make_finding("serviceAccount", "is the deprecated name of serviceAccountName", "remove it")


@check.for_application("RBAC-01", "A role lists its permissions explicitly", check.OUTSIDE_APPLICATION)
def wildcard_permissions(context: check_context.CheckContext) -> check_context.Findings:
    """`*` also includes everything that is installed later."""
    for role, path, rule in _list_rules(context):
        for key in ("verbs", "resources", "apiGroups"):
            if "*" in rule.get(key, []):
                hint = f"list the needed {key} in kubernetesApi of {role.owner or 'the service'}"
                yield check_context.make_finding(role, f"{path}.{key}", "* allows everything", hint)


@check.for_application("RBAC-02", "No account has a cluster role", check.OUTSIDE_APPLICATION)
def cluster_role_binding(context: check_context.CheckContext) -> check_context.Findings:
    """An application lives in its namespace. With a cluster role, one compromised pod endangers all namespaces."""
    for binding in context.list_objects("RoleBinding", "ClusterRoleBinding"):
        role: dict[str, str] = binding.manifest["roleRef"]
        if binding.kind == "ClusterRoleBinding" or role["kind"] == "ClusterRole":
            message = f"{role['kind']} {role['name']} does not belong to this application"
            yield check_context.make_finding(binding, "roleRef", message, "bind a Role of the namespace")


@check.for_application("RBAC-03", "No permission leads to more permissions", check.STRICT_FOR_RELEASES)
def escalating_permissions(context: check_context.CheckContext) -> check_context.Findings:
    """Access to secrets, pods and roles gives access to everything else. A workload that needs it has a waiver."""
    for role, path, rule in _list_rules(context):
        verbs: set[str] = {*rule.get("verbs", [])}
        effects = [
            (resource, effect)
            for resource, risky_verbs, effect in RISKY_PERMISSIONS
            if resource in rule.get("resources", []) and risky_verbs & verbs
        ]
        effects += [(verb, effect) for verb, effect in ESCALATING_VERBS.items() if verb in verbs]
        hint = f"remove it from kubernetesApi of {role.owner or 'the service'}, or waive this check for it"
        for name, effect in effects:
            yield check_context.make_finding(role, path, f"{name}: {effect}", hint)


def _list_rules(
    context: check_context.CheckContext,
) -> Iterator[tuple[objects.ReleaseObject, str, dict[str, Any]]]:
    for role in context.list_objects("Role", "ClusterRole"):
        for number, rule in enumerate(role.manifest.get("rules", [])):
            yield role, f"rules[{number}]", rule
