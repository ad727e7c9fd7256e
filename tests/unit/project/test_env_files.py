# ruff: noqa: E501 - a message stands in one line, as it is printed
"""Files of environment variables: what is read, what wins, and the exact words of what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.model import application
from seaway.project import env_files, load
from seaway.syntax import diagnosis, encode

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
    assert app.jobs[0].env == {**web.env, "LATER": "job"}, "a job has them from its service"


def test_a_release_has_the_values_and_names_no_file(files: Path) -> None:
    assert "envFile" not in str(encode.to_plain(load.load_application(files / "app.yaml")))


VALUES = {
    "A=b": "b",
    "export A=b": "b",
    "A=": "",
    "A=b=c d": "b=c d",
    "  A=b  ": "b",
    "A=b # why": "b",
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
def test_a_value_is_what_stands_there(files: Path, text: str, value: str) -> None:
    (files / "common.env").write_text(text)
    assert load.load_application(files / "app.yaml").services[0].env["A"] == value


NAMED = "use letters, digits, _, - and ., and no digit first"
LINE = "is no NAME=value; write NAME=value, without blanks around the =; a comment begins with #"
END = "has no end; end it with the quote that it begins with; a text of several lines is one of `files`"
FAILS = {
    "A": f"common.env:1:1: services.web.envFile.0: {LINE}",
    "A=b\nA =b": f"common.env:2:1: services.web.envFile.0: {LINE}",
    "A: b": f"common.env:1:1: services.web.envFile.0: {LINE}",
    "\n1A=b": f'common.env:2:1: services.web.envFile.0: "1A" is no name of an environment variable; {NAMED}',
    "A='b": f"common.env:1:1: services.web.envFile.0: the value of A {END}",
    'A="b\\"': f"common.env:1:1: services.web.envFile.0: the value of A {END}",
    'A="b" c': f"common.env:1:1: services.web.envFile.0: the value of A {END}",
    "A=b\nB=c\nA=d": "common.env:3:1: services.web.envFile.0: A is in line 1 too; remove one of the two",
}


@pytest.mark.parametrize(("text", "message"), FAILS.items())
def test_what_is_wrong_with_a_line(said: Callable[..., list[str]], folder: Path, text: str, message: str) -> None:
    (folder / "app" / "common.env").write_text(text)
    assert said("name: shop\nservices: {web: {image: a, envFile: [common.env]}}\n") == [f"app/{message}"]


def test_a_file_that_cannot_be_read(said: Callable[..., list[str]], folder: Path) -> None:
    (folder / "app" / "latin.env").write_bytes(b"A=\xe9")
    text = "name: shop\nservices:\n  web:\n    image: a\n    envFile: [no.env, latin.env]\n"
    assert said(text) == [
        'app/app.yaml:5:16: services.web.envFile.0: "no.env" cannot be read (No such file or directory); write a path relative to the application\'s file',
        "app/app.yaml:5:24: services.web.envFile.1: latin.env is no UTF-8 text; save it as UTF-8",
    ]


def test_a_stack_that_deploys_a_release_reads_no_file() -> None:
    web = application.Service("web", image="a", env_file=("common.env",), env={"A": "b"})
    app = application.Application("shop", services=(web,))
    read, (problem,) = env_files.read_env_files(
        app, diagnosis.SourceLocations(diagnosis.SourceLocation("releases/1.yaml")), None
    )
    wrong = "is a file of the working tree, and this stack deploys a release; write its values here, below `env`"
    assert str(problem) == f'releases/1.yaml: services.web.envFile.0: "common.env" {wrong}'
    assert read.services[0].env == {"A": "b"}
