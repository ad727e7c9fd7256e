"""What a state says of its releases, and states that say it wrongly."""

import stat
from pathlib import Path
from typing import Any

import pytest

from seaway import errors
from seaway.release import stack_state
from seaway.syntax import diagnosis

GOOD = {"release": "a", "record": {}, "provenance": {}, "since": "x"}


def found(outputs: Any, **more: Any) -> stack_state.ReleaseState | None:
    return stack_state.ReleaseState.find([{"type": stack_state.RELEASE_TYPE, "outputs": outputs, **more}])


def test_no_release_is_none() -> None:
    assert stack_state.ReleaseState.find([]) is None
    assert stack_state.ReleaseState.find([{"type": "other", "outputs": GOOD}]) is None
    assert found(GOOD, delete=True) is None


def test_a_state_without_a_history_vouches_for_no_record() -> None:
    one = found(GOOD)
    assert one is not None
    assert (one.history, one.find_sha256("a")) == ((), None)


@pytest.mark.parametrize(
    "outputs",
    [None, 5, [], {}, {**GOOD, "history": [{}]}, {**GOOD, "history": [1]}]
    + [{key: value for key, value in GOOD.items() if key != name} for name in ("release", "record", "provenance")],
)
def test_what_is_wrong_with_a_state_is_an_error_with_its_place(outputs: Any) -> None:
    with pytest.raises(
        diagnosis.InvalidInput, match="the stack's state: seaway:index:Release: has a release that cannot be"
    ):
        found(outputs)


@pytest.mark.parametrize("printed", ["[1]", '"text"', "5", "{}", '{"deployment": null}', "nothing", "[" * 100_000])
def test_an_export_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str) -> None:
    (tmp_path / "printed").write_text(printed)
    program = tmp_path / "pulumi"
    program.write_text(f"#!/bin/sh\ncat '{tmp_path}/printed'\n")
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(errors.Unavailable, match="the state of stack dev cannot be read"):
        stack_state.export_resources(tmp_path, "dev")


def test_a_program_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.Unavailable, match="there is no program pulumi on the PATH"):
        stack_state.export_resources(tmp_path, "dev")
    (tmp_path / "pulumi").write_bytes(b"no program")
    (tmp_path / "pulumi").chmod(stat.S_IRWXU)
    with pytest.raises(errors.Unavailable, match="pulumi cannot be run"):
        stack_state.export_resources(tmp_path, "dev")
