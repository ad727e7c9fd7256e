"""What version 0.1.0 stored is read by this version, with the same ids: files, states and records in the cluster."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seaway.project import release, release_lock
from seaway.release import record, stack_state, stored_record
from seaway.syntax import diagnosis
from tests.upgrade import restore

STACKS = [("sample", "kept"), ("shop", "kept-dev"), ("shop", "kept-staging"), ("shop", "kept-prod")]


def read_fixture(project: str, file: str) -> dict[str, Any]:
    return json.loads((restore.FIXTURE / project / file).read_text())


@pytest.mark.parametrize("stack", ["kept-staging", "kept-prod"])
def test_a_pinned_release_is_read_and_written_in_the_new_format(tmp_path: Path, stack: str) -> None:
    for name in ("environments", "releases"):
        shutil.copytree(restore.FIXTURE / "shop" / name, tmp_path / name)
    pinned = release_lock.read(tmp_path, stack).release
    assert pinned is not None
    former = release.read(tmp_path, pinned)
    assert {service.name for service in former.application.services if service.publish} == {"web"}
    (tmp_path / "new").mkdir()
    path = release.save_release(tmp_path / "new", former)
    assert "format: 2\n" in path.read_text()
    assert "publish: true\n" in path.read_text()
    assert release.read(tmp_path / "new", pinned) == former


@pytest.mark.parametrize(("project", "stack"), STACKS)
def test_the_record_in_a_state_has_the_id_of_its_release(project: str, stack: str) -> None:
    state = stack_state.ReleaseState.find(read_fixture(project, f"state.{stack}.json")["deployment"]["resources"])
    assert state is not None
    assert state.decode_record().release_id == record.parse_release_id(state.id)
    assert state.build_release().id == record.parse_release_id(state.id)
    assert state.decode_record().environment.settings.publish == "nodePort"


@pytest.mark.parametrize(("project", "stack"), STACKS)
def test_the_records_in_a_cluster_have_the_ids_of_their_releases(project: str, stack: str) -> None:
    records = {
        manifest["metadata"]["name"].removeprefix("release-"): manifest
        for manifest in read_fixture(project, f"cluster.{stack}.json")["items"]
        if manifest["kind"] == "ConfigMap" and "binaryData" in manifest
    }
    assert records
    for id_, config_map in records.items():
        stored = stored_record.StoredRecord.join_parts([config_map])
        assert stored.format == 0
        assert stored.decode_record(id_).release_id == record.parse_release_id(id_)


def parse_state(number: int) -> object:
    resources = read_fixture("shop", "state.kept-dev.json")["deployment"]["resources"]
    (recorded,) = (resource for resource in resources if resource["type"] == stack_state.RELEASE_TYPE)
    recorded["outputs"]["format"] = number
    return stack_state.ReleaseState.find(resources)


@pytest.mark.parametrize(
    "read",
    [
        lambda number: release_lock.parse_content(f"format: {number}\nrelease: a\n".encode(), "any.yaml"),
        lambda number: stored_record.StoredRecord.join_parts([{"data": {"format": str(number)}}]),
        parse_state,
    ],
    ids=["a lock file or a release file", "a record in the cluster", "a state"],
)
def test_a_newer_format_is_refused_and_an_older_one_is_read(read: Callable[[int], object]) -> None:
    for number in range(release_lock.FORMAT):
        assert read(number)
    newer = f"(?s)format {release_lock.FORMAT + 1} is newer .* upgrade Seaway: pip"
    with pytest.raises((ValueError, diagnosis.InvalidInput), match=newer):
        read(release_lock.FORMAT + 1)
