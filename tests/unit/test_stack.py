"""`make up` repeats the explanation of a failed build below Pulumi's output."""

import sys
from pathlib import Path

import pytest

from dev import environment, stack
from seaway import errors
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


def test_a_second_make_up_names_the_first() -> None:
    locked = "the stack is currently locked by 1 lock(s).\n  x: created by ci@runner-7 (pid 1) at 2026-01-02T03:04:05Z"
    with pytest.raises(errors.Unavailable, match=r"^ci@runner-7 .*seaway up --stack dev .*\. \.seaway/env"):
        stack.run_command([sys.executable, "-c", f"import sys; sys.exit('error: ' + {locked!r})"])
