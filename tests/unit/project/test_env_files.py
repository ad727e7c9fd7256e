"""The files that `envFile` names: values, precedence and errors."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seaway.model import application
from seaway.project import env_files, load
from seaway.syntax import diagnosis, encode
from tests.support import diagnostics, kubelet
from tests.unit.project.conftest import Diagnose

APP = """\
name: shop
services:
  web:
    image: nginx
    envFile: [common.env, web/web.env]
    env: {OWN: env, SHARED: env}
    sidecars: {proxy: {image: envoy, envFile: [common.env]}}
jobs:
  migrate: {uses: web, env: {LATER: job}}
"""


@pytest.fixture
def files(folder: Path) -> Path:
    (folder / "app" / "app.yaml").write_text(APP)
    (folder / "app" / "common.env").write_text("SHARED=common\nLATER=common\nFIRST=common\n")
    (folder / "app" / "web" / "web.env").write_text("LATER=web\n")
    return folder / "app"


def test_a_later_file_wins_and_env_wins(files: Path) -> None:
    app = load.load_application(files / "app.yaml")
    (web,) = app.services
    assert web.env == {"OWN": "env", "SHARED": "env", "LATER": "web", "FIRST": "common"}
    assert web.sidecars[0].env == {"SHARED": "common", "LATER": "common", "FIRST": "common"}
    assert app.jobs[0].env == {**web.env, "LATER": "job"}, "a job inherits them from its service"


def test_a_release_has_the_values_and_names_no_file(files: Path) -> None:
    assert "envFile" not in str(encode.to_plain(load.load_application(files / "app.yaml")))


VALUES = {
    "A=b": "b",
    "export A=b": "b",
    "A=": "",
    "A=b=c d": "b=c d",
    "  A=b  ": "b",
    "A=b # why": "b",
    "A='b\nc'": "b\nc",
    "A=# nothing": "",
    "A=b#c": "b#c",
    "A='b # c' # why": "b # c",
    r"A='a\n$B'": r"a\n$B",
    r'A="a\n\t\"b\" \\ \$c \d"': 'a\n\t"b" \\ $c \\d',
    'A="b" ': "b",
    "A=${B:-c}": "${B:-c}",
    "A=b\r": "b",
    "\ufeffA=b": "b",
    "A=it's": "it's",
    "# first\n\n  # second\nA=b": "b",
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values(files: Path, text: str, value: str) -> None:
    assert load_value(files, text) == value


def load_value(files: Path, text: str) -> str:
    (files / "common.env").write_text(text)
    return load.load_application(files / "app.yaml").services[0].env["A"]


@given(st.text(st.sampled_from("$()A{}b")).filter(bool))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_program_gets_the_bytes_of_the_file(files: Path, text: str) -> None:
    assert kubelet.expand(load_value(files, f"A='{text}'"), {"A": "no", "": "no"}) == text


ERRORS = {
    "no value": ("A", "1:1: services.web.envFile.0: invalid-assignment"),
    "blank before the sign": ("A=b\nA =b", "2:1: services.web.envFile.0: invalid-assignment"),
    "colon": ("A: b", "1:1: services.web.envFile.0: invalid-assignment"),
    "digit first": ("\n1A=b", "2:1: services.web.envFile.0: invalid-name"),
    "open quote": ("A='b", "1:1: services.web.envFile.0: invalid-assignment"),
    "escaped quote": ('A="b\\"', "1:1: services.web.envFile.0: invalid-assignment"),
    "text after the quote": ('A="b" c', "1:1: services.web.envFile.0: invalid-assignment"),
    "twice": ("A=b\nB=c\nA=d", "3:1: services.web.envFile.0: duplicate-name"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(diagnose: Diagnose, folder: Path, case: str, wording: list[str]) -> None:
    text, expected = ERRORS[case]
    (folder / "app" / "common.env").write_text(text)
    found = diagnose("name: shop\nservices: {web: {image: a, envFile: [common.env]}}\n")
    assert diagnostics.summarize(found) == [f"app/common.env:{expected}"]
    assert list(map(str, found)) == wording


def test_files_that_cannot_be_read(diagnose: Diagnose, folder: Path, wording: list[str]) -> None:
    (folder / "app" / "latin.env").write_bytes(b"A=\xe9")
    found = diagnose("name: shop\nservices:\n  web:\n    image: a\n    envFile: [no.env, latin.env]\n")
    assert diagnostics.summarize(found) == [
        "app/app.yaml:5:15: services.web.envFile.0: file-not-found",
        "app/app.yaml:5:23: services.web.envFile.1: invalid-encoding",
    ]
    assert list(map(str, found)) == wording


@pytest.mark.parametrize(("value", "path"), [("no.env", "envFile"), ("[no.env]", "envFile.0")])
def test_one_file_needs_no_list(diagnose: Diagnose, folder: Path, value: str, path: str) -> None:
    text = f"name: shop\nservices: {{web: {{image: a, envFile: {value}}}}}\n"
    assert [each.path for each in diagnose(text)] == [f"services.web.{path}"]
    (folder / "app" / "no.env").write_text("A=b")
    assert load.load_application(folder / "app" / "app.yaml").services[0].env == {"A": "b"}


def test_a_stack_that_deploys_a_release_reads_no_file(wording: list[str]) -> None:
    web = application.Service("web", image="a", env_file=("common.env",), env={"A": "b"})
    app = application.Application("shop", services=(web,))
    locations = diagnosis.SourceLocations(diagnosis.SourceLocation("releases/1.yaml"))
    app, found = env_files.read_env_files(app, locations, None)
    assert diagnostics.summarize(found) == ["releases/1.yaml: services.web.envFile.0: file-in-release"]
    assert list(map(str, found)) == wording
    assert app.services[0].env == {"A": "b"}
