"""`make up` repeats the explanation of a failed build below Pulumi's output."""

from pathlib import Path

import pytest

from dev import environment, stack
from seaway.images import build_reports


def test_the_explanation_of_a_failed_build_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        build_reports.add(tmp_path, "error: image web: app/web/Dockerfile:7 failed (exit code 1)")
        raise stack.CommandFailedError("stack dev is not deployed", 1)

    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(stack, "up", fail)
    monkeypatch.setattr("sys.argv", ["dev.stack", "up"])
    assert stack.main() == 1
    printed = capsys.readouterr().err.splitlines()
    assert printed == [
        "seaway: stack dev is not deployed",
        "",
        "error: image web: app/web/Dockerfile:7 failed (exit code 1)",
    ]
