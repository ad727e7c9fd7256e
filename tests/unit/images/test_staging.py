"""The staged copy: exact, with the modes of every checkout, and only what changed is written."""

import os
import stat
from pathlib import Path

import pytest

from seaway.images import context, index, staging
from seaway.model import application, problems

BUILD = application.Build(context="web")


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "app").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "app/a.py").write_text("a = 1\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o700)
    (folder / "link").symlink_to("app/a.py")
    return folder


class Stage:
    """Stages like the components do: index loaded, context read, copy made, index saved."""

    def __init__(self, project: Path) -> None:
        self.target = staging.folder(project, "web")
        self.index = staging.index_file(project, "web")
        self.project = project

    def __call__(self) -> int:
        known = index.Index.load(self.index)
        changes = staging.stage(context.Context.read(self.project, BUILD, known=known), self.target, known)
        known.save(self.index)
        return changes

    def tree(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in sorted(self.target.rglob("*")):
            mode = path.lstat().st_mode
            what = str(path.readlink()) if path.is_symlink() else oct(stat.S_IMODE(mode))
            found[path.relative_to(self.target).as_posix()] = what
        return found


@pytest.fixture
def stage(web: Path) -> Stage:
    return Stage(web.parent)


TREE = {"Dockerfile": "0o644", "app": "0o755", "app/a.py": "0o644", "link": "app/a.py", "run.sh": "0o755"}


def test_modes_are_those_of_every_checkout(web: Path, stage: Stage) -> None:
    (web / "app/a.py").chmod(0o600)
    before = os.umask(0o077)
    try:
        stage()
    finally:
        os.umask(before)
    assert stage.tree() == TREE
    assert stat.S_IMODE(stage.target.stat().st_mode) == 0o755
    assert (stage.target / "app/a.py").read_text() == "a = 1\n"


def test_nothing_is_written_when_nothing_changed(stage: Stage) -> None:
    assert stage() == 4
    before = {path: path.lstat().st_mtime_ns for path in stage.target.rglob("*")}
    assert stage() == 0
    assert {path: path.lstat().st_mtime_ns for path in stage.target.rglob("*")} == before


def test_only_the_changed_file_is_written(web: Path, stage: Stage) -> None:
    stage()
    before = (stage.target / "run.sh").stat().st_mtime_ns
    (web / "app/a.py").write_text("a = 2\n")
    assert stage() == 1
    assert (stage.target / "app/a.py").read_text() == "a = 2\n"
    assert (stage.target / "run.sh").stat().st_mtime_ns == before


def test_a_changed_mode_is_staged(web: Path, stage: Stage) -> None:
    stage()
    (web / "run.sh").chmod(0o644)
    assert stage() == 1
    assert stage.tree()["run.sh"] == "0o644"


def test_what_is_gone_goes(web: Path, stage: Stage) -> None:
    stage()
    (web / "app/a.py").unlink()
    (web / "link").unlink()
    stage()
    assert stage.tree() == {"Dockerfile": "0o644", "run.sh": "0o755"}


def test_files_folders_and_links_take_each_others_place(web: Path, stage: Stage) -> None:
    stage()
    (web / "link").unlink()
    (web / "link").mkdir()
    (web / "link/b.py").write_text("")
    (web / "app/a.py").unlink()
    (web / "app").rmdir()
    (web / "app").write_text("now a file")
    stage()
    assert stage.tree() == {
        "Dockerfile": "0o644",
        "app": "0o644",
        "link": "0o755",
        "link/b.py": "0o644",
        "run.sh": "0o755",
    }


def test_a_staged_file_that_somebody_changed_is_made_again(stage: Stage) -> None:
    stage()
    (stage.target / "app/a.py").write_text("a = 3\n")
    (stage.target / "foreign").write_text("")
    stage()
    assert stage.tree() == TREE
    assert (stage.target / "app/a.py").read_text() == "a = 1\n"


def test_a_lost_index_costs_time_only(stage: Stage) -> None:
    stage()
    stage.index.unlink()
    assert stage() == 4
    assert stage.tree() == TREE


def test_a_file_that_changes_meanwhile_is_told(web: Path, stage: Stage) -> None:
    read = context.Context.read(web.parent, BUILD)
    (web / "app/a.py").write_text("a = 4\n")
    with pytest.raises(problems.Invalid, match=r"a\.py: changed while it was copied; wait until nothing writes it"):
        staging.stage(read, stage.target, index.Index())
    (web / "app/a.py").unlink()
    with pytest.raises(problems.Invalid, match=r"a\.py: vanished before it was copied; wait until nothing writes it"):
        staging.stage(read, stage.target, index.Index())
