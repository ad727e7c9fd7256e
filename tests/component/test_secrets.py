"""The secrets of a stack, and the passphrase that encrypts them."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from components import stack_config
from plugin import values
from seaway.project import passphrase as passphrases
from seaway.syntax import diagnosis
from tests.component import programs
from tests.component.test_application import leaves
from tests.support import secret_salts
from tests.support.diagnostics import summarize


@pytest.mark.parametrize("example", programs.EXAMPLES)
def test_secrets_are_flagged(registered: programs.Run, example: str) -> None:
    recording = registered(example)
    assert "generated" not in [leaf for resource in recording.resources for leaf in leaves(resource.inputs)]
    for resource in recording.list_resources("Secret"):
        assert resource.inputs["data"]
        assert all(isinstance(value, values.Secret) for value in resource.inputs["data"].values())
        assert list(resource.request.additionalSecretOutputs) == ["data", "stringData"]
    for resource in recording.list_resources("GeneratedSecret"):
        assert list(resource.request.additionalSecretOutputs) == ["value"]


def test_a_configured_secret_replaces_a_generated_one(run: programs.Run) -> None:
    recording = run("shop", config={"secrets": json.dumps({"POSTGRES_PASSWORD": "hunter2"})})
    assert not recording.list_resources("GeneratedSecret")
    for resource in recording.list_resources("Secret"):
        assert resource.inputs["data"] == {"POSTGRES_PASSWORD": values.Secret(base64.b64encode(b"hunter2").decode())}
    other = run("shop", config={"secrets": json.dumps({"POSTGRES_PASSWORD": "hunter3"})})
    assert {resource.name for resource in other.list_resources("Secret")}.isdisjoint(
        resource.name for resource in recording.list_resources("Secret")
    )


PULL = {
    "imagePullCredentials": json.dumps({"user": "puller", "secret": "TOKEN"}),
    "secrets": json.dumps({"TOKEN": "hunter2"}),
}


@pytest.mark.parametrize("preview", [True, False])
def test_the_pull_password_is_in_one_secret_only(run: programs.Run, preview: bool) -> None:
    recording = run("smallest", config=PULL, preview=preview)
    (login,) = recording.list_resources("Secret")
    value = login.inputs["data"][".dockerconfigjson"]
    assert isinstance(value, values.Secret)
    assert json.loads(base64.b64decode(str(value.value))) == {
        "auths": {
            "registry.example.com": {
                "username": "puller",
                "password": "hunter2",
                "auth": base64.b64encode(b"puller:hunter2").decode(),
            }
        }
    }
    (account,) = recording.list_resources("ServiceAccount")
    assert account.inputs["imagePullSecrets"] == [{"name": login.name}]
    (web,) = recording.list_resources("Deployment")
    assert login.urn in web.request.dependencies, "no pod starts before the credentials exist"
    for resource in recording.resources:
        text = json.dumps(resource.inputs, default=repr)
        assert "hunter2" not in text, resource.title
        assert resource is login or base64.b64encode(b"hunter2").decode() not in text, resource.title
        assert resource is login or not any(isinstance(leaf, values.Secret) for leaf in leaves(resource.inputs)), (
            resource.title
        )
    assert not any("hunter2" in message for message in recording.messages)


def test_another_pull_password_changes_one_secret_and_no_release(run: programs.Run) -> None:
    def register(password: str) -> dict[str, Any]:
        recording = run("smallest", config=PULL | {"secrets": json.dumps({"TOKEN": password})})
        (login,) = recording.list_resources("Secret")
        data = login.inputs["data"][".dockerconfigjson"]
        assert isinstance(data, values.Secret)
        others = {resource.urn: resource.inputs for resource in recording.resources if resource is not login}
        return others | {login.urn: base64.b64decode(str(data.value))}

    first, second = register("one"), register("two")
    assert [urn.rpartition("::")[2] for urn in first if first[urn] != second[urn]] == ["seaway-registry"]


def test_the_login_for_docker_hub_has_its_old_name() -> None:
    (host,) = json.loads(stack_config._build_registry_login("docker.io/team", "me", "x"))["auths"]  # pyright: ignore[reportPrivateUsage]
    assert host == "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    ("passphrase", "is_refused"), [(passphrases.PUBLIC_PASSPHRASE, True), ("", True), ("their own", False)]
)
@pytest.mark.parametrize("is_variable_set", [True, False])
def test_a_known_passphrase_is_refused_except_in_dev(
    run: programs.Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    wording: Any,
    passphrase: str,
    *,
    is_refused: bool,
    is_variable_set: bool,
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    if is_variable_set:
        monkeypatch.setitem(os.environ, "PULUMI_CONFIG_PASSPHRASE", passphrase)
    assert run("smallest").resources
    file = tmp_path / "Pulumi.staging.yaml"
    file.write_text(f"encryptionsalt: {secret_salts.encrypt(passphrase)}\nsecretsprovider: passphrase\n")
    if is_refused:
        with pytest.raises(diagnosis.InvalidInput) as caught:
            run("smallest", stack="staging")
        assert summarize(caught.value.diagnostics) == ["Pulumi.staging.yaml:1:1: encryptionsalt: insecure-passphrase"]
        assert [str(diagnostic) for diagnostic in caught.value.diagnostics] == wording
    else:
        assert run("smallest", stack="staging").resources
    file.write_text("secretsprovider: awskms://alias/example\nencryptedkey: abc\n")
    assert run("smallest", stack="staging").resources
