"""``seaway show``: from files only, and for the defaults from none."""

import json
from pathlib import Path

import pytest

from seaway.cli import main


def show(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main.main(["show", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_defaults_need_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    head, *rows = [" ".join(line.split()) for line in show(capsys, "defaults").splitlines()]
    assert head == "OF FIELD DEFAULT WHAT IT IS WHY"
    assert (
        "services scale.min 2 pods that always run"
        " two: one may be lost, drained or replaced and the service still answers"
    ) in rows
    assert "services port none TCP port that it listens on; none: it takes no requests -" in rows
    assert (
        "Deployment strategy.rollingUpdate.maxUnavailable 0 An old pod goes only when a new one is ready"
        " Otherwise each rollout takes away some of what serves. (AVL-05)"
    ) in rows


def test_defaults_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(show(capsys, "defaults", "--json"))
    assert {
        "of": "all pods",
        "field": "container.securityContext.readOnlyRootFilesystem",
        "value": True,
        "means": "The file system is read-only",
        "why": "What breaks in cannot install itself, and what a program writes is lost with its pod anyway.",
        "check": "SEC-05",
    } in found
    assert {one["of"] for one in found} > {"services, stores, jobs", "services", "Pulumi.<stack>.yaml", "Namespace"}
