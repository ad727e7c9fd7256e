"""images.lock: reading, writing, and the images that are deployed."""

from pathlib import Path

import pytest

from seaway.files import roots
from seaway.model import application, settings
from seaway.project import environments, images_lock
from seaway.syntax import nodes
from tests.support import diagnostics

ONE, TWO = f"sha256:{1:064}", f"sha256:{2:064}"
VOLUME = application.Volume(path="/data", size="1Gi")
LOCK = images_lock.ImagesLock(
    pins={"python:3.12-slim": ONE, "docker.io/library/postgres:17": TWO, "[::1]:5000/web:1": ONE}
)


def test_a_written_file_is_read_as_equal(tmp_path: Path) -> None:
    (tmp_path / images_lock.FILE_NAME).write_text(images_lock.format_lock(LOCK))
    assert images_lock.read_lock(tmp_path, roots.Root(tmp_path)) == LOCK
    assert images_lock.format_lock(LOCK).splitlines() == [
        "# The digest of each image. Written by `seaway images lock`; commit it.",
        f'"[::1]:5000/web:1": {ONE}',
        f"docker.io/library/postgres:17: {TWO}",
        f"python:3.12-slim: {ONE}",
    ]


def test_without_a_file_nothing_is_pinned(tmp_path: Path) -> None:
    assert images_lock.read_lock(tmp_path, roots.Root(tmp_path)) is None


ERRORS = {
    "list": ("- a", "1:1: : invalid-type"),
    "no digest": ("a: b", "1:4: a: invalid-digest"),
    "mapping": (f"a:\n  b: {ONE}", "2:3: a: invalid-digest"),
    "two digests": (f"a@sha256:1: {ONE}", "1:1: a@sha256:1: duplicate-digest"),
    "twice": (f"a: {ONE}\na:latest: {ONE}", "2:1: a:latest: duplicate-name"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(tmp_path: Path, case: str, wording: list[str]) -> None:
    text, expected = ERRORS[case]
    (tmp_path / images_lock.FILE_NAME).write_text(text)
    errors = diagnostics.catch(lambda: images_lock.read_lock(tmp_path, roots.Root(tmp_path), "app/images.lock"))
    assert diagnostics.summarize(errors) == [f"app/images.lock:{expected}"]
    assert list(map(str, errors)) == wording


def test_a_folder_is_not_a_lock_file(tmp_path: Path, wording: list[str]) -> None:
    (tmp_path / images_lock.FILE_NAME).mkdir()
    errors = diagnostics.catch(lambda: images_lock.read_lock(tmp_path, roots.Root(tmp_path)))
    assert diagnostics.summarize(errors) == ["images.lock: : not-a-regular-file"]
    assert list(map(str, errors)) == wording


def test_all_images_are_deployed_by_their_digest() -> None:
    app = application.Application(
        name="shop",
        services=(
            application.Service(name="web", build=application.Build(context="web")),
            application.Service(name="proxy", image="nginx:1.27"),
        ),
        stores=(application.Store(name="db", image="postgres:17", port=5432, volume=VOLUME),),
        jobs=(application.Job(name="tidy", image="python:3.12-slim@sha256:3"),),
    )
    pinned = images_lock.pin_application(app, LOCK)
    images = [workload.image for workload in (*pinned.services, *pinned.stores, *pinned.jobs)]
    assert images == [None, "nginx:1.27", f"postgres:17@{TWO}", "python:3.12-slim@sha256:3"]
    assert images_lock.pin_application(app, images_lock.ImagesLock()) == app


def test_the_images_of_overrides_are_pinned() -> None:
    stack_settings = settings.Settings(
        stack="dev", context="work", image_overrides={"a:1": "postgres:17", "postgres:17": "mirror/b"}
    )
    pinned = images_lock.pin_overrides(stack_settings, LOCK)
    assert pinned.image_overrides == {"a:1": f"postgres:17@{TWO}", "postgres:17": "mirror/b"}


APP = """name: shop
services: {web: {image: "nginx:1.27"}}
jobs: {migrate: {uses: web, command: [migrate]}, tidy: {image: "python:3.12-slim"}}
"""


def load_environment(folder: Path, pins: str) -> environments.Environment:
    (folder / "app").mkdir()
    (folder / "app" / "app.yaml").write_text(APP)
    (folder / "app" / images_lock.FILE_NAME).write_text(pins)
    config = {
        "context": "work",
        "imageOverrides": {"python:3.12-slim": "mirror/python"},
        "overlay": {"services": {"web": {}}},
    }
    config_node = nodes.from_plain(config, "Pulumi.dev.yaml")
    assert isinstance(config_node, nodes.MappingNode)
    return environments.read_environment(config_node, folder=folder, stack="dev", check_ids=())


def test_an_environment_has_the_digests_everywhere(tmp_path: Path) -> None:
    environment = load_environment(tmp_path, f"nginx:1.27: {ONE}\npython:3.12-slim: {TWO}\nmirror/python: {ONE}\n")
    for app in (environment.app, environment.declared, environment.base):
        assert app.services[0].image == f"nginx:1.27@{ONE}"
    assert [job.image for job in environment.app.jobs] == [f"nginx:1.27@{ONE}", f"python:3.12-slim@{TWO}"]
    assert environment.settings.image_overrides == {"python:3.12-slim": f"mirror/python@{ONE}"}


def test_an_error_in_the_file_is_an_error_of_the_environment(tmp_path: Path) -> None:
    errors = diagnostics.catch(lambda: load_environment(tmp_path, "a: 1"))
    assert diagnostics.summarize(errors) == ["app/images.lock:1:4: a: invalid-digest"]


def test_an_image_that_is_a_build_context_is_pinned() -> None:
    contexts = {"base": "docker-image://python:3.12-slim", "folder": "./python:3.12-slim"}
    service = application.Service("web", build=application.Build(context="web", contexts=contexts))
    (pinned,) = images_lock.pin_application(application.Application("shop", services=(service,)), LOCK).services
    assert pinned.build
    assert pinned.build.contexts == contexts | {"base": f"docker-image://python:3.12-slim@{ONE}"}
