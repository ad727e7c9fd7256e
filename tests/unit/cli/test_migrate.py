"""``seaway migrate``: rewrites the files of version 0.1.0."""

from pathlib import Path

import pytest

from seaway.cli import command, main

APP = (
    "name: shop\nservices:\n  web: {image: a, port: 80, expose: true} # the page\njobs:\n  job: {image: a, tries: 2}\n"
)
STACK = "config:\n  seaway:context: here\n  seaway:exposure: ingress\n"
NEW_APP = APP.replace("expose", "publish").replace("tries: 2", "backoffLimit: 1")
NEW_STACK = STACK.replace("exposure", "publish")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK)
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.yaml").write_text(APP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*, write: bool = False) -> int:
    return main.main(["migrate", *(["--write"] if write else [])])


def test_it_prints_the_changes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == command.SUCCESS
    out, err = capsys.readouterr()
    changes = [line for line in out.splitlines() if line.startswith(("+", "-"))]
    stack = ["-  seaway:exposure: ingress", "+  seaway:publish: ingress"]
    assert changes == [
        *("--- Pulumi.dev.yaml", "+++ Pulumi.dev.yaml", *stack),
        *("--- Pulumi.prod.yaml", "+++ Pulumi.prod.yaml", *stack),
        *("--- app/app.yaml", "+++ app/app.yaml"),
        "-  web: {image: a, port: 80, expose: true} # the page",
        "+  web: {image: a, port: 80, publish: true} # the page",
        *("-  job: {image: a, tries: 2}", "+  job: {image: a, backoffLimit: 1}"),
    ]
    assert err == "Nothing is written yet: seaway migrate --write\n"
    assert (shop / "app" / "app.yaml").read_text() == APP


def test_it_writes_them_once(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write=True) == command.SUCCESS
    assert (shop / "app" / "app.yaml").read_text() == NEW_APP
    assert (shop / "Pulumi.dev.yaml").read_text() == (shop / "Pulumi.prod.yaml").read_text() == NEW_STACK
    assert capsys.readouterr().out.splitlines() == [
        f"{name} is rewritten" for name in ("Pulumi.dev.yaml", "Pulumi.prod.yaml", "app/app.yaml")
    ]
    for write in (False, True):
        assert run(write=write) == command.SUCCESS
        assert capsys.readouterr() == ("All files have the keys of this version.\n", "")


def test_what_it_cannot_decide_is_listed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "app" / "app.yaml").write_text(APP.replace("tries: 2", "tries: [2]"))
    (shop / "app" / "app.py").write_text("")
    with (shop / "Pulumi.prod.yaml").open("a") as file:
        file.write("  seaway:app: app/app.py\n")
    assert run(write=True) == command.FAILURE
    assert (shop / "app" / "app.yaml").read_text() == NEW_APP.replace("backoffLimit: 1", "tries: [2]")
    locations = [line.split(": ")[0] for line in capsys.readouterr().err.splitlines()]
    assert locations == ["app/app.yaml:5:19", "app/app.py"]


def test_compose_keeps_its_own_words(shop: Path) -> None:
    compose = shop / "app" / "compose.yaml"
    compose.write_text(text := "services: {web: {image: a, expose: ['80']}}\n")
    for stack in ("dev", "prod"):
        (shop / f"Pulumi.{stack}.yaml").write_text(f"{STACK}  seaway:app: app/compose.yaml\n")
    assert run(write=True) == command.SUCCESS
    assert compose.read_text() == text
    assert (shop / "app" / "app.yaml").read_text() == APP, "no stack names it"


def test_an_environment_that_builds_nothing_needs_no_application(shop: Path) -> None:
    (shop / "app" / "app.yaml").unlink()
    for stack in ("dev", "prod"):
        (shop / f"Pulumi.{stack}.yaml").write_text(f"{STACK}  seaway:build: false\n")
    assert run(write=True) == command.SUCCESS
    assert (shop / "Pulumi.dev.yaml").read_text() == f"{NEW_STACK}  seaway:build: false\n"


def test_a_file_outside_of_the_project_stays(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "app.yaml"
    outside.write_text(APP)
    (shop / "app" / "app.yaml").unlink()
    (shop / "app" / "app.yaml").symlink_to(outside)
    assert run(write=True) == command.USAGE_ERROR
    assert outside.read_text() == APP


def test_a_link_in_the_project_is_followed(shop: Path) -> None:
    (shop / "app" / "app.yaml").rename(shop / "shared.yaml")
    (shop / "app" / "app.yaml").symlink_to("../shared.yaml")
    assert run(write=True) == command.SUCCESS
    assert (shop / "shared.yaml").read_text() == NEW_APP
    assert (shop / "app" / "app.yaml").is_symlink()


def test_a_diff_does_not_steer_the_terminal(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "app" / "app.yaml").write_text(APP.replace("the page", "\N{RIGHT-TO-LEFT OVERRIDE}"))
    run()
    assert "publish: true} # \\u202e" in capsys.readouterr().out


def test_further_applications_are_rewritten(shop: Path) -> None:
    (shop / "blog.yaml").write_text(APP)
    (shop / "Pulumi.prod.yaml").write_text(f"{STACK}  seaway:applications: {{blog: {{app: blog.yaml}}}}\n")
    assert run(write=True) == command.SUCCESS
    assert (shop / "blog.yaml").read_text() == NEW_APP
