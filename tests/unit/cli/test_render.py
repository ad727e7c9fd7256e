"""``seaway render``: the objects of a stack, from files only."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from seaway.checks import all_checks
from seaway.images import build_inputs
from seaway.manifests import yaml_writer
from seaway.project import environments, load, release, release_lock
from tests import golden
from tests.unit.cli import conftest
from tests.unit.cli import environments as fakes

STACK = "config:\n  seaway:context: nowhere\n  seaway:registry: registry.example.com\n"
HASHED = re.compile(r"(-secrets|registry|migrate|prepare|announce)-([0-9a-f]{10}|unresolved)\b")
"""A Secret's name, and the name of a job that reads one: the hash of its pod template."""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return fakes.prepare_project(tmp_path, monkeypatch, test=STACK)


def render(seaway: conftest.Seaway, *words: str) -> str:
    out, err = seaway("render", *words)
    assert err == ""
    return out


def documents(seaway: conftest.Seaway, *words: str) -> dict[str, dict[str, Any]]:
    return {
        f"{manifest['kind']}/{manifest['metadata']['name']}": manifest
        for manifest in yaml.safe_load_all(render(seaway, *words))
    }


def pin(folder: Path, example: str) -> None:
    """The stack deploys a release with the images of the golden files."""
    app = load.load_application(folder / "app" / "app.yaml")
    images = {
        name: release.ReleaseImage.parse(image.reference, image.content)
        for name, image in golden.make_inputs(app)[0].items()
    }
    pinned_release = release.Release(
        application=environments.load_environment(folder, "test", check_ids=all_checks.IDS).base, images=images
    )
    release.save_release(folder, pinned_release)
    release_lock.write(folder, "test", release_lock.Lock(release=pinned_release.id))
    (folder / "Pulumi.test.yaml").write_text(f"{STACK}  seaway:build: false\n{golden.format_config(example)}")
    assert example == app.name


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_a_release_is_rendered_like_the_golden_file(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway
) -> None:
    """To the byte, but for what hangs on a secret's value."""
    folder = fakes.prepare_project(tmp_path, monkeypatch, example, test=STACK)
    pin(folder, example)
    shutil.rmtree(folder / "app")
    wanted = golden.file(example).read_text().replace(yaml_writer.REDACTED, "''")
    assert HASHED.sub(r"\1", render(seaway)) == HASHED.sub(r"\1", wanted)


def test_a_built_image_has_the_tag_of_its_content(shop: Path, seaway: conftest.Seaway) -> None:
    environment = environments.load_environment(shop, "test", check_ids=all_checks.IDS)
    tags = {name: record.tag for name, record in build_inputs.read_build_records(environment).items()}
    manifests = documents(seaway)
    for name in ("web", "api", "worker"):
        pod = manifests[f"Deployment/{name}"]["spec"]["template"]["spec"]
        assert pod["containers"][0]["image"] == f"registry.example.com/shop/{name}:{tags[name]}"
        assert tags[name].startswith("ctx-")


def test_secrets_have_a_placeholder_name_and_no_value(shop: Path, seaway: conftest.Seaway) -> None:
    manifests = documents(seaway)
    assert manifests["Secret/api-secrets-unresolved"]["data"] == {"POSTGRES_PASSWORD": ""}
    volumes = manifests["Deployment/api"]["spec"]["template"]["spec"]["volumes"]
    source = {"name": "api-secrets-unresolved", "items": [{"key": "POSTGRES_PASSWORD", "path": "POSTGRES_PASSWORD"}]}
    assert volumes[-1]["projected"]["sources"] == [{"secret": source}]


def test_only_one_service_store_or_job(shop: Path, seaway: conftest.Seaway) -> None:
    assert list(documents(seaway, "--service", "worker")) == [
        next(key for key in documents(seaway) if key.startswith("ConfigMap/worker-config-")),
        next(key for key in documents(seaway) if key.startswith("NetworkPolicy/worker-")),
        "ServiceAccount/worker",
        "Deployment/worker",
    ]
    assert "StatefulSet/db" in documents(seaway, "--service", "db")
    assert any(key.startswith("Job/migrate-") for key in documents(seaway, "--service", "migrate"))


def test_json_is_a_list_of_the_same(shop: Path, seaway: conftest.Seaway) -> None:
    document = json.loads(render(seaway, "--json", "--service", "db"))
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    assert document["items"] == list(documents(seaway, "--service", "db").values())


@pytest.mark.parametrize("name", ["wrker", "zzz"])
def test_an_unknown_service(shop: Path, name: str, seaway: conftest.Seaway, wording: list[str]) -> None:
    out, err = seaway("render", "--service", name, code=2)
    assert (out, err.splitlines()) == ("", wording)


def test_an_unknown_service_of_a_release(shop: Path, seaway: conftest.Seaway) -> None:
    pin(shop, "shop")
    (pinned,) = (shop / "releases").iterdir()
    out, err = seaway("render", "--service", "wrker", code=2)
    assert (out, err.partition(":")[0]) == ("", f"releases/{pinned.name}")


def test_an_invalid_file(shop: Path, seaway: conftest.Seaway) -> None:
    file = shop / "app" / "app.yaml"
    file.write_text(file.read_text().replace("port: 8000", "port: 80000", 1))
    out, err = seaway("render", code=2)
    assert (out, err.partition(": ")[0]) == ("", "app/app.yaml:7:5")


COMPOSE = """\
services:
  web: {image: python:3.12-slim, command: python -m http.server 8080, ports: ["8080:8080"], secrets: [token]}
  debug: {image: python:3.12-slim, command: python -m http.server 8080, profiles: [debug]}
secrets:
  token: {file: ./token}
"""


def test_another_file_needs_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seaway: conftest.Seaway, wording: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docker-compose.yml").write_text(COMPOSE)
    out, err = seaway("render", "--app", "docker-compose.yml", "-n", "page", "--profile", "debug")
    manifests = {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in yaml.safe_load_all(out)}
    assert ("Deployment", "debug") in manifests
    assert manifests["Service", "web"]["spec"]["type"] == "NodePort"
    assert {manifest["metadata"].get("namespace", "page") for manifest in manifests.values()} == {"page"}
    assert ("Namespace", "page") in manifests
    assert ("Secret", "web-secrets-unresolved") not in manifests
    assert err.splitlines() == wording


def test_another_file_with_the_settings_of_a_stack(shop: Path, seaway: conftest.Seaway) -> None:
    (shop / "Pulumi.test.yaml").write_text(f"{STACK}  seaway:imageOverrides: {{'python:3.12-slim': here/python}}\n")
    (shop / "compose.yml").write_text(COMPOSE.replace(", secrets: [token]", ""))
    manifests = documents(seaway, "--stack", "test", "--app", "compose.yml", "--service", "web")
    (container,) = manifests["Deployment/web"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "here/python"
    assert manifests["Deployment/web"]["metadata"]["namespace"] == f"{shop.name.replace('_', '-')}-test"


@pytest.mark.parametrize("words", [["--app", "app/app.yaml"], ["-n", "page"], ["--profile", "a"]])
def test_options_that_do_not_fit(words: list[str], shop: Path, seaway: conftest.Seaway, wording: list[str]) -> None:
    assert seaway("render", *words, code=2).err.splitlines() == wording
