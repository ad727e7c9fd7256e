"""Who a workload is to the cluster: its account, what that may do, and the account that its images are pulled with."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from seaway.manifests import inputs, names
from seaway.model import application, rbac, settings
from seaway.syntax.field_help import Help, Rationale

RBAC_GROUP = "rbac.authorization.k8s.io"

PULL_SECRET_NAME = "seaway-registry"
"""The Secret that nodes pull with; `registry` may be somebody's own."""

AUTOMOUNT_TOKEN: Annotated[
    bool,
    Help("whether whoever uses the account gets its token unasked"),
    Rationale("a pod says itself that it wants one, where `kubernetesApi` says what for"),
] = False


def build_service_account(scope: names.Scope, owner: str, pull_secrets: Sequence[str]) -> dict[str, Any]:
    """An account of its own, so that rights can be given to one workload. ``pull``: Secrets to pull images with."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": names.build_metadata(scope, owner),
        "automountServiceAccountToken": AUTOMOUNT_TOKEN,
    }
    return account | ({"imagePullSecrets": [{"name": name} for name in pull_secrets]} if pull_secrets else {})


def build_role_and_binding(scope: names.Scope, workload: application.WorkloadSpec, owner: str) -> list[dict[str, Any]]:
    """A Role with exactly what `kubernetesApi` says, and what gives it to the account; nothing without it.

    https://kubernetes.io/docs/reference/access-authn-authz/rbac/
    """
    allowed = [
        {"apiGroups": [one.group], "resources": [one.resource], "verbs": list(one.verbs)}
        for one in rbac.get_policy_rules(workload)
    ]
    if not allowed:
        return []
    role = {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "Role",
        "metadata": names.build_metadata(scope, owner),
        "rules": allowed,
    }
    binding = {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": names.build_metadata(scope, owner),
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "Role", "name": owner},
        "subjects": [{"kind": "ServiceAccount", "name": owner, "namespace": scope.namespace}],
    }
    return [role, binding]


def build_pull_secret(
    scope: names.Scope, stack_settings: settings.Settings, secrets: Mapping[str, inputs.SecretValue]
) -> dict[str, Any] | None:
    """The account that nodes pull images with, as a registry's login; None where the environment has none.

    Not called after its content, and changed in place: a pod keeps the name that its account had when it was made. One
    that waits for its image with yesterday's password would wait for ever, and those that run need not start anew.

    https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/

    Raises LookupError without the value.
    """
    if stack_settings.image_pull_credentials is None:
        return None
    if inputs.PULL_CREDENTIALS not in secrets:
        raise LookupError(f"seaway:imagePullCredentials: no value for {stack_settings.image_pull_credentials.secret}")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": names.build_shared_metadata(scope, PULL_SECRET_NAME),
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": secrets[inputs.PULL_CREDENTIALS].value},
    }
