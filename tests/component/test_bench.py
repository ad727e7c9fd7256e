"""The plain program that `make bench` measures beside ours: it knows every kind of object that ours makes."""

import json
import runpy
from pathlib import Path

import pytest

from tests import golden
from tests.component import recorder

PLAIN = golden.ROOT / "dev" / "bench" / "plain" / "__main__.py"


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_each_object_is_registered(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = [each.manifest for each in golden.build_objects(example)]
    (tmp_path / "objects.json").write_text(json.dumps(manifests))
    monkeypatch.chdir(tmp_path)
    recording = recorder.record(lambda: runpy.run_path(str(PLAIN)) and None, config={"context": "work"})
    registered = sorted(
        (each.inputs["apiVersion"], each.inputs["kind"]) for each in recording.resources[1:] if "kind" in each.inputs
    )
    assert registered == sorted((each["apiVersion"], each["kind"]) for each in manifests)
