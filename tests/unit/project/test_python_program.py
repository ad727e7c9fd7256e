"""An application in Python."""

import asyncio
import sys
from pathlib import Path

import pytest

from seaway.model import application
from seaway.project import environments, load, stack_file
from seaway.syntax import yaml_parser
from tests.support import diagnostics
from tests.unit.project.conftest import Diagnose

APP = """\
import seaway as sw
{}
print("for the terminal, and not for the output")
application = sw.Application(
    "shop",
    services=[sw.Service("web", build="./web", port={}, env={{"LOG_LEVEL": "info"}})],
    jobs=[sw.Job("migrate", uses="web", command=["migrate"])],
)
"""

YAML = (
    "{name: shop, services: {web: {build: ./web, port: 80, env: {LOG_LEVEL: info}}},"
    " jobs: {migrate: {uses: web, command: [migrate]}}}"
)

FORMER = """\
from seaway.model.application import Application, Build, Job, Service
application = Application(
    "shop",
    services=(Service("web", build=Build(context="./web"), port=80, env={"LOG_LEVEL": "info"}),),
    jobs=(Job("migrate", uses="web", command=("migrate",)),),
)
"""

NAMES = """\
import enum

import seaway as sw
from beside import build_services


class Port(enum.IntEnum):
    HTTP = 8000


SMALL = sw.Resources(
    cpu="50m",
    memory="lots",
)
COMMON = {"image": "nginx:1", "stop_grace": 3}


def build_web(name: str, port: object, **keys: object) -> sw.Service:
    return sw.Service(name, port=port, **COMMON, **keys)


application = sw.Application(
    "shop",
    services=[
        build_web(
            "web",
            port=Port.HTTP,
            calls=["db", "nobody"],
            env={
                "DEBUG": True,
            },
        ),
        *[sw.Service(f"web-{n}", image="nginx:1", port=n, resources=SMALL) for n in (0,)],
        *build_services("a", "b"),
    ],
    stores=[sw.Store("db", image="postgres:17", health={"start": 3}, volume={"path": "/data"})],
)
"""

BESIDE = """\
import seaway as sw


def build_services(*names):
    return [
        sw.Service(name, image="nginx:1", pre_stop_delay=-1, scale={"min": "x"})
        for name in names
    ]
"""

UNFIT = """\
import pathlib

import pulumi

import seaway as sw
from seaway.model import application as model

bucket = pulumi.Output.from_input("name")
application = sw.Application(
    "shop",
    services=[
        sw.Service("web", image="x", env={
            "BUCKET": bucket,
            "URL": f"http://{bucket}",
            bucket: "x",
            "BYTES": "\\udc80",
        }, build=pathlib.Path("web"), resources=sw.Scale(min=1)),
        sw.Service("web", image="x"),
        sw.Service(None),
        sw.Service("ports", calls={"api"}, ports={"a": sw.Port("b", port=1)}, raw={"Service": sw.Port("b", port=1)}),
        model.Service("former"),
    ],
    stores=sw.Store("db"),
    jobs=(sw.Job(name) for name in "ab"),
)
"""


def load_program(folder: Path, text: str, overlay: str | None = None) -> application.Application:
    path = folder / "app" / "app.py"
    path.write_text(text)
    return load.load_application(path, overlay=yaml_parser.parse(overlay, "Pulumi.dev.yaml") if overlay else None)


@pytest.mark.parametrize("text", [APP.format("", 80), FORMER], ids=["now", "former"])
def test_it_is_equal_to_the_same_in_yaml(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    yaml = folder / "app" / "app.yaml"
    yaml.write_text(YAML)
    assert load_program(folder, text) == load.load_application(yaml)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", [NAMES, UNFIT], ids=["written", "unfit"])
def test_the_location_is_the_line_of_the_program(
    folder: Path, diagnose: Diagnose, text: str, wording: list[str]
) -> None:
    """Of the key, in a function the line of the caller that passes the argument on, or of the call."""
    (folder / "app" / "beside.py").write_text(BESIDE)

    async def diagnose_in_loop() -> list[str]:
        """Outputs need an event loop. Without a running one, Pulumi would leave its own open."""
        return list(map(str, diagnose(text, file="app/app.py")))

    assert asyncio.run(diagnose_in_loop()) == wording


def test_an_environment_changes_it(folder: Path) -> None:
    (web,) = load_program(folder, APP.format("", 80), "services: {web: {scale: 5, env: {LOG_LEVEL: null}}}").services
    assert (web.scale.min, web.env) == (5, {})
    errors = diagnostics.catch(lambda: load_program(folder, APP.format("", 80), "services: {wep: {scale: 5}}"))
    assert diagnostics.summarize(errors) == ["Pulumi.dev.yaml:1:12: seaway:overlay.services.wep: unknown-workload"]


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
        ("import seaway as sw\nsw.Servce('web')\n", "app/app.py:2: : program-failed"),
        ("import seaway as sw\napplication = sw.Application()\n", "app/app.py:2: : program-failed"),
        ("app = 1\n", "app/app.py: : missing-application"),
        ("application = {}\n", "app/app.py: : missing-application"),
        ("import seaway as sw\napplication = sw.Service('web')\n", "app/app.py: : missing-application"),
    ],
    ids=["name", "exit", "syntax", "class", "no name", "no variable", "another type", "another class"],
)
def test_errors(diagnose: Diagnose, text: str, expected: str, wording: list[str]) -> None:
    errors = diagnose(text, file="app/app.py")
    assert diagnostics.summarize(errors) == [expected]
    assert list(map(str, errors)) == wording


def test_a_stack_names_it(folder: Path) -> None:
    (folder / "app" / "app.py").write_text(APP.format("", 80))
    Path("Pulumi.dev.yaml").write_text("config: {seaway:context: a, seaway:app: app/app.py, seaway:registry: b}\n")
    environment = environments.read_environment(
        stack_file.read_config(Path("Pulumi.dev.yaml")), folder=Path(), stack="dev", check_ids=()
    )
    assert environment.app == load.load_application(Path("app/app.py"))
    assert environment.base.jobs[0].uses == "web"
