"""Service accounts, their permissions, and the credentials for images."""

from typing import Any

import pytest

from seaway.manifests import inputs, objects
from seaway.model import settings
from tests.support.rendering import Rendered, render, service

PERMISSIONS = {"pods/log": ("get",), "pods": ("list", "get", "get"), "deployments.apps/scale": ("patch",)}
PULL: dict[str, Any] = {
    "image_pull_credentials": settings.PullCredentials(user="me", secret="TOKEN"),
    "image_pull_secrets": ("theirs",),
}


def render_with_password(password: str) -> Rendered:
    return render(
        service(image="a"),
        secrets={inputs.PULL_CREDENTIALS: inputs.SecretValue(fingerprint="", value=password)},
        **PULL,
    )


def test_a_pod_with_permissions_gets_a_token_and_exactly_these() -> None:
    rendered = render(service(kubernetes_api=PERMISSIONS))
    assert rendered["Role/web"].manifest["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    ]
    binding = rendered["RoleBinding/web"].manifest
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "web", "namespace": "shop-test"}]
    for key in ("Role/web", "RoleBinding/web"):
        assert (rendered[key].owner, rendered[key].phase) == ("web", objects.Phase.foundation)
    account = rendered["ServiceAccount/web"].manifest
    assert account["automountServiceAccountToken"] is False, "other pods may use the account"
    assert rendered.get_pod()["automountServiceAccountToken"] is True


def test_every_account_has_the_pull_secrets_of_the_environment() -> None:
    rendered = render_with_password("")
    secret = rendered["Secret/seaway-registry"]
    assert (secret.owner, secret.is_retained) == (None, False)
    assert secret.manifest["type"] == "kubernetes.io/dockerconfigjson"
    assert secret.manifest["data"] == {".dockerconfigjson": ""}
    assert rendered["ServiceAccount/web"].manifest["imagePullSecrets"] == [
        {"name": "seaway-registry"},
        {"name": "theirs"},
    ]


def test_credentials_without_a_value_are_an_error() -> None:
    with pytest.raises(LookupError, match="seaway:imagePullCredentials: no value for TOKEN"):
        render(**PULL)
