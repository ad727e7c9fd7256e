"""Which stack a command line means: no Pulumi, no state, no passphrase."""

import argparse
import contextvars
import hashlib
import json
from pathlib import Path

import pytest

from seaway.cli import command, stack, standalone
from seaway.model import application
from seaway.project import release, release_lock
from seaway.syntax import diagnosis
from tests.support.diagnostics import catch

HELD = release_lock.HeldRelease("0123456789ab", because="it failed", since="2026-01-01T00:00:00Z")
BACKEND = "file:///somewhere/state"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the stacks dev and prod."""
    folder = tmp_path / "checkout"
    (folder / "app").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: seaway\nruntime: python\n")
    (folder / "app" / "app.yaml").write_text("name: shop\nservices: {web: {port: no number}}\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: kind-dev\n")
    secret = "{SESSION_KEY: {secure: v1:xyz}}"
    (folder / "Pulumi.prod.yaml").write_text(
        f"config:\n  seaway:context: production\n  seaway:app: other.yaml\n  seaway:secrets: {secret}\n"
    )
    (folder / "other.yaml").write_text("name: bakery\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    return folder


def find(*words: str) -> stack.TargetStack:
    parser = argparse.ArgumentParser()
    stack.add_option(parser)
    return stack.find_target(parser.parse_args(words))


def find_errors(*words: str) -> str:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        find(*words)
    return str(caught.value)


def select(folder: Path, **saved: object) -> None:
    """What `pulumi stack select` leaves behind."""
    path = hashlib.sha1(str(folder / "Pulumi.yaml").encode()).hexdigest()
    workspaces = folder.parent / "home" / "workspaces"
    workspaces.mkdir(parents=True, exist_ok=True)
    (workspaces / f"seaway-{path}-workspace.json").write_text(json.dumps(saved))


def test_a_stack_is_named(folder: Path) -> None:
    assert find("--stack", "dev") == stack.TargetStack(
        name="dev", context="kind-dev", app="shop", namespace="shop-dev", folder=folder, app_file="app/app.yaml"
    )
    # Its secrets need no value, and the application's file is read for its name only.
    assert find("-s", "prod").namespace == "bakery-prod"
    assert find("-s", "prod").context == "production"


def test_a_folder_inside_the_project_will_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "app")
    assert find("--stack", "dev").folder == folder


def test_the_environment_and_the_selection_name_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    select(folder, stacks={BACKEND: "organization/seaway/prod"})
    assert find().name == "prod"
    monkeypatch.setenv("PULUMI_STACK", "organization/seaway/dev")
    assert find().name == "dev"
    assert find("--stack", "prod").name == "prod"


@pytest.mark.parametrize(
    ("word", "full", "other"),
    [
        ("prod", "prod", "dev"),
        ("acme/prod", "acme/prod", "acme/dev"),
        ("acme/seaway/prod", "acme/seaway/prod", "acme/seaway/dev"),
        ("organization/seaway/prod", "organization/seaway/prod", "organization/seaway/dev"),
    ],
)
@pytest.mark.parametrize("source", ["--stack", "PULUMI_STACK", "select"])
def test_the_organization_of_a_stack(  # noqa: PLR0917 - a table and fixtures
    folder: Path, monkeypatch: pytest.MonkeyPatch, word: str, full: str, other: str, source: str
) -> None:
    """Files have the name alone; Pulumi gets the whole name, also that of a stack that the user did not name."""

    def read() -> None:
        command.STACKS.set({})
        target = find(*(["--stack", word] if source == "--stack" else []))
        assert (target.name, target.namespace, target.lock_name) == ("prod", "bakery-prod", "prod")
        assert (command.qualify_stack("prod"), command.qualify_stack("dev")) == (full, other)
        text = (
            "run: seaway up --stack prod; or pulumi preview --stack dev. Or seaway release promote dev prod --unhold 1"
        )
        is_plain = full == "prod" or full.startswith("organization/")
        expected = text if is_plain else text.replace("--stack prod", f"--stack {full}")
        expected = expected if is_plain else expected.replace("--stack dev", f"--stack {other}")
        expected = expected if is_plain else expected.replace("dev prod", f"dev {full}")
        assert command.complete_commands(text) == expected

    if source == "PULUMI_STACK":
        monkeypatch.setenv("PULUMI_STACK", word)
    if source == "select":
        select(folder, stacks={BACKEND: word})
    contextvars.copy_context().run(read)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("acme/other/prod", "unknown-stack"),
        ("acme/stage", "unknown-stack"),
        ("a/b/c/d", "invalid-name"),
        ("acme/", "invalid-name"),
        ("/prod", "invalid-name"),
        ("acme//prod", "invalid-name"),
    ],
)
def test_a_stack_that_cannot_be(folder: Path, word: str, code: str) -> None:
    assert find_errors("--stack", word).endswith(f"[{code}]")


def test_the_selection_of_the_backend_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    select(folder, stacks={BACKEND: "organization/seaway/prod", "file:///other": "organization/seaway/dev"})
    assert "select one with --stack: dev, prod" in find_errors()  # which backend is not plain
    monkeypatch.setenv("PULUMI_BACKEND_URL", BACKEND)
    assert find().name == "prod"


def test_a_selection_of_an_older_pulumi_counts_too(folder: Path) -> None:
    select(folder, stack="prod")
    assert find().name == "prod"


def test_the_only_stack_is_meant(folder: Path) -> None:
    (folder / "Pulumi.prod.yaml").unlink()
    assert find().name == "dev"


def test_errors(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wording: list[str]) -> None:
    messages = [find_errors(), find_errors("-s", "stage")]
    (folder / "other.yaml").unlink()
    messages.append(find_errors("-s", "prod"))
    (folder / "app" / "app.yaml").write_text("services: {}\n")
    messages.append(find_errors("-s", "dev"))
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    messages.append(find_errors("-s", "dev"))
    for file in folder.glob("Pulumi.*.yaml"):
        file.unlink()
    messages.append(find_errors())
    monkeypatch.chdir(tmp_path)
    messages.append(find_errors())
    messages = [message.replace(str(tmp_path), "TMP") for message in messages]
    assert [message.rpartition(" [")[2].rstrip("]") for message in messages] == [
        "no-stack",
        "unknown-stack",
        "file-not-found",
        "missing-value",
        "missing-value",
        "no-stack",
        "file-not-found",
    ]
    assert messages == wording


def test_a_stack_that_pins_a_release_is_of_its_application(folder: Path) -> None:
    """The working tree may hold anything."""
    file = folder / "Pulumi.prod.yaml"
    file.write_text(f"{file.read_text()}  seaway:build: false\n")
    assert find_errors("-s", "prod").startswith("environments/prod.lock.yaml: release: ")
    pinned_release = release.Release(application=application.Application(name="florist"))
    release.save_release(folder, pinned_release)
    release_lock.write(folder, "prod", release_lock.Lock(release=pinned_release.id))
    (folder / "other.yaml").unlink()
    assert find("-s", "prod").namespace == "florist-prod"
    assert find("-s", "dev").namespace == "shop-dev"


def test_an_application_of_a_stack_with_several(folder: Path) -> None:
    (folder / "blog").mkdir()
    (folder / "blog" / "app.yaml").write_text("name: blog\nservices: {web: {image: a, secrets: [TOKEN]}}\n")
    with (folder / "Pulumi.dev.yaml").open("a") as file:
        file.write("  seaway:overlay: {services: {web: {scale: 2}}}\n")
        file.write("  seaway:applications: {blog: {app: blog/app.yaml}}\n")
    target = find("--stack", "dev", "--application", "blog")
    assert (target.app, target.namespace, target.options) == ("blog", "blog-dev", "--stack dev --application blog")
    path = "environments/dev/blog.lock.yaml"
    assert release_lock.format_path(target.lock_name) == path
    release_lock.write(folder, target.lock_name, release_lock.Lock(held=(HELD,)))
    assert (folder / path).is_file()
    assert list(release_lock.list_named_releases(folder)) == [HELD.release]
    (error,) = catch(lambda: standalone.load_environment(target))
    assert (error.code, "seaway:applications.blog.secrets.TOKEN" in error.hint) == ("secret-not-set", True)
    assert [error.code for error in catch(lambda: find("--stack", "dev", "--application", "other"))] == [
        "unknown-application"
    ]
