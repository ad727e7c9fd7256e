"""dev.compose_comparison finds differences between two readers, and keys that a converter drops silently."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dev.compose_comparison import docker, normal_form, silent_losses, tools


def test_differences_have_paths_and_intended_ones_are_removed() -> None:
    ours: dict[str, Any] = {"name": "shop", "services": {"web": {"image": "a", "mem_limit": "1k", "restart": None}}}
    theirs: dict[str, Any] = {"name": "shop", "services": {"web": {"image": "b", "mem_limit": "1024"}}}
    differences = normal_form.list_differences(ours, theirs, normal_form.DIFFERENCES)
    assert differences == ["services.web.image: 'a', in Docker 'b'"]
    theirs["services"]["web"]["image"] = "a"
    assert [difference.title for difference in normal_form.find_intended(ours, theirs)] == ["Sizes and durations"]


def test_silent_key_changes_neither_objects_nor_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(tool: str, files: Sequence[Path]) -> tools.Conversion:
        service = json.loads(files[0].read_text())["services"]["web"]
        if "image" not in service:
            return tools.Conversion(rejection="no image")
        warnings = ["labels are dropped"] if "labels" in service else []
        return tools.Conversion(objects=[{"image": service["image"]}], warnings=frozenset(warnings))

    def run_config(files: Sequence[Path], *, profiles: Sequence[str]) -> docker.Result:
        service = json.loads(files[0].read_text())["services"]["web"]
        return docker.Result(printed="" if "image" in service else None)

    monkeypatch.setattr(tools, "convert", convert)
    monkeypatch.setattr(docker, "run_config", run_config)
    file = tmp_path / "docker-compose.yml"
    file.write_text("services:\n  web: {image: page, restart: always, labels: {a: b}, ports: [{target: 80}], x-a: 1}\n")
    assert silent_losses.find_silent_losses("a converter", [file]) == (
        4,
        [("services", "web", "restart"), ("services", "web", "ports", 0, "target")],
    )
