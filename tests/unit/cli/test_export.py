"""``seaway export``: an application as a Docker Compose file."""

import json
from pathlib import Path

import pytest
import yaml

from tests.unit.cli import conftest, environments, test_render

HEADER = """\
# shop for Docker Compose v2, written by `seaway export`, which lists the differences from a cluster.
# Save it in the project folder, beside Pulumi.yaml: paths are relative to it.
# Before the first start: mkdir -p ./secrets
#   printf %s "$(openssl rand -hex 16)" > ./secrets/POSTGRES_PASSWORD
# docker compose up --build --detach

name: shop
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return environments.prepare_project(tmp_path, monkeypatch, test=test_render.STACK)


def test_a_file_for_docker_and_what_is_lost(shop: Path, seaway: conftest.Seaway) -> None:
    with (shop / "Pulumi.test.yaml").open("a") as file:
        file.write("  seaway:imageOverrides: {'python:3.12-slim': mirror/python:3}\n")
        file.write("  seaway:overlay: {services: {web: {scale: 1, preStopDelay: 9}}}\n")
    out, err = seaway("export")
    assert out.startswith(HEADER)
    web = yaml.safe_load(out)["services"]["web"]
    assert web["build"] == {"context": "./app/web", "args": {"BASE_IMAGE": "mirror/python:3"}}
    assert web["healthcheck"]["test"][1] == "python3"
    assert web["ports"] == [{"target": 8000, "published": "8000"}]
    assert "services.web.preStopDelay" in err
    assert err.endswith("app/app.yaml: 38 keys: 28 kept, 9 approximated, 1 dropped\n")


def test_strict_and_json(shop: Path, seaway: conftest.Seaway) -> None:
    out, err = seaway("export", "--strict", code=1)
    assert (out, "stores.db.volume.size" in err) == ("", True)
    document = json.loads(seaway("export", "--json")[0])
    assert list(document) == ["application", "counts", "strict", "keys", "compose"]
    key = next(key for key in document["keys"] if key["key"] == "stores.db.volume.size")
    assert key == {
        "file": "app/app.yaml",
        "line": 35,
        "column": 46,
        "key": "stores.db.volume.size",
        "kind": "approximated",
        "message": key["message"],
        "hint": key["hint"],
    }
    assert document["compose"]["name"] == "shop"


def test_a_release_has_its_images(shop: Path, seaway: conftest.Seaway) -> None:
    test_render.pin(shop, "shop")
    services = yaml.safe_load(seaway("export")[0])["services"]
    assert services["web"]["image"] == services["web"]["image"].partition("@")[0] + services["web"]["image"][-72:]
    assert services["migrate"]["image"] == services["api"]["image"]


def test_another_file_needs_no_stack(shop: Path, seaway: conftest.Seaway) -> None:
    (shop / "Pulumi.yaml").unlink()
    assert yaml.safe_load(seaway("export", "--app", "app/app.yaml")[0])["services"]["web"]["build"] == "./app/web"
