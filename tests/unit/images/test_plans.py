"""The plan of an image: its errors, and the record for the next build."""

import dataclasses
from pathlib import Path

import pytest

from components import image, stack_config
from seaway.images import rebuild_reasons
from seaway.model import application, settings
from seaway.project import environments, images_lock
from tests.support import diagnostics

ONE, TWO = f"sha256:{1:064}", f"sha256:{2:064}"
DOCKERFILE = "ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\n"


@pytest.fixture
def environment(tmp_path: Path) -> environments.Environment:
    names = ("web", "worker")
    for name in names:
        (tmp_path / "app" / name).mkdir(parents=True)
        (tmp_path / "app" / name / "Dockerfile").write_text(DOCKERFILE)
    services = tuple(application.Service(name=name, build=application.Build(context=name)) for name in names)
    app = application.Application(name="shop", services=services)
    stack_settings = settings.Settings(stack="dev", context="work")
    return dataclasses.replace(environments.Environment.create(app, stack_settings), folder=tmp_path)


def plan(environment: environments.Environment, **overrides: str) -> list[image.BuildPlan]:
    stack_settings = dataclasses.replace(environment.settings, image_overrides=overrides)
    environment = dataclasses.replace(environment, settings=stack_settings)
    return image.plan_builds(stack_config.StackInputs(environment=environment))


def test_a_dockerfile_that_is_not_utf_8_is_reported_with_its_line(environment: environments.Environment) -> None:
    web, worker = (environment.folder / "app" / name / "Dockerfile" for name in ("web", "worker"))
    web.write_bytes(b"FROM scratch\n# caf\xe9\n")
    worker.write_bytes(b"\xff\xfeF\x00")
    errors = diagnostics.catch(lambda: plan(environment))
    assert diagnostics.summarize(errors) == [f"{web}:2: : not-utf-8", f"{worker}:1: : not-utf-8"]


def test_a_dockerfile_may_have_a_byte_order_mark(environment: environments.Environment) -> None:
    (environment.folder / "app/web/Dockerfile").write_text(DOCKERFILE, encoding="utf-8-sig")
    web, _ = plan(environment, **{"python:3.12-slim": "registry.example.com/python:3.11"})
    assert web.args["BASE_IMAGE"] == "registry.example.com/python:3.11"


def test_another_override_is_a_reason_to_rebuild_with_the_same_tag(environment: environments.Environment) -> None:
    plain, _ = plan(environment)
    first, _ = plan(environment, **{"python:3.12-slim": "registry.example.com/python:3.11"})
    second, _ = plan(environment, **{"docker.io/library/python:3.12-slim": "mirror.example.com/python:3.11"})
    assert plain.tag == first.tag == second.tag
    reason = "base of BASE_IMAGE changed: python:3.12-slim -> registry.example.com/python:3.11"
    assert rebuild_reasons.explain_rebuild(plain.record, first.record) == reason
    reason = "base of BASE_IMAGE changed: registry.example.com/python:3.11 -> mirror.example.com/python:3.11"
    assert rebuild_reasons.explain_rebuild(first.record, second.record) == reason
    assert rebuild_reasons.explain_rebuild(second.record, second.record) is None


def test_an_image_of_a_named_context_is_overridden_and_pinned(environment: environments.Environment) -> None:
    (environment.folder / "app/web/Dockerfile").write_text("FROM base\nCOPY --from=lib a b\n")
    build = application.Build(context="web", contexts={"base": "docker-image://python:3", "lib": "worker"})
    app = application.Application(name="shop", services=(application.Service(name="web", build=build),))
    environment = dataclasses.replace(environment, app=app)
    (loose,) = plan(environment)
    assert loose.contexts == {"base": "docker-image://python:3", "lib": ".seaway/context/web+lib"}
    (overridden,) = plan(environment, **{"python:3": "mirror.example.com/python:3"})
    assert overridden.contexts["base"] == "docker-image://mirror.example.com/python:3"
    write_lock(environment, **{"python:3": ONE})
    (pinned,) = plan(environment)
    assert pinned.contexts["base"] == f"docker-image://python:3@{ONE}"
    assert loose.tag == overridden.tag != pinned.tag
    assert [str(warning) for warning in pinned.inputs.warnings] == []


def write_lock(environment: environments.Environment, **pins: str) -> None:
    (environment.folder / "app" / images_lock.FILE_NAME).write_text(
        images_lock.format_lock(images_lock.ImagesLock(pins=pins))
    )


def test_a_pinned_base_image_is_used_and_is_part_of_the_tag(environment: environments.Environment) -> None:
    loose, _ = plan(environment)
    assert "BASE_IMAGE" not in loose.args
    write_lock(environment, **{"docker.io/library/python:3.12-slim": ONE})
    first, _ = plan(environment)
    assert first.args["BASE_IMAGE"] == f"python:3.12-slim@{ONE}"
    assert rebuild_reasons.explain_rebuild(loose.record, first.record) == "base image python:3.12-slim pinned"
    write_lock(environment, **{"python:3.12-slim": TWO})
    second, _ = plan(environment)
    assert second.args["BASE_IMAGE"] == f"python:3.12-slim@{TWO}"
    assert rebuild_reasons.explain_rebuild(first.record, second.record) == "base image python:3.12-slim renewed"
    assert len({loose.tag, first.tag, second.tag}) == 3


def test_a_pin_does_not_apply_to_an_override(environment: environments.Environment) -> None:
    """An override is another image, with another digest."""
    mirror = {"python:3.12-slim": "mirror.example.com/python:3.12-slim"}
    loose, _ = plan(environment, **mirror)
    write_lock(environment, **{"python:3.12-slim": ONE})
    same, _ = plan(environment, **mirror)
    assert same.args == loose.args
    assert same.tag == loose.tag
    pinned, _ = plan(environment, **{name: f"{reference}@{ONE}" for name, reference in mirror.items()})
    direct, _ = plan(environment)
    assert pinned.args["BASE_IMAGE"] == f"mirror.example.com/python:3.12-slim@{ONE}"
    assert pinned.tag == direct.tag, "the same image from elsewhere"


def test_an_unpinnable_image_is_a_warning_only_with_a_lock_file(environment: environments.Environment) -> None:
    file = environment.folder / "app/web/Dockerfile"
    file.write_text("FROM python:3.12-slim\n")
    web, _ = plan(environment)
    assert web.inputs.warnings == ()
    write_lock(environment, **{"python:3.12-slim": ONE})
    web, _ = plan(environment)
    assert diagnostics.summarize(web.inputs.warnings) == ["app/web/Dockerfile:1: : unpinnable-image"]
