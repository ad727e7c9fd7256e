"""What is held back, in files that a machine writes."""

import dataclasses
from pathlib import Path

import pytest

from seaway.files import roots
from seaway.model import settings
from seaway.project import load, release, release_lock
from seaway.release import hold, record
from seaway.syntax import diagnosis
from tests import golden

STACK = settings.Settings(stack="dev", context="work")


def good() -> record.ReleaseRecord:
    app = load.load_application(golden.ROOT / "examples" / "shop" / "app.yaml", root=roots.Root(golden.ROOT))
    return record.ReleaseRecord.create(app, STACK, *golden.make_inputs(app))


def held(release: str, failed: str = "f" * 12) -> release_lock.Fallback:
    return release_lock.Fallback(
        release=release, held=failed, because="web: image not found", since="2026-01-01T00:00:00Z"
    )


def pinned(folder: Path, found: release_lock.Fallback, **where: str) -> hold.FallbackRelease:
    return hold.read_fallback_release(folder, found, **{"application": "shop", "stack": "dev", **where})


def write(folder: Path, one: record.ReleaseRecord, *, stack: str = "dev", id_: str = "") -> release_lock.Fallback:
    """Hold a release back; what its lock file says then."""
    hold.write_fallback(folder, stack, held(id_ or one.id), one, one.render_objects())
    found = hold.read_fallback(folder, stack)
    assert found is not None
    return found


def invalid(folder: Path) -> str:
    with pytest.raises(diagnosis.InvalidInput) as caught:
        found = hold.read_fallback(folder, "dev")
        assert found
        pinned(folder, found)
    return str(caught.value)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    one = good()
    assert hold.read_fallback(tmp_path, "dev") is None
    found = write(tmp_path, one)
    assert dataclasses.replace(found, sha256=None) == held(one.id)
    assert hold.read_fallback(tmp_path, "prod") is None
    again = pinned(tmp_path, found)
    assert again.record.id == one.id
    # The objects are those that were deployed, with the names of their secrets and without the values.
    assert [each.key for each in again.release_objects or ()] == [each.key for each in one.render_objects()]
    secretless = [each for each in one.render_objects() if each.kind != "Secret"]
    assert [each for each in again.release_objects or () if each.kind != "Secret"] == secretless
    text = (tmp_path / "environments" / "dev.lock.yaml").read_text()
    assert text.startswith(
        "# What stack dev runs. Written by `seaway release` and `seaway up`; commit it.\nformat: 2\nfallback:\n"
    )
    assert "because: 'web: image not found'\n" in text
    assert f"# Release {one.id} of shop-dev" in (tmp_path / "releases" / f"{one.id}.yaml").read_text()


def test_digits_and_exponents_are_ids_too(tmp_path: Path) -> None:
    for id_ in ("123456789012", "12345678e012", "000000000000"):
        one = dataclasses.replace(write(tmp_path, good(), id_=id_), sha256=None)
        assert one == held(id_)


def test_removing_it_leaves_what_another_stack_names(tmp_path: Path) -> None:
    one = good()
    hold.remove_fallback(tmp_path, "dev")
    for stack in ("dev", "prod"):
        found = write(tmp_path, one, stack=stack)
    hold.remove_fallback(tmp_path, "dev")
    assert hold.read_fallback(tmp_path, "dev") is None
    assert pinned(tmp_path, found).record.id == one.id
    hold.remove_fallback(tmp_path, "prod")
    assert not list(tmp_path.rglob("*.yaml"))


def test_what_is_wrong_is_told_with_the_way_out(tmp_path: Path) -> None:
    one = good()
    write(tmp_path, one)
    release.get_path(tmp_path, one.id).unlink()
    assert invalid(tmp_path) == (
        f"releases/{one.id}.yaml: cannot be read (No such file or directory); take it from git again, or deploy what"
        " the source describes: seaway up --retry"
    )
    release_lock.get_path(tmp_path, "dev").write_text("release: 1\nhelp: 2\n")
    assert "environments/dev.lock.yaml:2:1: help: is no key of a lock; did you mean held?" in invalid(tmp_path)
    with pytest.raises(diagnosis.InvalidInput):
        hold.remove_fallback(tmp_path, "dev")
    assert "release: 1" in release_lock.get_path(tmp_path, "dev").read_text(), "a pin is never lost"


def test_the_pin_and_what_is_held_outlive_a_hold(tmp_path: Path) -> None:
    one = good()
    said = release_lock.Lock(
        release="1" * 12, is_rollback=True, held=(release_lock.HeldRelease("2" * 12, because="bad", since="today"),)
    )
    release.get_path(tmp_path, "1" * 12).parent.mkdir()
    release.get_path(tmp_path, "1" * 12).write_text("{}\n")
    release_lock.write(tmp_path, "dev", said)
    said = release_lock.read(tmp_path, "dev")
    found = write(tmp_path, one)
    assert release_lock.read(tmp_path, "dev") == dataclasses.replace(said, fallback=found)
    hold.remove_fallback(tmp_path, "dev")
    assert release_lock.read(tmp_path, "dev") == said
    assert list(release_lock.list_named_releases(tmp_path)) == ["2" * 12, "1" * 12]


def test_the_note_of_the_program(tmp_path: Path) -> None:
    assert hold.read_run_result(tmp_path, "dev") is None
    said = hold.RunResult(described="a", deployed="b")
    hold.write_run_result(tmp_path, "dev", said)
    assert hold.read_run_result(tmp_path, "dev") == said
    assert hold.read_run_result(tmp_path, "prod") is None
    hold.get_run_result_path(tmp_path, "dev").write_text("{")
    assert hold.read_run_result(tmp_path, "dev") is None
