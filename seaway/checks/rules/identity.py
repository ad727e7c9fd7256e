"""Service accounts and their permissions."""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from typing import Any

from seaway.checks import check, check_context
from seaway.manifests import objects
from seaway.model import rbac

_READ = frozenset(("get", "list", "watch"))
_WRITE = frozenset(("create", "update", "patch"))
_CHANGE = _WRITE | {"delete", "deletecollection"}

RISKY_PERMISSIONS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("secrets", _READ, "reads every secret of the namespace"),
    ("secrets", _CHANGE, "creates tokens of every account and replaces secrets"),
    (
        "pods podtemplates replicationcontrollers deployments daemonsets statefulsets replicasets controllerrevisions"
        " jobs cronjobs",
        _WRITE,
        "creates pods that may use every account and every secret",
    ),
    ("pods/exec", _READ | _CHANGE, "runs commands in every pod"),
    ("pods/attach", _READ | _CHANGE, "attaches to the processes of every pod"),
    ("pods/ephemeralcontainers", _WRITE, "adds containers to every pod"),
    ("pods/portforward pods/proxy services/proxy nodes/proxy", _READ | _CHANGE, "connects past the network policies"),
    ("pods/binding bindings", _WRITE, "chooses the node of every pod"),
    ("serviceaccounts/token", _WRITE, "creates tokens of every other account"),
    ("serviceaccounts", _WRITE, "gives accounts roles of the cloud"),
    ("roles rolebindings clusterroles clusterrolebindings", _WRITE, "grants itself permissions"),
    ("configmaps", _CHANGE, "replaces the configuration of other workloads and the records of releases"),
    ("networkpolicies", _CHANGE, "opens the network between all pods"),
    (
        "services services/status pods/status endpoints endpointslices ingresses gateways *routes",
        _WRITE,
        "redirects the traffic of every service",
    ),
    ("resourcequotas limitranges", _CHANGE, "removes the limits of the namespace"),
    ("persistentvolumes persistentvolumeclaims", _CHANGE, "mounts or deletes the data of every store"),
    (
        "*webhookconfigurations *admissionpolicies *admissionpolicybindings apiservices customresourcedefinitions",
        _CHANGE,
        "reads and changes all requests to the cluster",
    ),
    ("certificatesigningrequests certificatesigningrequests/*", _CHANGE, "issues certificates of every user"),
    ("nodes nodes/* namespaces", _CHANGE, "changes the limits of pods"),
)
"""Resources, verbs, and their effect. https://kubernetes.io/docs/concepts/security/rbac-good-practices/"""

HARMLESS_SUBRESOURCES = ("finalizers", "scale", "status")
"""Of custom resources."""

ESCALATING_VERBS = {
    "bind": "grants itself any role",
    "escalate": "grants itself any permission",
    "impersonate": "acts as any user",
}

_CLOUD_IDENTITY = re.compile(
    r"(.*[./-])?(iam|identity|workload-identity|role-arn|aadpod[a-z]*|gcp-service-account)([./-].*)?"
    r"|(.*\.)?(amazonaws\.com|gke\.io|alibabacloud\.com|vault\.hashicorp\.com)/.*"
)
"""Labels and annotations by which a cloud or a vault gives an account or a pod a role of its own."""


@check.for_application("SA-01", "A workload has its own service account", check.STRICT_FOR_RELEASES)
def service_account(context: check_context.CheckContext) -> check_context.Findings:
    """A permission of the default account applies to every pod of the namespace."""
    accounts = {account.name for account in context.list_objects("ServiceAccount")}
    for pod in context.pods:
        name = pod.spec.get("serviceAccountName", "default")
        hint = f"set it to {pod.workload.name}"
        deprecated = pod.spec.get("serviceAccount", name)
        if deprecated != name:
            yield pod.make_finding("serviceAccount", f"{deprecated} is the account of another workload", "remove it")
        if name == "default":
            yield pod.make_finding("serviceAccountName", "is the default account", hint)
        elif name not in accounts:
            message = f"ServiceAccount {name} does not exist, so no pod starts"
            yield pod.make_finding("serviceAccountName", message, hint)
        elif name != pod.workload.name:
            message = f"{name} is the account of another workload, with its permissions"
            yield pod.make_finding("serviceAccountName", message, hint)


@check.for_pods("SA-02", "A pod that does not use the Kubernetes API has no token", check.STRICT_FOR_RELEASES)
def service_account_token(pod: check_context.Pod) -> check_context.Findings:
    """An attacker in the pod could call the API with its identity."""
    if pod.spec.get("automountServiceAccountToken") is not False and not pod.workload.kubernetes_api:
        hint = f"set it to false, or declare the permissions in {pod.model_path}.kubernetesApi"
        yield pod.make_finding("automountServiceAccountToken", "is not false", hint)
    for volume in pod.spec.get("volumes", []):
        for source in volume.get("projected", {}).get("sources", []):
            if "serviceAccountToken" in source and not pod.workload.kubernetes_api:
                hint = f"remove it, or declare the permissions in {pod.model_path}.kubernetesApi"
                yield pod.make_finding(f"volumes[{volume['name']}].projected", "contains a token", hint)


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
            if any("*" in text for text in rule.get(key, [])):
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
        hint = f"remove it from kubernetesApi of {role.owner or 'the service'}, or waive this check for it"
        verbs: set[str] = {*rule.get("verbs", [])}
        for resource in rule.get("resources", []):
            effects = list(dict.fromkeys(_list_effects(rule.get("apiGroups", []), resource, verbs)))
            if effects:
                more = " and more" if len(effects) > 2 else ""
                message = f"{resource}: {' and '.join(effects[:2])}{more}"
                yield check_context.make_finding(role, path, message, hint)
        for verb, effect in ESCALATING_VERBS.items():
            if verb in verbs:
                yield check_context.make_finding(role, path, f"{verb}: {effect}", hint)


@check.for_application("SA-04", "No pod has a role of the cloud", check.STRICT_FOR_RELEASES)
def cloud_identity(context: check_context.CheckContext) -> check_context.Findings:
    """Such a role applies outside of the cluster, where no check of Seaway sees its permissions. A workload that needs
    it has a waiver."""
    hint = "remove it, or waive this check for the workload"
    for account in context.list_objects("ServiceAccount"):
        for path in _list_identity_paths(account.manifest["metadata"]):
            yield check_context.make_finding(account, path, "gives its pods a role of the cloud", hint)
    for pod in context.pods:
        for path in _list_identity_paths(pod.template["metadata"]):
            message = "gives the pod a role of the cloud"
            yield pod.make_object_finding(f"{pod.template_path}.{path}", message, hint)


def weakens_protection(key: str) -> bool:
    """Whether a label or annotation gives a role of the cloud, or changes the protections of the runtime."""
    return bool(_CLOUD_IDENTITY.fullmatch(key)) or "apparmor" in key or "seccomp" in key


def _list_effects(groups: Sequence[str], resource: str, verbs: set[str]) -> Iterator[str]:
    """The effects of the verbs on a resource, which may have wildcards."""
    for resources, risky_verbs, effect in RISKY_PERMISSIONS:
        if ("*" in verbs or risky_verbs & verbs) and any(
            fnmatch.fnmatchcase(risky, resource) or fnmatch.fnmatchcase(resource, risky) for risky in resources.split()
        ):
            yield effect
    is_custom = any("." in group and group not in rbac.BUILT_IN_GROUPS for group in groups)
    subresource = resource.partition("/")[2]
    if is_custom and ("*" in verbs or _WRITE & verbs) and subresource not in HARMLESS_SUBRESOURCES:
        yield "lets a controller act with its own permissions"


def _list_identity_paths(metadata: dict[str, Any]) -> Iterator[str]:
    """The labels and annotations that give a role."""
    for field in ("labels", "annotations"):
        for key in metadata.get(field, {}):
            if _CLOUD_IDENTITY.fullmatch(key):
                yield f"metadata.{field}[{key}]"


def _list_rules(
    context: check_context.CheckContext,
) -> Iterator[tuple[objects.ReleaseObject, str, dict[str, Any]]]:
    for role in context.list_objects("Role", "ClusterRole"):
        for number, rule in enumerate(role.manifest.get("rules", [])):
            yield role, f"rules[{number}]", rule
