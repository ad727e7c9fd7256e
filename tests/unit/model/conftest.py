"""Applications as people write them, in a folder of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.model import application
from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis

Load = Callable[..., application.Application]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which is what files are read in where there is no project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app" / "web").mkdir(parents=True)
    (tmp_path / "app" / "web" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "app" / "app.toml").write_text("title = 1\n")
    return tmp_path


@pytest.fixture
def said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Loads a text, with or without a stack's file, and returns what is wrong with it, a line each."""
    monkeypatch.chdir(folder)

    def run(text: str | bytes, stack: str | None = None) -> list[str]:
        path = Path("app/app.yaml")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            if stack is None:
                load.load_application(path)
            else:
                Path("Pulumi.dev.yaml").write_text(stack)
                environments.read_environment(
                    stack_file.read_config(Path("Pulumi.dev.yaml")), folder=Path(), stack="dev", check_ids=()
                )
        except diagnosis.InvalidInput as error:
            return str(error).splitlines()
        return []

    return run
