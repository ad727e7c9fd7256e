"""images.lock: read strictly, written in one way, and applied to what is deployed."""

from pathlib import Path

import pytest

from seaway.files import roots
from seaway.model import application, settings
from seaway.project import environments, images_lock
from seaway.syntax import diagnosis, nodes

ONE, TWO = f"sha256:{1:064}", f"sha256:{2:064}"
VOLUME = application.Volume(path="/data", size="1Gi")
LOCK = images_lock.ImagesLock(
    pins={"python:3.12-slim": ONE, "docker.io/library/postgres:17": TWO, "[::1]:5000/web:1": ONE}
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    (tmp_path / images_lock.FILE_NAME).write_text(images_lock.format_lock(LOCK))
    assert images_lock.read_lock(tmp_path, roots.Root(tmp_path)) == LOCK
    assert images_lock.format_lock(LOCK).splitlines() == [
        "# What each image is, by digest. Written by `seaway release outdated --write`; commit it.",
        f'"[::1]:5000/web:1": {ONE}',
        f"docker.io/library/postgres:17: {TWO}",
        f"python:3.12-slim: {ONE}",
    ]


def test_without_a_file_nothing_is_pinned(tmp_path: Path) -> None:
    assert images_lock.read_lock(tmp_path, roots.Root(tmp_path)) is None


REMEDY = "remove the line, or take the file from git, and then: seaway release outdated --write"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a", "app/images.lock:1:1: a list is no mapping from image to digest"),
        ("a: b", 'app/images.lock:1:4: a: "b" is no digest (sha256:...)'),
        (f"a:\n  b: {ONE}", "app/images.lock:2:3: a: a mapping is no digest (sha256:...)"),
        (f"a@sha256:1: {ONE}", "app/images.lock:1:1: a@sha256:1: has a digest of its own, and needs none here"),
        (f"a: {ONE}\na:latest: {ONE}", "app/images.lock:2:1: a:latest: is the same image as a"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / images_lock.FILE_NAME).write_text(text)
    with pytest.raises(diagnosis.InvalidInput) as caught:
        images_lock.read_lock(tmp_path, roots.Root(tmp_path), "app/images.lock")
    assert str(caught.value) == f"{told}; {REMEDY}"


def test_a_folder_is_no_lock_file(tmp_path: Path) -> None:
    (tmp_path / images_lock.FILE_NAME).mkdir()
    with pytest.raises(diagnosis.InvalidInput) as caught:
        images_lock.read_lock(tmp_path, roots.Root(tmp_path))
    assert str(caught.value) == f"images.lock: is a directory, not a regular file; {REMEDY}"


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
    found = images_lock.pin_application(app, LOCK)
    images = [one.image for one in (*found.services, *found.stores, *found.jobs)]
    assert images == [None, "nginx:1.27", f"postgres:17@{TWO}", "python:3.12-slim@sha256:3"]
    assert images_lock.pin_application(app, images_lock.ImagesLock()) == app


def test_what_an_environment_takes_instead_has_a_pin_of_its_own() -> None:
    said = settings.Settings(
        stack="dev", context="work", image_overrides={"a:1": "postgres:17", "postgres:17": "mirror/b"}
    )
    found = images_lock.pin_overrides(said, LOCK)
    assert found.image_overrides == {"a:1": f"postgres:17@{TWO}", "postgres:17": "mirror/b"}


APP = """name: shop
services: {web: {image: "nginx:1.27"}}
jobs: {migrate: {uses: web, command: [migrate]}, tidy: {image: "python:3.12-slim"}}
"""


def loaded(folder: Path, pins: str) -> environments.Environment:
    (folder / "app").mkdir()
    (folder / "app" / "app.yaml").write_text(APP)
    (folder / "app" / images_lock.FILE_NAME).write_text(pins)
    said = {
        "context": "work",
        "imageOverrides": {"python:3.12-slim": "mirror/python"},
        "overlay": {"services": {"web": {}}},
    }
    values = nodes.from_plain(said, "Pulumi.dev.yaml")
    assert isinstance(values, nodes.MappingNode)
    return environments.read_environment(values, folder=folder, stack="dev", check_ids=())


def test_an_environment_has_the_digests_everywhere(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"nginx:1.27: {ONE}\npython:3.12-slim: {TWO}\nmirror/python: {ONE}\n")
    for app in (found.app, found.declared, found.base):
        assert app.services[0].image == f"nginx:1.27@{ONE}"
    assert [job.image for job in found.app.jobs] == [f"nginx:1.27@{ONE}", f"python:3.12-slim@{TWO}"]
    assert found.settings.image_overrides == {"python:3.12-slim": f"mirror/python@{ONE}"}


def test_what_is_wrong_with_the_file_stops_the_environment(tmp_path: Path) -> None:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        loaded(tmp_path, "a: 1")
    assert str(caught.value) == f"app/images.lock:1:4: a: 1 is no digest (sha256:...); {REMEDY}"
