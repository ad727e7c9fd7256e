"""The list of images in the cluster's registry, and the notes about the images of an application."""

import tarfile
from pathlib import Path

import pytest

from dev.images import catalogue, layers, oci, recipes
from seaway.project import environments

REGISTRY = {
    "_catalog?n=1000": {"repositories": ["base/python", "shop/web", "empty"]},
    "base/python/tags/list": {"tags": ["3.11-bookworm"]},
    "shop/web/tags/list": {"tags": ["ctx-0123456789ab"]},
    "empty/tags/list": {"tags": None},
    "base/python/manifests/3.11-bookworm": {"config": {"digest": "sha256:1"}},
    "base/python/blobs/sha256:1": {
        "config": {"Labels": {recipes.TITLE: "Debian's Python, standing in", oci.CONTENT_LABEL: "python3 3.11.2"}}
    },
}
PYTHON = "registry.localhost:5000/base/python:3.11-bookworm"
OVERRIDES = {"python:3.12-slim": PYTHON, "postgres:17": "registry.localhost:5000/base/postgres:15-bookworm"}


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oci, "read_registry", lambda _, path: REGISTRY.get(path))


def test_list_has_true_versions_and_no_built_images(monkeypatch: pytest.MonkeyPatch) -> None:
    images = catalogue.list_images("localhost:1", OVERRIDES)
    assert images == [
        catalogue.CatalogueImage(name=PYTHON, content="Debian's Python: python3 3.11.2", replaces=("python:3.12-slim",))
    ]
    monkeypatch.setattr(catalogue, "reaches_registry", lambda _: False)
    text = catalogue.format_images(images)
    assert f"  python:3.12-slim\n    runs {PYTHON}\n    Debian's Python: python3 3.11.2\n" in text
    assert "Docker Hub (docker.io) does not answer." in text
    assert "make image NAME=NAME:TAG TAR=image.tar" in text


def make_environment(folder: Path, cache: str) -> environments.Environment:
    overrides = "".join(f"    {image}: {override}\n" for image, override in OVERRIDES.items())
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  seaway:context: c\n  seaway:registry: registry.localhost:5000\n  seaway:imageOverrides:\n"
        + overrides
    )
    (folder / "app" / "web").mkdir(parents=True)
    (folder / "app" / "web" / "Dockerfile").write_text("ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\n")
    (folder / "app" / "app.yaml").write_text(
        f"name: shop\nservices:\n  web: {{build: ./web, port: 80}}\n  cache: {{image: '{cache}', port: 80}}\n"
    )
    return environments.load_environment(folder, "dev", check_ids=())


@pytest.mark.parametrize(
    ("cache", "is_reached", "note"),
    [
        ("redis:7", False, "warning: services.cache: this machine does not reach docker.io for redis:7; add it:"),
        ("redis:7", True, ""),
        (
            "registry.localhost:5000/redis:7",
            True,
            "warning: services.cache: registry.localhost:5000/redis:7 is not in this cluster's registry; add it:",
        ),
        (
            "postgres:17",
            True,
            "warning: services.cache: registry.localhost:5000/base/postgres:15-bookworm is not in this cluster's",
        ),
        (PYTHON, True, ""),
    ],
)
def test_notes_name_replaced_and_missing_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str, note: str, *, is_reached: bool
) -> None:
    monkeypatch.setattr(catalogue, "reaches_registry", lambda _: is_reached)
    notes = catalogue.find_notes(make_environment(tmp_path, cache), "localhost:1")
    replaced = "web/Dockerfile:2: this cluster runs python:3.12-slim as Debian's Python: python3 3.11.2"
    assert [text for text in notes if not text.startswith("warning")] == [replaced]
    assert [text.startswith(note) and "make image NAME=" in text for text in notes if text != replaced] == [
        True
    ] * bool(note)


@pytest.mark.parametrize(
    ("text", "name"),
    [("redis", "redis:latest"), ("redis:7", "redis:7"), ("registry.localhost:5000/a/b-c:1.0", "a/b-c:1.0")],
)
def test_name_is_relative_to_the_registry(text: str, name: str) -> None:
    assert catalogue.parse_name(text) == name


@pytest.mark.parametrize("text", ["", "Redis", "redis:", "a//b", "docker.io:80/redis:7", "a b"])
def test_invalid_name_is_reported(text: str) -> None:
    with pytest.raises(layers.CannotMakeError, match=r"not a valid name; write it as in app\.yaml"):
        catalogue.parse_name(text)


def test_archive_that_is_no_image_is_reported(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "files.tar", "w") as tar:
        tar.add(__file__, "file.py")
    with pytest.raises(layers.CannotMakeError, match=r"not an image; write it with `docker save IMAGE -o files\.tar`"):
        catalogue.add_archive("tool:1", tmp_path / "files.tar", "localhost:1")


def test_image_of_packages_has_a_key_for_each_list_of_packages() -> None:
    first, second = (recipes.compose_image("redis:7", (package,), ("redis-server",)) for package in ("a", "b"))
    assert (first.name, first.config) == ("redis:7", {"Cmd": ["redis-server"]})
    assert first.layer.compute_key() != second.layer.compute_key()
    assert recipes.compose_image("redis", ("a",), ()).config == {}
    assert 'make image NAME=redis:7 PACKAGES="..."' in catalogue.format_ways("redis:7")
    assert "make image NAME=redis:7   a replacement" in catalogue.format_ways("redis:7")
    assert "a replacement" not in catalogue.format_ways("memcached:1")
    assert "make image NAME=redis:7 FROM=" in catalogue.format_ways("registry.localhost:5000/redis:7")
