"""The plan of an image: what stops it, and what is recorded for the next time."""

import dataclasses
from pathlib import Path

import pytest

from components import image
from seaway.images import rebuild_reasons
from seaway.model import application, settings
from seaway.project import environments, images_lock
from seaway.syntax import diagnosis

ONE, TWO = f"sha256:{1:064}", f"sha256:{2:064}"
DOCKERFILE = "ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\n"


@pytest.fixture
def given(tmp_path: Path) -> environments.Environment:
    names = ("web", "worker")
    for name in names:
        (tmp_path / "app" / name).mkdir(parents=True)
        (tmp_path / "app" / name / "Dockerfile").write_text(DOCKERFILE)
    services = tuple(application.Service(name=name, build=application.Build(context=name)) for name in names)
    app = application.Application(name="shop", services=services)
    stack_settings = settings.Settings(stack="dev", context="work")
    return dataclasses.replace(environments.Environment.create(app, stack_settings), folder=tmp_path)


def plans(given: environments.Environment, **substitutes: str) -> list[image.BuildPlan]:
    chosen = dataclasses.replace(given.settings, image_overrides=substitutes)
    return image.plan_builds(dataclasses.replace(given, settings=chosen))


def test_a_dockerfile_that_is_no_text_is_told_with_its_line(given: environments.Environment) -> None:
    web, worker = (given.folder / "app" / name / "Dockerfile" for name in ("web", "worker"))
    web.write_bytes(b"FROM scratch\n# caf\xe9\n")
    worker.write_bytes(b"\xff\xfeF\x00")
    with pytest.raises(diagnosis.InvalidInput) as caught:
        plans(given)
    assert [str(problem) for problem in caught.value.diagnostics] == [
        f"{web}:2: is no UTF-8 text (byte 0xe9); save it as UTF-8",
        f"{worker}:1: is no UTF-8 text (byte 0xff); save it as UTF-8",
    ]


def test_a_dockerfile_with_a_byte_order_mark_is_fine(given: environments.Environment) -> None:
    (given.folder / "app/web/Dockerfile").write_text(DOCKERFILE, encoding="utf-8-sig")
    web, _ = plans(given, **{"python:3.12-slim": "registry.example.com/python:3.11"})
    assert web.args["BASE_IMAGE"] == "registry.example.com/python:3.11"


def test_another_substitute_gives_a_reason_and_the_same_tag(given: environments.Environment) -> None:
    plain, _ = plans(given)
    one, _ = plans(given, **{"python:3.12-slim": "registry.example.com/python:3.11"})
    two, _ = plans(given, **{"docker.io/library/python:3.12-slim": "mirror.example.com/python:3.11"})
    assert plain.tag == one.tag == two.tag
    told = "base of BASE_IMAGE changed: python:3.12-slim -> registry.example.com/python:3.11"
    assert rebuild_reasons.explain_rebuild(plain.record, one.record) == told
    told = "base of BASE_IMAGE changed: registry.example.com/python:3.11 -> mirror.example.com/python:3.11"
    assert rebuild_reasons.explain_rebuild(one.record, two.record) == told
    assert rebuild_reasons.explain_rebuild(two.record, two.record) is None


def locked(given: environments.Environment, **pins: str) -> None:
    (given.folder / "app" / images_lock.FILE_NAME).write_text(
        images_lock.format_lock(images_lock.ImagesLock(pins=pins))
    )


def test_a_pinned_base_is_built_from_and_is_part_of_the_tag(given: environments.Environment) -> None:
    loose, _ = plans(given)
    assert "BASE_IMAGE" not in loose.args
    locked(given, **{"docker.io/library/python:3.12-slim": ONE})
    one, _ = plans(given)
    assert one.args["BASE_IMAGE"] == f"python:3.12-slim@{ONE}"
    assert rebuild_reasons.explain_rebuild(loose.record, one.record) == "base image python:3.12-slim pinned"
    locked(given, **{"python:3.12-slim": TWO})
    two, _ = plans(given)
    assert two.args["BASE_IMAGE"] == f"python:3.12-slim@{TWO}"
    assert rebuild_reasons.explain_rebuild(one.record, two.record) == "base image python:3.12-slim renewed"
    assert len({loose.tag, one.tag, two.tag}) == 3


def test_a_pin_is_that_of_the_image_that_is_taken(given: environments.Environment) -> None:
    """A substitute is another image: the digest of what it stands for says nothing about it."""
    mirror = {"python:3.12-slim": "mirror.example.com/python:3.12-slim"}
    loose, _ = plans(given, **mirror)
    locked(given, **{"python:3.12-slim": ONE})
    same, _ = plans(given, **mirror)
    assert same.args == loose.args
    assert same.tag == loose.tag
    pinned, _ = plans(given, **{name: f"{value}@{ONE}" for name, value in mirror.items()})
    direct, _ = plans(given)
    assert pinned.args["BASE_IMAGE"] == f"mirror.example.com/python:3.12-slim@{ONE}"
    assert pinned.tag == direct.tag, "the same image from elsewhere"


def test_only_with_a_lock_file_is_a_base_that_it_cannot_pin_told(given: environments.Environment) -> None:
    file = given.folder / "app/web/Dockerfile"
    file.write_text("FROM python:3.12-slim\n")
    web, _ = plans(given)
    assert web.warnings == ()
    locked(given, **{"python:3.12-slim": ONE})
    web, _ = plans(given)
    (told,) = web.warnings
    assert str(told).startswith(f"{file}:1: python:3.12-slim is written out, so images.lock cannot pin it; write `ARG")
