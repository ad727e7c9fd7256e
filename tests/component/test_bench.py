"""The plain program that `make bench` compares with ours: it registers every kind of object."""

import json
import runpy
from pathlib import Path

import pytest

from tests import golden
from tests.component import recorder

PLAIN = golden.ROOT / "dev" / "bench" / "plain" / "__main__.py"


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_every_object_is_registered(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = [resource.manifest for resource in golden.build_objects(example)]
    (tmp_path / "objects.json").write_text(json.dumps(manifests))
    monkeypatch.chdir(tmp_path)
    recording = recorder.record(lambda: runpy.run_path(str(PLAIN)) and None, config={"context": "work"})
    registered = sorted(
        (resource.inputs["apiVersion"], resource.inputs["kind"])
        for resource in recording.resources[1:]
        if "kind" in resource.inputs
    )
    assert registered == sorted((resource["apiVersion"], resource["kind"]) for resource in manifests)
