"""Which images an application names, and how they stand to their registries."""

from pathlib import Path

import pytest

from seaway.files import roots
from seaway.images import outdated, registry
from seaway.model import application
from seaway.project import images_lock
from seaway.syntax import diagnosis

ONE, TWO = f"sha256:{1:064}", f"sha256:{2:064}"
NOW = {"python:3.12": ONE, "nginx:1": TWO, "mirror/nginx": TWO, "old:1": ONE}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Registries that have NOW."""

    def digest(reference: str) -> str:
        if reference not in NOW:
            raise registry.ImageNotFound(f"{reference}: there is no such image")
        return NOW[reference]

    monkeypatch.setattr(registry, "resolve_digest", digest)
    return tmp_path


def app(folder: Path, *dockerfiles: str, image: str = "nginx:1") -> application.Application:
    services = [application.Service(name="proxy", image=image)]
    for number, text in enumerate(dockerfiles):
        (folder / f"web{number}").mkdir()
        (folder / f"web{number}" / "Dockerfile").write_text(text)
        services.append(application.Service(name=f"web{number}", build=application.Build(context=f"web{number}")))
    return application.Application(name="shop", services=tuple(services))


def test_each_image_once_with_all_its_places(folder: Path) -> None:
    pinnable = "ARG B=python:3.12\nFROM ${B} AS one\nFROM ${B}\n"
    found = outdated.find_image_uses(
        app(folder, pinnable, "FROM python:3.12\nFROM one:1@sha256:1"), folder, roots.Root(folder), {}
    )
    assert [(one.reference, one.used_in, one.digest, one.is_lockable) for one in found] == [
        ("nginx:1", ("services.proxy",), None, True),
        ("one:1", ("web1/Dockerfile:2",), "sha256:1", False),
        # The lock file has it: one of its places can be pinned.
        ("python:3.12", ("web0/Dockerfile:2", "web0/Dockerfile:3", "web1/Dockerfile:1"), None, True),
    ]


def test_an_environment_is_asked_for_what_it_takes_instead(folder: Path) -> None:
    found = outdated.find_image_uses(
        app(folder), folder, roots.Root(folder), {"docker.io/library/nginx:1": "mirror/nginx"}
    )
    assert [one.reference for one in found] == ["mirror/nginx"]


def test_a_digest_alone_can_not_be_outdated(folder: Path) -> None:
    assert outdated.find_image_uses(app(folder, image="nginx@sha256:1"), folder, roots.Root(folder), {}) == []


def test_a_dockerfile_that_is_not_there_is_told(folder: Path) -> None:
    one = application.Service(name="web", build=application.Build(context="web"))
    with pytest.raises(diagnosis.InvalidInput) as caught:
        outdated.find_image_uses(application.Application(name="shop", services=(one,)), folder, roots.Root(folder), {})
    assert str(caught.value) == f"{folder}/web/Dockerfile: there is no such file; correct `build`"


def test_states(folder: Path) -> None:
    text = f"ARG B=python:3.12\nFROM ${{B}}\nFROM gone:1\nFROM old:1@{TWO}\nCOPY --from=old:1 /a /a\n"
    lock = images_lock.ImagesLock(
        pins={"docker.io/library/python:3.12": ONE, "nginx:1": ONE, "gone:1": ONE, "old:1": ONE}
    )
    found = outdated.compare_with_registries(
        outdated.find_image_uses(app(folder, text), folder, roots.Root(folder), {}), lock
    )
    assert [
        (one.use.reference, one.state, one.pinned_digest, one.registry_digest, one.reason.partition(";")[0])
        for one in found
    ] == [
        ("gone:1", "unreachable", None, None, "gone:1: there is no such image"),
        ("nginx:1", "outdated", ONE, TWO, ""),
        ("old:1", "not pinned", None, ONE, "old:1 is written out, so images.lock cannot pin it"),
        ("old:1", "outdated", TWO, ONE, "old:1 has its digest in web0/Dockerfile:4"),
        ("python:3.12", "current", ONE, ONE, ""),
    ]


def test_renewed_is_what_the_registries_say_and_what_could_not_be_asked(folder: Path) -> None:
    text = "ARG A=gone:1\nARG B=library/python:3.12\nFROM $A\nFROM python:3.12\nFROM old:1\nFROM $B\n"
    before = {"gone:1": TWO, "python:3.12": TWO, "unused:1": ONE, "of-a-stack:1": ONE}
    found = outdated.compare_with_registries(
        outdated.find_image_uses(app(folder, text.replace("library/", "")), folder, roots.Root(folder), {}),
        images_lock.ImagesLock(),
    )
    lock = outdated.renew_lock(images_lock.ImagesLock(pins=before), found, unused=["unused:1"])
    assert lock.pins == {"gone:1": TWO, "python:3.12": ONE, "nginx:1": TWO, "of-a-stack:1": ONE}


def test_one_image_has_one_line_however_it_is_written(folder: Path) -> None:
    before = images_lock.ImagesLock(pins={"docker.io/library/nginx:1": ONE})
    found = outdated.compare_with_registries(
        outdated.find_image_uses(app(folder), folder, roots.Root(folder), {}), before
    )
    assert outdated.renew_lock(before, found).pins == {"nginx:1": TWO}
