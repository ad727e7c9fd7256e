"""The releases in the state of a stack, and invalid states."""

import stat
from pathlib import Path
from typing import Any

import pytest

from seaway import errors
from seaway.release import stack_state
from tests.support import diagnostics

GOOD = {"release": "a", "record": {}, "provenance": {}, "since": "x"}


def find(outputs: Any, **more: Any) -> stack_state.ReleaseState | None:
    urn = f"urn:pulumi:dev::seaway::seaway:index:Application${stack_state.RELEASE_TYPE}::release"
    resource = {"type": stack_state.RELEASE_TYPE, "urn": urn, "outputs": outputs, **more}
    assert stack_state.ReleaseState.find([resource], "blog") is None, "that of another application"
    return stack_state.ReleaseState.find([resource])


def test_without_a_release_there_is_no_state() -> None:
    assert stack_state.ReleaseState.find([]) is None
    assert stack_state.ReleaseState.find([{"type": "other", "outputs": GOOD}]) is None
    assert find(GOOD, delete=True) is None


def test_a_state_without_a_history_vouches_for_no_record() -> None:
    state = find(GOOD)
    assert state is not None
    assert (state.history, state.find_sha256("a")) == ((), None)


@pytest.mark.parametrize(
    "outputs",
    [None, 5, [], {}, {**GOOD, "history": [{}]}, {**GOOD, "history": [1]}]
    + [{key: value for key, value in GOOD.items() if key != name} for name in ("release", "record", "provenance")],
)
def test_an_unreadable_release_is_reported(outputs: Any) -> None:
    errors = diagnostics.catch(lambda: find(outputs))
    assert diagnostics.summarize(errors) == ["the stack's state: seaway:index:Release: unreadable-state"]


@pytest.mark.parametrize("stdout", ["[1]", '"text"', "5", "{}", '{"deployment": null}', "nothing", "[" * 100_000])
def test_an_invalid_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stdout: str) -> None:
    (tmp_path / "printed").write_text(stdout)
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\ncat '{tmp_path}/printed'\n")
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(errors.Unavailable, match="the state of stack dev cannot be read"):
        stack_state.export_resources(tmp_path, "dev")


def test_a_program_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.Unavailable, match="pulumi is not on the PATH"):
        stack_state.export_resources(tmp_path, "dev")
    (tmp_path / "pulumi").write_bytes(b"no program")
    (tmp_path / "pulumi").chmod(stat.S_IRWXU)
    with pytest.raises(errors.Unavailable, match="pulumi cannot be run"):
        stack_state.export_resources(tmp_path, "dev")
