"""What is held back, in files that a machine writes."""

import dataclasses
from pathlib import Path

import pytest

from seaway.model import load, problems, roots, settings
from seaway.release import hold, lock, record, release
from tests import golden

STACK = settings.Settings(stack="dev", context="work")


def good() -> record.Record:
    app = load.load(golden.ROOT / "examples" / "shop" / "app.yaml", root=roots.Root(golden.ROOT))
    return record.Record.of(app, STACK, *golden.given(app))


def held(release: str, failed: str = "f" * 12) -> hold.Hold:
    return hold.Hold(release=release, held=failed, because="web: image not found", since="2026-01-01T00:00:00Z")


def invalid(folder: Path) -> str:
    with pytest.raises(problems.Invalid) as caught:
        found = hold.read(folder, "dev")
        assert found
        hold.pinned(folder, found)
    return str(caught.value)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    one = good()
    assert hold.read(tmp_path, "dev") is None
    hold.write(tmp_path, "dev", held(one.id), one)
    assert hold.read(tmp_path, "dev") == held(one.id)
    assert hold.read(tmp_path, "prod") is None
    assert hold.pinned(tmp_path, held(one.id)).id == one.id
    text = (tmp_path / "environments" / "dev.lock.yaml").read_text()
    assert text.startswith("# What stack dev runs. Written by `seaway release` and `seaway up`; commit it.\ninstead:\n")
    assert "because: 'web: image not found'\n" in text
    assert f"# Release {one.id} of shop-dev" in (tmp_path / "releases" / f"{one.id}.yaml").read_text()


def test_digits_and_exponents_are_ids_too(tmp_path: Path) -> None:
    for id_ in ("123456789012", "12345678e012", "000000000000"):
        hold.write(tmp_path, "dev", held(id_, id_), good())
        assert hold.read(tmp_path, "dev") == held(id_, id_)


def test_removing_it_leaves_what_another_stack_names(tmp_path: Path) -> None:
    one = good()
    hold.remove(tmp_path, "dev")
    for stack in ("dev", "prod"):
        hold.write(tmp_path, stack, held(one.id), one)
    hold.remove(tmp_path, "dev")
    assert hold.read(tmp_path, "dev") is None
    assert hold.pinned(tmp_path, held(one.id)).id == one.id
    hold.remove(tmp_path, "prod")
    assert not list(tmp_path.rglob("*.yaml"))


def test_what_is_wrong_is_told_with_the_way_out(tmp_path: Path) -> None:
    one = good()
    hold.write(tmp_path, "dev", held(one.id), one)
    release.file(tmp_path, one.id).unlink()
    assert invalid(tmp_path) == (
        f"releases/{one.id}.yaml: cannot be read (No such file or directory); take it from git again, or deploy what"
        " the source describes: seaway up --retry"
    )
    lock.file(tmp_path, "dev").write_text("release: 1\nhelp: 2\n")
    assert "environments/dev.lock.yaml:2:1: help: is no key of a lock; did you mean held?" in invalid(tmp_path)
    with pytest.raises(problems.Invalid):
        hold.remove(tmp_path, "dev")
    assert "release: 1" in lock.file(tmp_path, "dev").read_text(), "a pin is never lost"


def test_the_pin_and_what_is_held_outlive_a_hold(tmp_path: Path) -> None:
    one = good()
    said = lock.Lock(release="1" * 12, back=True, held=(lock.Held("2" * 12, because="bad", since="today"),))
    lock.write(tmp_path, "dev", said)
    hold.write(tmp_path, "dev", held(one.id), one)
    assert lock.read(tmp_path, "dev") == dataclasses.replace(said, instead=held(one.id))
    hold.remove(tmp_path, "dev")
    assert lock.read(tmp_path, "dev") == said
    assert list(lock.all_named(tmp_path)) == ["2" * 12, "1" * 12]


def test_the_note_of_the_program(tmp_path: Path) -> None:
    assert hold.noted(tmp_path, "dev") is None
    said = hold.Note(described="a", deployed="b")
    hold.leave(tmp_path, "dev", said)
    assert hold.noted(tmp_path, "dev") == said
    assert hold.noted(tmp_path, "prod") is None
    hold.note(tmp_path, "dev").write_text("{")
    assert hold.noted(tmp_path, "dev") is None
