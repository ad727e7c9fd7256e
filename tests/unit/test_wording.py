"""The fixture `wording` compares messages with one snapshot file for each test package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from dev import project
from tests.support import wording as wording_plugin

PORTS = """
def test_range(wording):
    assert ["70000 is not a valid port", "first line\\nsecond line"] == wording
"""
NAMES = """
import pytest

@pytest.mark.parametrize("name", ["a.b", "c"])
def test_range(wording, name):
    assert [f"{name} is not a valid name"] == wording
"""
MESSAGES = """\
# serializer version: 1
# name: test_range (test_ports)
  70000 is not a valid port
  first line
    second line
# ---
# name: test_range[a.b] (test_names)
  a.b is not a valid name
# ---
# name: test_range[c] (test_names)
  c is not a valid name
# ---
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A test package with two files and the snapshots of both."""
    (tmp_path / "test_ports.py").write_text(PORTS)
    (tmp_path / "test_names.py").write_text(NAMES)
    (tmp_path / "__snapshots__").mkdir()
    (tmp_path / "__snapshots__" / "messages.ambr").write_text(MESSAGES)
    return tmp_path


def run_pytest(folder: Path, *arguments: str, code: int) -> str:
    """Run a new pytest with the plugins of this one, and return its output."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "--strict-markers", "-p", "no:cacheprovider", "-p", "no:anyio"]
    result = subprocess.run(
        [*command, "-W", "error", "-p", "tests.support.wording", "--import-mode=importlib", *arguments],
        cwd=folder,
        env=env | {"PYTHONPATH": str(project.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout


def test_messages_of_this_package_match(wording: SnapshotAssertion) -> None:
    """The test of `make snapshots` runs this test."""
    messages = ["a message", "a message\nwith two lines"]
    assert messages == wording


def test_update_writes_one_file_from_several_workers(package: Path) -> None:
    file = package / "__snapshots__" / "messages.ambr"
    file.unlink()
    assert "3 snapshots generated" in run_pytest(package, ".", "-n", "2", "--snapshot-update", code=0)
    assert file.read_text() == MESSAGES
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_unused_snapshot_fails_a_full_run(package: Path, workers: str) -> None:
    (package / "test_names.py").write_text(NAMES.replace(', "c"', ""))
    output = run_pytest(package, ".", "-n", workers, "--snapshot-details", code=1)
    assert "2 snapshots passed. 1 snapshot unused." in output
    assert "Unused test_range[c] (test_names)" in output


def test_run_of_one_file_ignores_the_snapshots_of_others_and_detects_changes(package: Path) -> None:
    assert "1 snapshot passed." in run_pytest(package, "test_ports.py", code=0)
    (package / "test_ports.py").write_text(PORTS.replace("70000", "70001") + PORTS.replace("test_range", "test_new"))
    output = run_pytest(package, "test_ports.py", code=1)
    assert "- 70000 is not a valid port" in output
    assert "+ 70001 is not a valid port" in output
    assert "Snapshot 'test_new (test_ports)' does not exist!" in output


@pytest.mark.parametrize("messages", ["text", [], [1]])
def test_only_lists_of_messages_are_compared(messages: object) -> None:
    with pytest.raises(TypeError, match="a list of at least one message"):
        wording_plugin.Messages().serialize(messages)
