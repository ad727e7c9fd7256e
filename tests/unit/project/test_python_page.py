"""The programs of docs/python.md."""

import re
from pathlib import Path

from dev import project
from seaway.project import load
from tests.unit.project.conftest import Diagnose

BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (project.ROOT / "docs" / "python.md").read_text(), re.DOTALL)
PROGRAMS = [text for language, text in BLOCKS if language == "python"]


def test_the_first_example_has_ten_lines_and_equals_the_one_in_yaml(folder: Path, diagnose: Diagnose) -> None:
    (folder / "app" / "api").mkdir()
    (folder / "app" / "api" / "Dockerfile").write_text("FROM scratch\n")
    yaml, program = folder / "app" / "app.yaml", PROGRAMS[0]
    yaml.write_text(next(text for language, text in BLOCKS if language == "yaml"))
    assert diagnose(program, file="app/app.py") == ()
    assert load.load_application(folder / "app" / "app.py") == load.load_application(yaml)
    assert len(program.splitlines()) == 10
    assert diagnose(PROGRAMS[1], file="app/app.py") == ()


def test_the_errors_are_those_of_the_page(diagnose: Diagnose) -> None:
    (output,) = (text for language, text in BLOCKS if language == "text")
    assert "\n".join(map(str, diagnose(PROGRAMS[2], file="app/app.py"))) == output.rstrip()
