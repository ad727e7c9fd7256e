"""Held releases and their fallback, in files that Seaway writes."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from seaway.manifests import objects
from seaway.model import settings
from seaway.project import release, release_lock
from seaway.release import hold, record
from seaway.syntax import diagnosis
from tests import golden
from tests.support import diagnostics

STACK = settings.Settings(stack="dev", context="work")


def create_record() -> record.ReleaseRecord:
    app = golden.load_example("shop")
    return golden.create_record(app, STACK)


def create_fallback(release_id: str) -> release_lock.Fallback:
    return release_lock.Fallback(
        release=release_id, held="f" * 12, because="web: image not found", since="2026-01-01T00:00:00Z"
    )


def write(
    folder: Path, release_record: record.ReleaseRecord, *, stack: str = "dev", release_id: str = ""
) -> release_lock.Fallback:
    """Hold a release back, and return what the lock file has then."""
    fallback = create_fallback(release_id or release_record.id)
    hold.write_fallback(folder, stack, fallback, release_record, release_record.render_objects())
    written = release_lock.read(folder, stack).fallback
    assert written is not None
    return written


def read_release(
    folder: Path, fallback: release_lock.Fallback
) -> tuple[record.ReleaseRecord, list[objects.ReleaseObject]]:
    return hold.read_fallback_release(folder, fallback, app_name="shop", stack="dev")


def list_errors(folder: Path) -> list[str]:
    def read() -> None:
        fallback = release_lock.read(folder, "dev").fallback
        assert fallback
        read_release(folder, fallback)

    return list(map(str, diagnostics.catch(read)))


def test_a_fallback_is_read_as_it_was_written(tmp_path: Path) -> None:
    good = create_record()
    assert release_lock.read(tmp_path, "dev").fallback is None
    fallback = write(tmp_path, good)
    assert dataclasses.replace(fallback, sha256=None) == create_fallback(good.id)
    assert release_lock.read(tmp_path, "prod").fallback is None
    loaded, release_objects = read_release(tmp_path, fallback)
    assert loaded.id == good.id
    # The objects are those that were deployed, with the names of their secrets but without values.
    deployed = good.render_objects()
    assert [each.key for each in release_objects] == [each.key for each in deployed]
    assert [each for each in release_objects if each.kind != "Secret"] == [
        each for each in deployed if each.kind != "Secret"
    ]
    text = (tmp_path / "environments" / "dev.lock.yaml").read_text()
    assert text.startswith(
        "# What stack dev runs. Written by `seaway release` and `seaway up`; commit it.\nformat: 2\n"
    )
    assert "fallback:\n" in text
    assert "because: 'web: image not found'\n" in text
    assert f"# Release {good.id} of shop-dev" in (tmp_path / "releases" / f"{good.id}.yaml").read_text()


def test_a_removed_fallback_keeps_the_file_that_another_stack_names(tmp_path: Path) -> None:
    good = create_record()
    hold.remove_fallback(tmp_path, "dev")
    fallback = create_fallback(good.id)
    for stack in ("dev", "prod"):
        fallback = write(tmp_path, good, stack=stack)
    hold.remove_fallback(tmp_path, "dev")
    assert release_lock.read(tmp_path, "dev").fallback is None
    assert read_release(tmp_path, fallback)[0].id == good.id
    hold.remove_fallback(tmp_path, "prod")
    assert not list(tmp_path.rglob("*.yaml"))


def test_errors_in_the_files(tmp_path: Path, wording: Any) -> None:
    good = create_record()
    write(tmp_path, good)
    release.get_path(tmp_path, good.id).unlink()
    lines = list_errors(tmp_path)
    write(tmp_path, golden.change_record(good, stack="prod"), release_id=good.id)
    lines += list_errors(tmp_path)
    release_lock.get_path(tmp_path, "dev").write_text("release: 1\nhelp: 2\n")
    lines += list_errors(tmp_path)
    codes = [line.rpartition(" [")[2] for line in lines]
    assert codes[1:] == ["other-target]", "unknown-key]"]
    assert [line.replace(good.id, "ID") for line in lines] == wording
    with pytest.raises(diagnosis.InvalidInput):
        hold.remove_fallback(tmp_path, "dev")
    assert "release: 1" in release_lock.get_path(tmp_path, "dev").read_text(), "a pin is never lost"


def test_a_fallback_keeps_the_pin_and_the_held_releases(tmp_path: Path) -> None:
    held = (release_lock.HeldRelease("2" * 12, because="bad", since="today"),)
    release.get_path(tmp_path, "1" * 12).parent.mkdir()
    release.get_path(tmp_path, "1" * 12).write_text("{}\n")
    release_lock.write(tmp_path, "dev", release_lock.Lock(release="1" * 12, is_rollback=True, held=held))
    lock = release_lock.read(tmp_path, "dev")
    fallback = write(tmp_path, create_record())
    assert release_lock.read(tmp_path, "dev") == dataclasses.replace(lock, fallback=fallback)
    hold.remove_fallback(tmp_path, "dev")
    assert release_lock.read(tmp_path, "dev") == lock
    assert list(release_lock.list_named_releases(tmp_path)) == ["2" * 12, "1" * 12]


def test_the_result_of_a_run(tmp_path: Path) -> None:
    assert hold.read_run_result(tmp_path, "dev") is None
    run_result = hold.RunResult(described="a", deployed="b")
    hold.write_run_result(tmp_path, "dev", run_result)
    assert hold.read_run_result(tmp_path, "dev") == run_result
    assert hold.read_run_result(tmp_path, "prod") is None
    hold.get_run_result_path(tmp_path, "dev").write_text("{")
    assert hold.read_run_result(tmp_path, "dev") is None
