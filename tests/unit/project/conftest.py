"""A project in the working directory, and the errors that loading it reports."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis

Diagnose = Callable[..., tuple[diagnosis.Diagnostic, ...]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: files are read in it where there is no project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app" / "web").mkdir(parents=True)
    (tmp_path / "app" / "web" / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path


@pytest.fixture
def diagnose(folder: Path) -> Diagnose:
    """Loads an application, with a stack's file if there is one, and returns the errors."""

    def load_text(
        text: str, stack: str | None = None, *, file: str = "app/app.yaml"
    ) -> tuple[diagnosis.Diagnostic, ...]:
        Path(file).write_text(text)
        try:
            if stack is None:
                load.load_application(Path(file))
            else:
                Path("Pulumi.dev.yaml").write_text(stack)
                environments.read_environment(
                    stack_file.read_config(Path("Pulumi.dev.yaml")), folder=Path(), stack="dev", check_ids=()
                )
        except diagnosis.InvalidInput as error:
            return error.diagnostics
        return ()

    return load_text
