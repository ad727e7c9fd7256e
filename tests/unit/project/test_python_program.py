# ruff: noqa: E501 - a message stands in one line, as it is printed
"""An application that is described in Python."""

import sys
from pathlib import Path

import pytest

from seaway.model import application
from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis, nodes

APP = """\
from seaway.model.application import Application, Build, Job, Service
{}
print("to the screen, and not into what is rendered")
application = Application(
    "shop",
    services=(Service("web", build=Build(context="./web"), port={}, env={{"LOG_LEVEL": "info"}}),),
    jobs=(Job("migrate", uses="web", command=("migrate",)),),
)
"""


def loaded(folder: Path, text: str, overlay: str | None = None) -> application.Application:
    path = folder / "app" / "app.py"
    path.write_text(text)
    return load.load_application(path, overlay=nodes.parse(overlay, "Pulumi.dev.yaml") if overlay else None)


def told(folder: Path, text: str, overlay: str | None = None) -> str:
    with pytest.raises(diagnosis.InvalidInput) as raised:
        loaded(folder, text, overlay)
    return str(raised.value).replace(f"{folder}/", "")


def test_it_is_what_the_same_in_yaml_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaml = folder / "app" / "app.yaml"
    yaml.write_text(
        "{name: shop, services: {web: {build: ./web, port: 80, env: {LOG_LEVEL: info}}}, jobs: {migrate: {uses: web, command: [migrate]}}}"
    )
    assert loaded(folder, APP.format("", 80)) == load.load_application(yaml)
    assert capsys.readouterr().out == ""


def test_the_same_rules_with_the_path_for_a_place(folder: Path) -> None:
    assert told(folder, APP.format("", 0)) == (
        "app/app.py: services.web.port: 0 is no TCP port (1 to 65535); write the port that the program listens on"
    )
    assert told(folder, APP.format("", '"80"')).startswith('app/app.py: services.web.port: "80" is no whole number')


def test_an_environment_says_its_part(folder: Path) -> None:
    (web,) = loaded(folder, APP.format("", 80), "services: {web: {scale: 5, env: {LOG_LEVEL: null}}}").services
    assert (web.scale.min, web.env) == (5, {})
    line = told(folder, APP.format("", 80), "services: {wep: {scale: 5}}")
    assert line == (
        "Pulumi.dev.yaml:1:12: seaway:overlay.services.wep: the application has no such service; did you mean web?"
    )


def test_it_may_import_what_stands_beside_it_and_each_time_anew(folder: Path) -> None:
    other = folder / "app" / "beside.py"
    for port in (1, 2):
        other.write_text(f"PORT = {port}\n")
        assert loaded(folder, APP.format("import beside", "beside.PORT")).services[0].port == port
    assert "beside" not in sys.modules
    assert str(folder / "app") not in sys.path
    assert not list(folder.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\n\nmissing()\n", "app/app.py:3: the program ends with NameError: name 'missing' is not defined; correct it; `python {}app/app.py` runs it alone"),
        ("import sys\nsys.exit()\n", "app/app.py:2: the program ends with SystemExit: no reason; correct it; `python {}app/app.py` runs it alone"),
        ("x = (\n", "app/app.py:1:5: the program ends with SyntaxError: '(' was never closed (app.py, line 1); correct it; `python {}app/app.py` runs it alone"),
        ("app = 1\n", 'app/app.py: has no `application`; end it with application = Application("shop", services=(...))'),
        ("application = {}\n", 'app/app.py: has a dict as `application`; end it with application = Application("shop", services=(...))'),
    ],
)  # fmt: skip
def test_a_program_that_fails_is_told(folder: Path, text: str, line: str) -> None:
    assert told(folder, text) == line.format("")


def test_a_stack_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    Path("app/app.py").write_text(APP.format("", 80))
    Path("Pulumi.dev.yaml").write_text("config: {seaway:context: a, seaway:app: app/app.py, seaway:registry: b}\n")
    one = environments.read_environment(
        stack_file.read_config(Path("Pulumi.dev.yaml")), folder=Path(), stack="dev", check_ids=()
    )
    assert one.app == load.load_application(Path("app/app.py"))
    assert one.base.jobs[0].uses == "web"
