"""`seaway images outdated` and `seaway images lock`: output, lock file and exit codes."""

import json
from pathlib import Path

import pytest

from seaway.files import roots
from seaway.images import registry
from seaway.project import images_lock
from tests.unit.cli import conftest

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
APP = """name: shop
services:
  web: {build: ./web, port: 8000}
  proxy: {image: "nginx:1", port: 8000}
"""


@pytest.fixture
def now(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the registries have, to be changed by the tests."""
    (checkout / "app" / "web").mkdir()
    (checkout / "app" / "web" / "Dockerfile").write_text("ARG B=python:3.12\nFROM ${B}\n")
    (checkout / "app" / "app.yaml").write_text(APP)
    digests = {"python:3.12": ONE, "nginx:1": ONE}

    def digest(reference: str) -> str:
        if reference not in digests:
            raise registry.Unavailable(f"{reference}: no answer; check the way")
        return digests[reference]

    monkeypatch.setattr(registry, "resolve_digest", digest)
    return digests


def lock(checkout: Path) -> dict[str, str] | None:
    lock_ = images_lock.read_lock(checkout / "app", roots.Root(checkout))
    return dict(lock_.pins) if lock_ else None


def test_an_unpinned_image_is_not_a_failure(now: dict[str, str], checkout: Path, seaway: conftest.Seaway) -> None:
    assert seaway("images", "outdated").out.splitlines() == [
        "IMAGE        STATE       PINNED  NOW                  WHERE",
        "nginx:1      not pinned  -       sha256:111111111111  services.proxy",
        "python:3.12  not pinned  -       sha256:111111111111  web/Dockerfile:2",
    ]
    assert lock(checkout) is None


def test_lock_pins_and_prints_the_diff(now: dict[str, str], checkout: Path, seaway: conftest.Seaway) -> None:
    printed = seaway("images", "lock").out
    assert lock(checkout) == now
    assert f"\n+nginx:1: {ONE}\n+python:3.12: {ONE}\n" in printed
    now["python:3.12"] = TWO
    assert f"python:3.12  outdated  {ONE[:19]}  {TWO[:19]}" in seaway("images", "outdated", code=1).out
    assert lock(checkout) != now
    printed = seaway("images", "lock").out
    assert printed.endswith(
        f"--- app/images.lock\n+++ app/images.lock\n@@ -3 +3 @@\n-python:3.12: {ONE}\n+python:3.12: {TWO}\n"
    )
    assert lock(checkout) == now
    seaway("images", "outdated")


def test_an_unreachable_registry_is_a_failure_and_the_digest_stays(
    now: dict[str, str], checkout: Path, seaway: conftest.Seaway, wording: list[str]
) -> None:
    seaway("images", "lock")
    before = dict(now)
    del now["nginx:1"]
    for verb in ("outdated", "lock"):
        printed = seaway("images", verb, code=1)
        assert "nginx:1      unreachable  sha256:111111111111  -" in printed.out
        assert printed.err.splitlines() == wording
    assert lock(checkout) == before


def test_json(now: dict[str, str], checkout: Path, seaway: conftest.Seaway) -> None:
    now["nginx:1"] = TWO
    seaway("images", "lock")
    now["nginx:1"] = ONE
    document = json.loads(seaway("images", "outdated", "--json", code=1).out)
    assert list(document) == ["images"]
    assert document["images"][0] == {
        "image": "nginx:1",
        "state": "outdated",
        "pinned": TWO,
        "now": ONE,
        "where": ["services.proxy"],
        "reason": None,
    }


def test_a_stack_pins_its_overrides(now: dict[str, str], checkout: Path, seaway: conftest.Seaway) -> None:
    """Its lines come beside the others; they go when no stack needs them, and with a stack nothing goes."""
    stack = checkout / "Pulumi.dev.yaml"
    before = stack.read_text()
    stack.write_text(f"{before}  seaway:registry: r\n  seaway:imageOverrides: {{nginx:1: mirror/nginx}}\n")
    now["mirror/nginx"] = TWO
    seaway("images", "lock", "--stack", "dev")
    assert lock(checkout) == {"mirror/nginx": TWO, "python:3.12": ONE}
    seaway("images", "lock")
    assert lock(checkout) == now
    stack.write_text(before)
    seaway("images", "lock", "-s", "dev")
    assert lock(checkout) == now
    seaway("images", "lock")
    assert lock(checkout) == {"nginx:1": ONE, "python:3.12": ONE}


def test_with_an_invalid_stack_no_pin_is_removed(now: dict[str, str], checkout: Path, seaway: conftest.Seaway) -> None:
    seaway("images", "lock")
    (checkout / "app" / "app.yaml").write_text(APP.replace("nginx:1", "nginx:2"))
    now["nginx:2"] = TWO
    (checkout / "Pulumi.staging.yaml").write_text("config: {seaway:nonsense: 1}\n")
    seaway("images", "lock")
    assert lock(checkout) == now


def test_a_stack_that_does_not_build_is_refused(
    now: dict[str, str], checkout: Path, seaway: conftest.Seaway, wording: list[str]
) -> None:
    (checkout / "Pulumi.prod.yaml").write_text("config: {seaway:context: work, seaway:build: false}\n")
    assert seaway("images", "outdated", "--stack", "prod", code=2).err.splitlines() == wording


def test_stacks_with_different_applications_require_a_choice(
    now: dict[str, str], checkout: Path, seaway: conftest.Seaway
) -> None:
    (checkout / "Pulumi.other.yaml").write_text("config: {seaway:context: work, seaway:app: other/app.yaml}\n")
    (line,) = seaway("images", "outdated", code=2).err.splitlines()
    assert line.startswith(f"{checkout}: the stacks have different applications: app/app.yaml, other/app.yaml; ")
    assert line.endswith("[no-stack]")


def test_an_application_without_images(now: dict[str, str], checkout: Path, seaway: conftest.Seaway) -> None:
    (checkout / "app" / "app.yaml").write_text("name: shop\nservices: {web: {build: ./web}}\n")
    (checkout / "app" / "web" / "Dockerfile").write_text("FROM scratch\n")
    assert seaway("images", "lock").out == "nothing to pin in app/images.lock: the application names no image\n"
    assert lock(checkout) is None


def test_a_further_application_has_a_lock_file_of_its_own(
    now: dict[str, str], checkout: Path, seaway: conftest.Seaway
) -> None:
    (checkout / "blog").mkdir()
    (checkout / "blog" / "app.yaml").write_text("name: blog\nservices: {web: {image: 'nginx:1', port: 80}}\n")
    file = checkout / "Pulumi.dev.yaml"
    file.write_text(f"{file.read_text().rstrip()}\n  seaway:applications: {{blog: {{app: blog/app.yaml}}}}\n")
    seaway("images", "lock", "--application", "blog")
    assert (lock(checkout), (checkout / "blog" / images_lock.FILE_NAME).exists()) == (None, True)
    for options in ((), ("--stack", "dev")):
        rows = seaway("images", "outdated", "--application", "blog", *options).out.splitlines()[1:]
        assert [row.split()[:2] for row in rows] == [["nginx:1", "current"]]
    assert "unknown-application" in seaway("images", "outdated", "--application", "shop", code=2).err
