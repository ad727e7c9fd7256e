"""The service account of a workload, its permissions, and the credentials that its images are pulled with."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from seaway.manifests import inputs, names
from seaway.model import application, rbac
from seaway.project import environments
from seaway.syntax.field_help import Help, Rationale

RBAC_GROUP = "rbac.authorization.k8s.io"

PULL_SECRET_NAME = "seaway-registry"  # noqa: S105 - the name of the Secret
"""The Secret that nodes pull with. The name `registry` may be in use already."""

AUTOMOUNT_TOKEN: Annotated[
    bool,
    Help("whether every pod of the account gets its token"),
    Rationale("a pod gets a token only if `kubernetesApi` declares permissions"),
] = False


def build_service_account(
    environment: environments.Environment, workload: application.AnyWorkload, pull_secrets: Sequence[str]
) -> dict[str, Any]:
    """The account of one workload, so that permissions apply to it alone."""
    account = names.build_object(environment, "ServiceAccount", workload.name)
    account["automountServiceAccountToken"] = AUTOMOUNT_TOKEN
    return account | ({"imagePullSecrets": [{"name": name} for name in pull_secrets]} if pull_secrets else {})


def build_role_and_binding(
    environment: environments.Environment, workload: application.AnyWorkload
) -> list[dict[str, Any]]:
    """A Role with exactly the permissions of `kubernetesApi`, and its binding; empty without permissions.

    https://kubernetes.io/docs/reference/access-authn-authz/rbac/
    """
    rules = rbac.build_policy_rules(workload)
    if not rules:
        return []
    role = names.build_object(environment, "Role", workload.name) | {"rules": rules}
    binding = names.build_object(environment, "RoleBinding", workload.name) | {
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "Role", "name": workload.name},
        "subjects": [{"kind": "ServiceAccount", "name": workload.name, "namespace": environment.namespace}],
    }
    return [role, binding]


def build_pull_secret(
    environment: environments.Environment, secrets: Mapping[str, inputs.SecretValue]
) -> dict[str, Any] | None:
    """The credentials that nodes pull images with; None if the environment has none.

    Its name has no hash, and it is updated in place: a pod keeps the name that its account had at its creation. A pod
    that waits for its image with an old password would wait forever, and running pods need no restart.
    https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/

    Raises LookupError without the value.
    """
    credentials = environment.settings.image_pull_credentials
    if credentials is None:
        return None
    if inputs.PULL_CREDENTIALS not in secrets:
        raise LookupError(f"seaway:imagePullCredentials: no value for {credentials.secret}")
    return names.build_shared_object(environment, "Secret", PULL_SECRET_NAME) | {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": secrets[inputs.PULL_CREDENTIALS].value},
    }
