"""The plan of an image: what stops it, and what is recorded for the next time."""

import dataclasses
from pathlib import Path

import pytest

from components import image
from components import settings as components_settings
from seaway.images import changes
from seaway.model import application, problems, settings
from seaway.release import lock

DOCKERFILE = "ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\n"


@pytest.fixture
def given(tmp_path: Path) -> components_settings.Given:
    names = ("web", "worker")
    for name in names:
        (tmp_path / "app" / name).mkdir(parents=True)
        (tmp_path / "app" / name / "Dockerfile").write_text(DOCKERFILE)
    services = tuple(application.Service(name=name, build=application.Build(context=name)) for name in names)
    app = application.Application(name="shop", services=services)
    return components_settings.Given(
        app=app,
        stated=app,
        base=app,
        lock=lock.Lock(),
        release=None,
        settings=settings.Settings(stack="dev", context="work"),
        secrets={},
        folder=tmp_path,
    )


def plans(given: components_settings.Given, **substitutes: str) -> list[image.Plan]:
    chosen = dataclasses.replace(given.settings, substitutes=substitutes)
    repositories = {"web": "registry.example.com/web", "worker": "registry.example.com/worker"}
    return image.plans(dataclasses.replace(given, settings=chosen), repositories)


def test_a_dockerfile_that_is_no_text_is_told_with_its_line(given: components_settings.Given) -> None:
    web, worker = (given.folder / "app" / name / "Dockerfile" for name in ("web", "worker"))
    web.write_bytes(b"FROM scratch\n# caf\xe9\n")
    worker.write_bytes(b"\xff\xfeF\x00")
    with pytest.raises(problems.Invalid) as caught:
        plans(given)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{web}:2: is no UTF-8 text (byte 0xe9); save it as UTF-8",
        f"{worker}:1: is no UTF-8 text (byte 0xff); save it as UTF-8",
    ]


def test_a_dockerfile_with_a_byte_order_mark_is_fine(given: components_settings.Given) -> None:
    (given.folder / "app/web/Dockerfile").write_text(DOCKERFILE, encoding="utf-8-sig")
    web, _ = plans(given, **{"python:3.12-slim": "registry.example.com/python:3.11"})
    assert web.args["BASE_IMAGE"] == "registry.example.com/python:3.11"


def test_another_substitute_gives_a_reason_and_the_same_tag(given: components_settings.Given) -> None:
    plain, _ = plans(given)
    one, _ = plans(given, **{"python:3.12-slim": "registry.example.com/python:3.11"})
    two, _ = plans(given, **{"docker.io/library/python:3.12-slim": "mirror.example.com/python:3.11"})
    assert plain.tag == one.tag == two.tag
    told = "base of BASE_IMAGE changed: python:3.12-slim -> registry.example.com/python:3.11"
    assert changes.reason(plain.record, one.record) == told
    told = "base of BASE_IMAGE changed: registry.example.com/python:3.11 -> mirror.example.com/python:3.11"
    assert changes.reason(one.record, two.record) == told
    assert changes.reason(two.record, two.record) is None
