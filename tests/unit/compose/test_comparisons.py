"""The comparisons with Docker and other converters, tested with invented results."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.compose import docker, same, silent, tools


def test_a_difference_is_reported_with_its_path() -> None:
    ours: dict[str, Any] = {"name": "shop", "services": {"web": {"image": "a", "mem_limit": "1k", "restart": None}}}
    theirs: dict[str, Any] = {"name": "shop", "services": {"web": {"image": "b", "mem_limit": "1024"}}}
    assert same.left(ours, theirs, same.DIFFERENCES) == ["services.web.image: 'a' is 'b' with Docker"]
    theirs["services"]["web"]["image"] = "a"
    assert [difference.what for difference in same.seen(ours, theirs)] == ["Sizes and durations"]


def test_a_key_without_object_and_warning_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(tool: str, files: Sequence[Path]) -> tools.Made:
        service = json.loads(files[0].read_text())["services"]["web"]
        if "image" not in service:
            return tools.Made(refused="no image")
        warnings = ["labels are lost"] if "labels" in service else []
        return tools.Made(objects=[{"image": service["image"]}], told=frozenset(warnings))

    def config(files: Sequence[Path], *, profiles: Sequence[str]) -> docker.Said:
        service = json.loads(files[0].read_text())["services"]["web"]
        return docker.Said(printed="" if "image" in service else None)

    monkeypatch.setattr(tools, "run", run)
    monkeypatch.setattr(docker, "config", config)
    file = tmp_path / "docker-compose.yml"
    file.write_text("services:\n  web: {image: page, restart: always, labels: {a: b}, ports: [{target: 80}], x-a: 1}\n")
    assert silent.silent("a converter", [file]) == (
        4,
        [("services", "web", "restart"), ("services", "web", "ports", 0, "target")],
    )
