"""The program of an example, run against the recorder."""

import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import application, settings
from tests.component import programs, recorder


@pytest.fixture
def run(tmp_path: Path) -> programs.Run:
    """Run the program of an example, in a project folder of its own."""

    def program(example: str, *, config: dict[str, str] | None = None, **how: Any) -> recorder.Recording:
        shutil.copytree(programs.ROOT / "examples" / example, tmp_path / "app", dirs_exist_ok=True)

        def build() -> None:
            made = application.Application(settings.read(tmp_path))
            for name, value in made.outputs.items():
                pulumi.export(name, value)

        return recorder.record(build, config={**programs.CONFIG, **(config or {})}, **how)

    return program
