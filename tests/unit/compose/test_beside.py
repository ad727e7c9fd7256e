"""What tells two readings of a project apart, and which keys a converter drops: on made-up readers and converters."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dev.compose_comparison import docker, normal_form, silent_losses, tools


def test_what_is_read_otherwise_is_told_with_its_path() -> None:
    one: dict[str, Any] = {"name": "shop", "services": {"web": {"image": "a", "mem_limit": "1k", "restart": None}}}
    other: dict[str, Any] = {"name": "shop", "services": {"web": {"image": "b", "mem_limit": "1024"}}}
    assert normal_form.left(one, other, normal_form.DIFFERENCES) == ["services.web.image: 'a' is 'b' with Docker"]
    other["services"]["web"]["image"] = "a"
    assert [each.what for each in normal_form.seen(one, other)] == ["Sizes and durations"]


def test_a_key_is_silent_that_neither_objects_nor_warnings_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(tool: str, files: Sequence[Path]) -> tools.Made:
        service = json.loads(files[0].read_text())["services"]["web"]
        if "image" not in service:
            return tools.Made(refused="no image")
        told = ["labels are lost"] if "labels" in service else []
        return tools.Made(objects=[{"image": service["image"]}], told=frozenset(told))

    def config(files: Sequence[Path], *, profiles: Sequence[str]) -> docker.Said:
        service = json.loads(files[0].read_text())["services"]["web"]
        return docker.Said(printed="" if "image" in service else None)

    monkeypatch.setattr(tools, "run_checker", run)
    monkeypatch.setattr(docker, "config", config)
    file = tmp_path / "docker-compose.yml"
    file.write_text("services:\n  web: {image: page, restart: always, labels: {a: b}, ports: [{target: 80}], x-a: 1}\n")
    assert silent_losses.silent("a converter", [file]) == (
        4,
        [("services", "web", "restart"), ("services", "web", "ports", 0, "target")],
    )
