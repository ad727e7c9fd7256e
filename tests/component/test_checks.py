# ruff: noqa: E501 - a message stands in one line, as it is printed
"""The checks in plain `pulumi preview` and `up`: warnings are told, errors refused before anything is registered."""

import contextlib
import re
from pathlib import Path

import pulumi
import pytest

from components import application, settings
from seaway.checks import engine, registry
from seaway.syntax import diagnosis
from tests.component import recorder

ONE = """\
name: shop
services:
  web: {image: 'example.com/web:1.27', port: 8000}
"""
MANY = "name: shop\nservices:\n" + "".join(
    f"  s{number}: {{image: 'nginx:{number}', port: 80, user: 100, scale: 1, health: /x, env: {{TOKEN: x}}}}\n"
    for number in range(3)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    return tmp_path


def run(folder: Path, app: str, stack: str = "", *, preview: bool = False) -> recorder.Recording:
    (folder / "app" / "app.yaml").write_text(app)
    config = {"context": "work", "publish": "nodePort"}
    (folder / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: work\n" + stack)
    if stack:
        config["waivers"] = '{"IMG-02": {"workloads": ["web"], "reason": "r", "owner": "ann", "until": "2020-12-31"}}'
    return recorder.record(
        lambda: application.Application(settings.read_inputs(folder)) and None, config=config, preview=preview
    )


def checked(recording: recorder.Recording) -> list[str]:
    (told,) = (message for message in recording.messages if " checks: " in message)
    return told.splitlines()


@pytest.mark.parametrize("preview", [True, False])
def test_warnings_are_told(folder: Path, preview: bool) -> None:
    many = len(registry.CHECKS)
    assert checked(run(folder, ONE, preview=preview)) == [
        f"{many} checks: {many - 1} passed, 1 warning; all findings: seaway check --stack dev",
        "  IMG-02 warning: Deployment/web spec.template.spec.containers[web].image: example.com/web:1.27 is a tag, and a tag can be"
        " moved; pin it in images.lock: seaway release outdated --write",
    ]


def test_a_failed_run_shows_no_warnings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi repeats messages below a run, in random order: they would hide the error. A later success shows them."""
    shown: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, _=None, *, ephemeral=False: ephemeral or shown.append(text))
    (folder / "app" / "app.yaml").write_text(ONE)

    def fails() -> None:
        application.Application(settings.read_inputs(folder))
        raise RuntimeError("no")

    for build, warnings in ((fails, 0), (lambda: application.Application(settings.read_inputs(folder)) and None, 1)):
        with contextlib.suppress(RuntimeError):
            recorder.record(build, config={"context": "work"})
        assert len(shown) == warnings


def test_warnings_come_after_all_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has answered to every registration by then, and has said that the program may end."""
    before: list[str] = []
    monkeypatch.setattr(recorder.Monitor, "SignalAndWaitForShutdown", lambda *_: before.append("end"), raising=False)
    monkeypatch.setattr(
        pulumi.log, "warn", lambda _, __=None, *, ephemeral=False: before.append("ephemeral" if ephemeral else "kept")
    )
    run(folder, ONE)
    assert before == ["ephemeral", "end", "kept"]


def test_what_is_told_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from components import checks  # noqa: PLC0415

    monkeypatch.setattr(checks, "MAX_WARNINGS", 3)
    lines = checked(run(folder, MANY))
    assert len(lines) == 4
    assert re.fullmatch(r"  IMG-02 warning: .* \(and s1, s2\)", lines[1])
    assert lines[3] == "  ... and 4 more"


def test_the_record_keeps_the_results(folder: Path) -> None:
    (recorded,) = run(folder, ONE).list_resources("Release")
    kept = recorded.inputs["provenance"]["checks"]
    assert (kept["IMG-01"], kept["IMG-02"]) == ("passed", "warning: web")


def test_an_error_is_refused_before_anything_is_registered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = next(each for each in registry.CHECKS if each.id == "IMG-02")
    monkeypatch.setattr(engine.Result, "is_refused", property(lambda one: one.finding and one.check is image))
    wrong: list[str] = []

    def refused() -> None:
        try:
            application.Application(settings.read_inputs(folder))
        except diagnosis.InvalidInput as error:
            wrong.append(str(error))

    (folder / "app" / "app.yaml").write_text(ONE)
    with pytest.raises(AssertionError, match="the program registered nothing"):
        recorder.record(refused, config={"context": "work"})
    assert wrong == [
        "app/app.yaml: IMG-02 Deployment/web spec.template.spec.containers[web].image: example.com/web:1.27 is a tag, and a tag can"
        " be moved; pin it in images.lock: seaway release outdated --write (an exception: docs/checks.md)"
    ]


def test_a_waiver_that_has_ended_is_told_with_its_line(folder: Path) -> None:
    waiver = "  seaway:waivers: {IMG-02: {workloads: [web], reason: r, owner: ann, until: 2020-12-31}}\n"
    with pytest.raises(diagnosis.InvalidInput) as caught:
        run(folder, ONE, waiver)
    assert str(caught.value) == (
        "Pulumi.dev.yaml:3:63: seaway:waivers.IMG-02.until: the waiver ended on 2020-12-31 (ann answers for it);"
        " mend what it is for and pulumi config rm --path 'seaway:waivers.IMG-02', or agree on another last day"
    )
