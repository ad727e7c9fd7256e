"""Who a workload is to the cluster: its account, and what that may do."""

from collections.abc import Iterator
from typing import Any

from seaway.checks import check, check_context
from seaway.manifests import objects as made

RISKY: tuple[tuple[str, frozenset[str], str], ...] = (
    ("secrets", frozenset(("get", "list", "watch")), "reads every secret of the namespace"),
    ("pods", frozenset(("create", "update", "patch")), "makes pods, which may use every account and every secret"),
    ("pods/exec", frozenset(("create", "get")), "runs programs in every pod"),
    ("pods/attach", frozenset(("create", "get")), "talks to the programs of every pod"),
    ("serviceaccounts/token", frozenset(("create",)), "becomes every other account"),
    ("roles", frozenset(("create", "update", "patch")), "gives rights to itself"),
    ("rolebindings", frozenset(("create", "update", "patch")), "gives rights to itself"),
)
"""Resource, verbs, and what they come to. https://kubernetes.io/docs/concepts/security/rbac-good-practices/"""

ESCALATING = {
    "bind": "gives itself any role",
    "escalate": "gives itself any right",
    "impersonate": "becomes anybody",
}


@check.whole("SA-01", "A workload has an account of its own", check.RELEASED)
def account(seen: check_context.Subject) -> check_context.Found:
    """A right that is given to the default account is given to every pod of the namespace."""
    there = {each.name for each in seen.of("ServiceAccount")}
    for each in seen.pods:
        name = each.spec.get("serviceAccountName", "default")
        remedy = f"set it to {each.workload.name}"
        if name == "default":
            yield each.says("serviceAccountName", "is the default account", remedy)
        elif name not in there:
            yield each.says("serviceAccountName", f"there is no account {name}, so no pod starts", remedy)


@check.pods("SA-02", "A pod that does not ask the cluster's API has no token for it", check.RELEASED)
def token(each: check_context.Pod) -> check_context.Found:
    """Whoever breaks in would talk to the cluster in the name of the pod."""
    if each.spec.get("automountServiceAccountToken") is not False and not each.workload.kubernetes_api:
        remedy = f"set it to false, or say in {each.field}.kubernetesApi what it is for"
        yield each.says("automountServiceAccountToken", "is not false", remedy)


@check.pods("SA-03", "An account is named by the field that counts", check.RELEASED)
def deprecated(each: check_context.Pod) -> check_context.Found:
    """`serviceAccount` is the old name of the field; where the two differ, nobody sees which account it is."""
    if "serviceAccount" in each.spec:
        yield each.says("serviceAccount", "is the old name of serviceAccountName", "remove it")


@check.whole("RBAC-01", "A role names what it allows", check.WIDE)
def wildcards(seen: check_context.Subject) -> check_context.Found:
    """`*` also means whatever is installed next year."""
    for each, path, rule in _rules(seen):
        for key in ("verbs", "resources", "apiGroups"):
            if "*" in rule.get(key, []):
                remedy = f"name what is needed, in kubernetesApi of {each.owner or 'the service'}"
                yield check_context.about(each, f"{path}.{key}", "* is everything", remedy)


@check.whole("RBAC-02", "No account has a role of the whole cluster", check.WIDE)
def cluster_roles(seen: check_context.Subject) -> check_context.Found:
    """An application lives in its namespace; with more, whoever breaks into one pod has all the others."""
    for each in seen.of("RoleBinding", "ClusterRoleBinding"):
        role: dict[str, str] = each.manifest["roleRef"]
        if each.kind == "ClusterRoleBinding" or role["kind"] == "ClusterRole":
            wrong = f"{role['kind']} {role['name']} is not of this application"
            yield check_context.about(each, "roleRef", wrong, "bind a Role of the namespace")


@check.whole("RBAC-03", "No right is a way to all the others", check.RELEASED)
def escalation(seen: check_context.Subject) -> check_context.Found:
    """Secrets, pods and roles are keys to whatever else there is; who needs them says so by a waiver, with its end."""
    for each, path, rule in _rules(seen):
        verbs: set[str] = {*rule.get("verbs", [])}
        told = [
            (resource, what)
            for resource, risky, what in RISKY
            if resource in rule.get("resources", []) and risky & verbs
        ]
        told += [(verb, what) for verb, what in ESCALATING.items() if verb in verbs]
        for name, what in told:
            remedy = f"remove it from kubernetesApi of {each.owner or 'the service'}, or waive this check for it"
            yield check_context.about(each, path, f"{name}: {what}", remedy)


def _rules(seen: check_context.Subject) -> Iterator[tuple[made.Object, str, dict[str, Any]]]:
    for each in seen.of("Role", "ClusterRole"):
        for number, rule in enumerate(each.manifest.get("rules", [])):
            yield each, f"rules[{number}]", rule
