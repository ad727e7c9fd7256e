"""For all unit tests: applications in a folder of their own, and their errors."""

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis
from tests.support import diagnostics

FindErrors = Callable[..., tuple[diagnosis.Diagnostic, ...]]
ExpectErrors = Callable[..., None]

# An example may take any time on a busy machine. pytest limits the time of a test.
hypothesis.settings.register_profile("unit", deadline=None, max_examples=50)
hypothesis.settings.load_profile("unit")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which is the root of the files where there is no project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app" / "web").mkdir(parents=True)
    (tmp_path / "app" / "web" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "app" / "app.toml").write_text("title = 1\n")
    return tmp_path


@pytest.fixture
def find_errors(folder: Path) -> FindErrors:
    """Loads the text of an app.yaml, with or without a stack file, and returns its diagnostics."""

    def find(text: str | bytes, stack: str | None = None) -> tuple[diagnosis.Diagnostic, ...]:
        path, stack_path = Path("app/app.yaml"), Path("Pulumi.dev.yaml")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            if stack is None:
                load.load_application(path)
            else:
                stack_path.write_text(stack)
                config = stack_file.read_config(stack_path)
                environments.read_environment(config, folder=Path(), stack="dev", check_ids=())
        except diagnosis.InvalidInput as error:
            return error.diagnostics
        return ()

    return find


@pytest.fixture
def expect_errors(find_errors: FindErrors, wording: object) -> ExpectErrors:
    """Compares the errors of a text, and their wording, with rows ``7:13: services.web.calls.0: unknown-workload``.

    A path that begins with a dot is below ``services.web``.
    """

    def expect(text: str, *rows: str, stack: str | None = None) -> None:
        errors = find_errors(text, stack)
        assert [row.removeprefix("app/app.yaml:") for row in diagnostics.summarize(errors)] == [
            row.replace(": .", ": services.web.", 1) for row in rows
        ]
        assert [f"{error.message}; {error.hint}" for error in errors] == wording

    return expect
