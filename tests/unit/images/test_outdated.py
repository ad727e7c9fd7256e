"""The images that an application names, compared with their registries."""

from pathlib import Path

import pytest

from seaway.files import roots
from seaway.images import outdated, registry
from seaway.model import application
from seaway.project import images_lock
from seaway.syntax import diagnosis
from tests.support import diagnostics

ONE, TWO = f"sha256:{1:064}", f"sha256:{2:064}"
NOW = {"python:3.12": ONE, "nginx:1": TWO, "mirror/nginx": TWO, "old:1": ONE}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, and registries that have NOW."""

    def digest(reference: str) -> str:
        if reference not in NOW:
            raise registry.ImageNotFound(f"{reference}: there is no such image")
        return NOW[reference]

    monkeypatch.setattr(registry, "resolve_digest", digest)
    return tmp_path


def create_app(folder: Path, *dockerfiles: str, image: str = "nginx:1") -> application.Application:
    services = [application.Service(name="proxy", image=image)]
    for number, text in enumerate(dockerfiles):
        (folder / f"web{number}").mkdir()
        (folder / f"web{number}" / "Dockerfile").write_text(text)
        services.append(application.Service(name=f"web{number}", build=application.Build(context=f"web{number}")))
    return application.Application(name="shop", services=tuple(services))


def test_an_image_is_listed_once_with_all_its_uses(folder: Path) -> None:
    pinnable = "ARG B=python:3.12\nFROM ${B} AS one\nFROM ${B}\n"
    uses = outdated.find_image_uses(
        create_app(folder, pinnable, "FROM python:3.12\nFROM one:1@sha256:1"), folder, roots.Root(folder), {}
    )
    assert [(use.reference, use.used_in, use.digest, use.is_lockable) for use in uses] == [
        ("nginx:1", ("services.proxy",), None, True),
        ("one:1", ("web1/Dockerfile:2",), "sha256:1", False),
        # The lock file has it, because one of its uses can be pinned.
        ("python:3.12", ("web0/Dockerfile:2", "web0/Dockerfile:3", "web1/Dockerfile:1"), None, True),
    ]


def test_overrides_of_an_environment_replace_images(folder: Path) -> None:
    uses = outdated.find_image_uses(
        create_app(folder), folder, roots.Root(folder), {"docker.io/library/nginx:1": "mirror/nginx"}
    )
    assert [use.reference for use in uses] == ["mirror/nginx"]


def test_a_digest_without_a_tag_cannot_be_outdated(folder: Path) -> None:
    assert outdated.find_image_uses(create_app(folder, image="nginx@sha256:1"), folder, roots.Root(folder), {}) == []


def test_named_contexts_are_no_images(folder: Path) -> None:
    create_app(folder, "FROM scratch\nCOPY --from=shared a b\nCOPY --from=tools a b\n")
    contexts = {"shared": "./shared", "tools": "docker-image://python:3.12"}
    build = application.Build(context="web0", contexts=contexts)
    app = application.Application(name="shop", services=(application.Service(name="web", build=build),))
    (use,) = outdated.find_image_uses(app, folder, roots.Root(folder), {})
    assert (use.reference, use.used_in, use.is_lockable) == ("python:3.12", ("web0/Dockerfile:3",), True)


def test_a_missing_dockerfile_is_reported(folder: Path) -> None:
    service = application.Service(name="web", build=application.Build(context="web"))
    with pytest.raises(diagnosis.InvalidInput) as caught:
        outdated.find_image_uses(
            application.Application(name="shop", services=(service,)), folder, roots.Root(folder), {}
        )
    assert diagnostics.summarize(caught.value.diagnostics) == [f"{folder}/web/Dockerfile: : file-not-found"]


def test_states(folder: Path) -> None:
    text = f"ARG B=python:3.12\nFROM ${{B}}\nFROM gone:1\nFROM old:1@{TWO}\nCOPY --from=old:1 /a /a\n"
    lock = images_lock.ImagesLock(
        pins={"docker.io/library/python:3.12": ONE, "nginx:1": ONE, "gone:1": ONE, "old:1": ONE}
    )
    statuses = outdated.compare_with_registries(
        outdated.find_image_uses(create_app(folder, text), folder, roots.Root(folder), {}), lock
    )
    assert [
        (
            status.use.reference,
            status.state,
            status.pinned_digest,
            status.registry_digest,
            status.reason.partition(";")[0],
        )
        for status in statuses
    ] == [
        ("gone:1", "unreachable", None, None, "gone:1: there is no such image"),
        ("nginx:1", "outdated", ONE, TWO, ""),
        ("old:1", "not pinned", None, ONE, "old:1 is not in a build argument, so images.lock cannot pin it"),
        ("old:1", "outdated", TWO, ONE, "old:1 has its digest in web0/Dockerfile:4"),
        ("python:3.12", "current", ONE, ONE, ""),
    ]


def test_a_renewed_lock_has_the_digests_of_registries_and_keeps_unreachable_images(folder: Path) -> None:
    text = "ARG A=gone:1\nARG B=library/python:3.12\nFROM $A\nFROM python:3.12\nFROM old:1\nFROM $B\n"
    before = {"gone:1": TWO, "python:3.12": TWO, "unused:1": ONE, "of-a-stack:1": ONE}
    statuses = outdated.compare_with_registries(
        outdated.find_image_uses(create_app(folder, text.replace("library/", "")), folder, roots.Root(folder), {}),
        images_lock.ImagesLock(),
    )
    lock = outdated.renew_lock(images_lock.ImagesLock(pins=before), statuses, unused=["unused:1"])
    assert lock.pins == {"gone:1": TWO, "python:3.12": ONE, "nginx:1": TWO, "of-a-stack:1": ONE}


def test_an_image_has_one_line_in_any_spelling(folder: Path) -> None:
    before = images_lock.ImagesLock(pins={"docker.io/library/nginx:1": ONE})
    statuses = outdated.compare_with_registries(
        outdated.find_image_uses(create_app(folder), folder, roots.Root(folder), {}), before
    )
    assert outdated.renew_lock(before, statuses).pins == {"nginx:1": TWO}


def test_the_images_of_a_build_are_listed(folder: Path) -> None:
    (folder / "web").mkdir()
    (folder / "web" / "Dockerfile").write_text("# syntax=python:3.12\nFROM scratch\n")
    build = application.Build(context="web", contexts={"one": "docker-image://nginx:1", "two": "https://example.com/a"})
    app = application.Application("shop", services=(application.Service("web", build=build),))
    uses = outdated.find_image_uses(app, folder, roots.Root(folder), {})
    assert [(use.reference, use.used_in, use.is_lockable) for use in uses] == [
        ("nginx:1", ("services.web.build.contexts.one",), True),
        ("python:3.12", ("web/Dockerfile:1",), True),
    ]
