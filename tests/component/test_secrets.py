"""The secrets of a stack, and the passphrase that encrypts them."""

import base64
import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from components import stack_config
from plugin import values
from seaway.project import passphrase as passphrases
from seaway.syntax import diagnosis
from tests.component import programs, recorder
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


COMPOSE = """\
name: shop
services:
  web:
    image: python:3.12-slim
    command: python -m http.server 8000
    ports: ["8000"]
    env_file: web.env
    environment:
      TAG: ${TAG}
      DATABASE_URL: postgres://shop:${PW}@db/shop
      OPTIONS: --cache-password=${CACHE_PASSWORD} --verbose
    depends_on: [db, cache]
  db:
    image: postgres:17
    environment: {POSTGRES_PASSWORD: "${PW}"}
  cache:
    image: redis:7
    command: redis-server --requirepass ${CACHE_PASSWORD}
    healthcheck: {test: ["CMD", "redis-cli", "-a", "${CACHE_PASSWORD}", "ping"]}
"""
ENV = {"PW": "hunter2hunter2", "CACHE_PASSWORD": "cache-secret-0815", "TAG": "tag-1"}
SECRET_VALUES = [ENV["PW"], ENV["CACHE_PASSWORD"], "npm_abcdefghijklmnopqrstuvwxyz"]
FILE_SECRETS = ["CACHE_PASSWORD", "DATABASE_URL", "NPM", "POSTGRES_PASSWORD"]


def run_compose(folder: Path, **how: Any) -> recorder.Recording:
    """Run the program of a Compose file in a stack without a fingerprint key."""
    (folder / "docker-compose.yml").write_text(COMPOSE)
    (folder / ".env").write_text("".join(f"{name}={text}\n" for name, text in ENV.items()))
    (folder / "web.env").write_text("NPM=npm_abcdefghijklmnopqrstuvwxyz\n")
    config = {"context": "work", "publish": "nodePort", "app": "docker-compose.yml", **how.pop("config", {})}
    return recorder.record(lambda: programs.deploy(folder) and None, config=config, **how)


def list_secret_names(recording: recorder.Recording) -> list[str]:
    return sorted(resource.name for resource in recording.list_resources("Secret"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


@pytest.mark.parametrize("preview", [True, False])
def test_the_secrets_of_a_compose_file_are_in_secrets_only(folder: Path, wording: Any, *, preview: bool) -> None:
    recording = run_compose(folder, preview=preview)
    for resource in recording.resources:
        text = json.dumps(resource.inputs, default=repr)
        for value in SECRET_VALUES:
            assert value not in text, resource.title
            encoded = base64.b64encode(value.encode()).decode()
            assert encoded not in text or resource.type == "kubernetes:core/v1:Secret", resource.title
        if resource.type == "kubernetes:core/v1:Secret":
            assert all(isinstance(leaf, values.Secret) for leaf in resource.inputs["data"].values())
    (key,) = (path for path in (folder / ".seaway").iterdir() if path.name == "fingerprint-key")
    written = [path.read_text() for path in (folder / ".seaway").iterdir() if path.is_file()]
    assert not [value for value in [*SECRET_VALUES, *recording.messages] if value in "".join(written)]
    assert key.read_text() not in json.dumps([resource.inputs for resource in recording.resources], default=repr)
    (message,) = (message for message in recording.messages if "look like secrets" in message)
    assert message.rpartition(": ")[2].split(", ") == FILE_SECRETS
    assert [message] == wording
    containers = {
        resource.name: resource.inputs["spec"]["template"]["spec"]["containers"][0]
        for kind in ("Deployment", "StatefulSet")
        for resource in recording.list_resources(kind)
    }
    plain = {variable["name"]: variable.get("value") for variable in containers["web"]["env"]}
    assert plain["TAG"] == "tag-1"
    assert plain["OPTIONS"] == "--cache-password=$(CACHE_PASSWORD) --verbose"
    assert containers["cache"]["args"] == ["redis-server", "--requirepass", "$(CACHE_PASSWORD)"]
    probe = containers["cache"]["readinessProbe"]["exec"]["command"]
    assert probe == ["/bin/sh", "-c", 'exec redis-cli -a "${CACHE_PASSWORD}" ping']


def test_the_names_of_file_secrets_depend_on_the_key_and_the_value(folder: Path, tmp_path_factory: Any) -> None:
    first = list_secret_names(run_compose(folder, preview=True))
    assert list_secret_names(run_compose(folder)) == first, "a checkout keeps its key"
    assert list_secret_names(run_compose(tmp_path_factory.mktemp("other"))) != first
    with mock.patch.dict(ENV, {"PW": "another-password"}):
        assert list_secret_names(run_compose(folder)) != first
    configured = {"fingerprintKey": (folder / ".seaway" / "fingerprint-key").read_text()}
    assert list_secret_names(run_compose(folder, config=configured)) == first


def test_a_configured_secret_replaces_that_of_the_compose_file(folder: Path) -> None:
    config = {"secrets": json.dumps({"CACHE_PASSWORD": "configured"}), "fingerprintKey": "0123456789abcdef" * 4}
    recording = run_compose(folder, config=config)
    data = [value for resource in recording.list_resources("Secret") for value in resource.inputs["data"].items()]
    assert ("CACHE_PASSWORD", values.Secret(base64.b64encode(b"configured").decode())) in data
    assert base64.b64encode(ENV["CACHE_PASSWORD"].encode()).decode() not in repr(data)


def test_ci_needs_the_key_in_the_stack(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run has a new checkout: another key would restart all pods."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(diagnosis.InvalidInput) as caught:
        run_compose(folder)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["fingerprint-key-not-set"]
    assert not (folder / ".seaway").exists()
