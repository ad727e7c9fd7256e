"""Accounts: one a workload, a token and rights only where they are asked for, and who images are pulled with."""

from typing import Any

import pytest

from seaway.manifests import inputs, objects, preview
from seaway.model import application, settings

STACK = settings.Settings(stack="test", context="work", registry="registry.example.com/team")
RIGHTS = {"pods/log": ("get",), "pods": ("list", "get", "get"), "deployments.apps/scale": ("patch",)}
PULL = settings.Settings(
    stack="test",
    context="work",
    registry="registry.example.com/team",
    image_pull_credentials=settings.PullCredentials(user="me", secret="TOKEN"),
    image_pull_secrets=("theirs",),
)


def made(stack: settings.Settings = STACK, **web: Any) -> dict[str, objects.ReleaseObject]:
    app = application.Application("shop", services=(application.Service("web", image="a", **web),))
    return {each.key: each for each in preview.render_objects(app, stack)}


def test_without_rights_there_is_an_account_and_no_token() -> None:
    found = made()
    assert found["ServiceAccount/web"].manifest["automountServiceAccountToken"] is False
    assert "imagePullSecrets" not in found["ServiceAccount/web"].manifest
    assert found["Deployment/web"].manifest["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert not {"Role/web", "RoleBinding/web"} & found.keys()


def test_rights_are_exactly_what_is_said_and_the_pod_gets_its_token() -> None:
    found = made(kubernetes_api=RIGHTS)
    assert found["Role/web"].manifest["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    ]
    binding = found["RoleBinding/web"].manifest
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "web", "namespace": "shop-test"}]
    for key in ("Role/web", "RoleBinding/web"):
        assert (found[key].owner, found[key].phase) == ("web", objects.Phase.foundation)
    assert found["ServiceAccount/web"].manifest["automountServiceAccountToken"] is False, "whoever else uses it"
    assert found["Deployment/web"].manifest["spec"]["template"]["spec"]["automountServiceAccountToken"] is True


def test_every_account_pulls_with_what_the_environment_has() -> None:
    found = made(PULL)
    account = found["Secret/seaway-registry"]
    assert (account.owner, account.is_retained) == (None, False)
    assert account.manifest["type"] == "kubernetes.io/dockerconfigjson"
    assert account.manifest["data"] == {".dockerconfigjson": ""}
    assert found["ServiceAccount/web"].manifest["imagePullSecrets"] == [
        {"name": "seaway-registry"},
        {"name": "theirs"},
    ]


def test_another_password_changes_no_pod_and_no_name() -> None:
    """A pod that waits for its image keeps the name that it was made with."""

    def made(value: str) -> list[objects.ReleaseObject]:
        app = application.Application("shop", services=(application.Service("web", image="a"),))
        return objects.objects(
            app, PULL, {}, {inputs.PULL_CREDENTIALS: inputs.SecretValue(fingerprint="", value=value)}
        )

    changed = [one.key for one, other in zip(made("x"), made("y"), strict=True) if one != other]
    assert changed == ["Secret/seaway-registry"]


def test_an_account_without_its_value() -> None:
    with pytest.raises(LookupError, match="seaway:imagePullCredentials: no value for TOKEN"):
        objects.objects(application.Application("shop"), PULL, {}, {})
