"""An application in Python."""

import sys
from pathlib import Path

import pytest

from seaway.model import application
from seaway.project import environments, load, stack_file
from seaway.syntax import yaml_parser
from tests.support import diagnostics
from tests.unit.project.conftest import Diagnose

APP = """\
from seaway.model.application import Application, Build, Job, Service
{}
print("for the terminal, and not for the output")
application = Application(
    "shop",
    services=(Service("web", build=Build(context="./web"), port={}, env={{"LOG_LEVEL": "info"}}),),
    jobs=(Job("migrate", uses="web", command=("migrate",)),),
)
"""


def load_program(folder: Path, text: str, overlay: str | None = None) -> application.Application:
    path = folder / "app" / "app.py"
    path.write_text(text)
    return load.load_application(path, overlay=yaml_parser.parse(overlay, "Pulumi.dev.yaml") if overlay else None)


def test_it_is_equal_to_the_same_in_yaml(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaml = folder / "app" / "app.yaml"
    yaml.write_text(
        "{name: shop, services: {web: {build: ./web, port: 80, env: {LOG_LEVEL: info}}},"
        " jobs: {migrate: {uses: web, command: [migrate]}}}"
    )
    assert load_program(folder, APP.format("", 80)) == load.load_application(yaml)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("port", ["0", '"80"'])
def test_the_rules_are_the_same_and_the_location_is_the_line_of_the_argument(diagnose: Diagnose, port: str) -> None:
    (found,) = diagnose(APP.format("", port), file="app/app.py")
    assert f"{found.location}: {found.path}" == "app/app.py:6: services.web.port"


def test_an_environment_changes_it(folder: Path) -> None:
    (web,) = load_program(folder, APP.format("", 80), "services: {web: {scale: 5, env: {LOG_LEVEL: null}}}").services
    assert (web.scale.min, web.env) == (5, {})
    errors = diagnostics.catch(lambda: load_program(folder, APP.format("", 80), "services: {wep: {scale: 5}}"))
    (found,) = errors
    assert f"{found.location}: {found.path}" == "Pulumi.dev.yaml:1:12: seaway:overlay.services.wep"


def test_it_may_import_the_modules_beside_it_and_they_are_read_each_time(folder: Path) -> None:
    other = folder / "app" / "beside.py"
    for port in (1, 2):
        other.write_text(f"PORT = {port}\n")
        assert load_program(folder, APP.format("import beside", "beside.PORT")).services[0].port == port
    assert "beside" not in sys.modules
    assert str(folder / "app") not in sys.path
    assert not list(folder.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n\nmissing()\n", "app/app.py:3: : program-failed"),
        ("import sys\nsys.exit()\n", "app/app.py:2: : program-failed"),
        ("x = (\n", "app/app.py:1:5: : program-failed"),
        ("app = 1\n", "app/app.py: : missing-application"),
        ("application = {}\n", "app/app.py: : missing-application"),
    ],
    ids=["name", "exit", "syntax", "no variable", "another type"],
)
def test_errors(diagnose: Diagnose, text: str, expected: str, wording: list[str]) -> None:
    found = diagnose(text, file="app/app.py")
    assert diagnostics.summarize(found) == [expected]
    assert list(map(str, found)) == wording


def test_a_stack_names_it(folder: Path) -> None:
    (folder / "app" / "app.py").write_text(APP.format("", 80))
    Path("Pulumi.dev.yaml").write_text("config: {seaway:context: a, seaway:app: app/app.py, seaway:registry: b}\n")
    environment = environments.read_environment(
        stack_file.read_config(Path("Pulumi.dev.yaml")), folder=Path(), stack="dev", check_ids=()
    )
    assert environment.app == load.load_application(Path("app/app.py"))
    assert environment.base.jobs[0].uses == "web"
