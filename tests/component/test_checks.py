"""The checks in plain `pulumi preview` and `up`: warnings are shown, errors refused before anything is registered."""

import contextlib
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import checks
from seaway.checks import all_checks, engine
from seaway.syntax import diagnosis
from tests.component import programs, recorder
from tests.support.diagnostics import catch, summarize

ONE_WARNING = """\
name: shop
services:
  web: {image: 'example.com/web:1.27', port: 8000}
"""
MANY_WARNINGS = "name: shop\nservices:\n" + "".join(
    f"  s{number}: {{image: 'nginx:{number}', port: 80, user: 100, scale: 1, health: /x, env: {{TOKEN: x}}}}\n"
    for number in range(3)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.yaml").write_text(ONE_WARNING)
    return tmp_path


def run_program(folder: Path, app: str = ONE_WARNING, stack: str = "", *, preview: bool = False) -> recorder.Recording:
    (folder / "app" / "app.yaml").write_text(app)
    config = {"context": "work", "publish": "nodePort"}
    (folder / "Pulumi.dev.yaml").write_text("config:\n  seaway:context: work\n" + stack)
    if stack:
        config["waivers"] = '{"IMG-02": {"workloads": ["web"], "reason": "r", "owner": "ann", "until": "2020-12-31"}}'
    return recorder.record(lambda: programs.deploy(folder) and None, config=config, preview=preview)


def get_warnings(recording: recorder.Recording) -> list[str]:
    (text,) = (message for message in recording.messages if " checks: " in message)
    return text.splitlines()


@pytest.mark.parametrize("preview", [True, False])
def test_warnings_are_shown(folder: Path, wording: Any, *, preview: bool) -> None:
    summary, *lines = get_warnings(run_program(folder, preview=preview))
    count = len(all_checks.CHECKS)
    assert summary == f"{count} checks: {count - 1} passed, 1 warning; all findings: seaway check --stack dev"
    assert [line.split(":")[0] for line in lines] == ["  IMG-02 warning"]
    assert lines == wording


def test_inferred_ports_and_unset_variables_are_shown(folder: Path) -> None:
    text = "name: shop\nservices:\n  web: {image: 'nginx:1.27', environment: {A: '${PORT}'}}\n"
    (folder / "app" / "compose.yaml").write_text(text)
    recording = recorder.record(
        lambda: programs.deploy(folder) and None, config={"context": "work", "app": "app/compose.yaml"}
    )
    (_, port) = next(message for message in recording.messages if "ports that" in message).splitlines()
    assert port == "  app/compose.yaml:3:8: services.web: port 80: the default port of nginx"
    assert [message for message in recording.messages if "${PORT}: is not set" in message]


def test_a_failed_run_shows_no_warnings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi repeats messages below a run, in random order: they would hide the error."""
    shown: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, _=None, *, ephemeral=False: ephemeral or shown.append(text))

    def fail() -> None:
        programs.deploy(folder)
        raise RuntimeError("no")

    for build, warnings in ((fail, 0), (lambda: programs.deploy(folder) and None, 1)):
        with contextlib.suppress(RuntimeError):
            recorder.record(build, config={"context": "work"})
        assert len(shown) == warnings


def test_warnings_come_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine has answered every registration by then, and has reported that the program may end."""
    events: list[str] = []
    monkeypatch.setattr(recorder.Monitor, "SignalAndWaitForShutdown", lambda *_: events.append("end"), raising=False)
    monkeypatch.setattr(
        pulumi.log, "warn", lambda _, __=None, *, ephemeral=False: events.append("ephemeral" if ephemeral else "final")
    )
    run_program(folder)
    assert events == ["ephemeral", "end", "final"]


def test_the_number_of_warnings_is_limited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MAX_WARNINGS", 3)
    _, first, _, last = get_warnings(run_program(folder, MANY_WARNINGS))
    assert first.startswith("  IMG-02 warning: ")
    assert first.endswith(" (and s1, s2)")
    assert last == "  ... and 4 more"


def test_the_release_records_the_results(folder: Path) -> None:
    (release,) = run_program(folder).list_resources("Release")
    results = release.inputs["provenance"]["checks"]
    assert (results["IMG-01"], results["IMG-02"]) == ("passed", "warning: web")


def test_an_error_is_refused_before_anything_is_registered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = next(check for check in all_checks.CHECKS if check.id == "IMG-02")
    monkeypatch.setattr(engine.Result, "is_refused", property(lambda result: result.finding and result.check is image))
    refused: list[diagnosis.Diagnostic] = []

    def build() -> None:
        try:
            programs.deploy(folder)
        except diagnosis.InvalidInput as error:
            refused.extend(error.diagnostics)

    with pytest.raises(AssertionError, match="the program registered nothing"):
        recorder.record(build, config={"context": "work"})
    assert summarize(refused) == ["app/app.yaml: Deployment/web spec.template.spec.containers[web].image: IMG-02"]


def test_an_expired_waiver_is_reported_with_its_line(folder: Path) -> None:
    waiver = "  seaway:waivers: {IMG-02: {workloads: [web], reason: r, owner: ann, until: 2020-12-31}}\n"
    errors = catch(lambda: run_program(folder, stack=waiver))
    (diagnostic,) = errors
    assert str(diagnostic.location) == "Pulumi.dev.yaml:3:70"
    assert (diagnostic.path, diagnostic.code) == ("seaway:waivers.IMG-02.until", "waiver-expired")
