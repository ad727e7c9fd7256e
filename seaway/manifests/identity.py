"""Who a workload is to the cluster: its account, what that may do, and the account that its images are pulled with."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from seaway.manifests import inputs, names
from seaway.model import application, settings
from seaway.model.validate import rbac
from seaway.syntax.field_help import Doc, Why

GROUP = "rbac.authorization.k8s.io"

LOGIN = "seaway-registry"
"""The Secret that nodes pull with; `registry` may be somebody's own."""

TOKEN: Annotated[
    bool,
    Doc("whether whoever uses the account gets its token unasked"),
    Why("a pod says itself that it wants one, where `kubernetesApi` says what for"),
] = False


def service_account(scope: names.Scope, owner: str, pull: Sequence[str]) -> dict[str, Any]:
    """An account of its own, so that rights can be given to one workload. ``pull``: Secrets to pull images with."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": names.metadata(scope, owner),
        "automountServiceAccountToken": TOKEN,
    }
    return account | ({"imagePullSecrets": [{"name": name} for name in pull]} if pull else {})


def rights_of(scope: names.Scope, each: application.Container, owner: str) -> list[dict[str, Any]]:
    """A Role with exactly what `kubernetesApi` says, and what gives it to the account; nothing without it.

    https://kubernetes.io/docs/reference/access-authn-authz/rbac/
    """
    allowed = [
        {"apiGroups": [one.group], "resources": [one.resource], "verbs": list(one.verbs)} for one in rbac.of(each)
    ]
    if not allowed:
        return []
    role = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Role",
        "metadata": names.metadata(scope, owner),
        "rules": allowed,
    }
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": names.metadata(scope, owner),
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": owner},
        "subjects": [{"kind": "ServiceAccount", "name": owner, "namespace": scope.namespace}],
    }
    return [role, binding]


def pull_secret(
    scope: names.Scope, stack: settings.Settings, secrets: Mapping[str, inputs.SecretValue]
) -> dict[str, Any] | None:
    """The account that nodes pull images with, as a registry's login; None where the environment has none.

    Not called after its content, and changed in place: a pod keeps the name that its account had when it was made. One
    that waits for its image with yesterday's password would wait for ever, and those that run need not start anew.

    https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/

    Raises LookupError without the value.
    """
    if stack.pull is None:
        return None
    if inputs.PULL not in secrets:
        raise LookupError(f"seaway:pull: no value for {stack.pull.secret}")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": names.shared(scope, LOGIN),
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": secrets[inputs.PULL].value},
    }
