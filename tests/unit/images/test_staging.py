"""The staged copy: exact, with the modes of every checkout, and only what changed is written."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seaway.files import roots
from seaway.images import context, file_index, staging
from seaway.model import application
from seaway.syntax import diagnosis

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
        self.target = staging.get_folder(project, "web")
        self.index = staging.get_index_path(project, "web")
        self.project = project

    def __call__(self) -> int:
        known = file_index.FileIndex.load(self.index)
        changes = staging.stage(
            context.BuildContext.read(self.project, BUILD, roots.Root(self.project), cached_index=known),
            self.target,
            known,
        )
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
    read = context.BuildContext.read(web.parent, BUILD, roots.Root(web.parent))
    (web / "app/a.py").write_text("a = 4\n")
    with pytest.raises(
        diagnosis.InvalidInput, match=r"a\.py: changed while it was copied; wait until nothing writes it"
    ):
        staging.stage(read, stage.target, file_index.FileIndex())
    (web / "app/a.py").unlink()
    with pytest.raises(
        diagnosis.InvalidInput, match=r"a\.py: vanished before it was copied; wait until nothing writes it"
    ):
        staging.stage(read, stage.target, file_index.FileIndex())


@pytest.mark.parametrize("link", [".seaway", ".seaway/context", ".seaway/context/web"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_on_the_way_is_refused_and_nothing_behind_it_is_touched(stage: Stage, link: str, dangling: bool) -> None:
    victim = stage.project / "victim"
    if not dangling:
        (victim / "context/web/deep").mkdir(parents=True)
        (victim / "context/web/deep/precious").write_text("precious")
        victim.chmod(0o711)
    at = stage.project / link
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(victim)
    with pytest.raises(diagnosis.InvalidInput, match=f"{link}: is a link, and must be a directory; remove it"):
        stage()
    assert victim.exists() is not dangling
    if not dangling:
        assert (victim / "context/web/deep/precious").read_text() == "precious"
        assert [one.name for one in victim.rglob("*")] == ["context", "web", "deep", "precious"]
        assert stat.S_IMODE(victim.stat().st_mode) == 0o711


def test_links_inside_the_copy_are_replaced_and_not_followed(web: Path, stage: Stage) -> None:
    victim = stage.project / "victim"
    (victim / "deep").mkdir(parents=True)
    (victim / "deep/precious").write_text("precious")
    stage.target.mkdir(parents=True)
    for name in ("app", "run.sh", "Dockerfile", "foreign"):
        (stage.target / name).symlink_to(victim)
    stage.target.with_name("web.half").symlink_to(victim / "deep/precious")
    stage()
    assert stage.tree() == TREE
    assert (victim / "deep/precious").read_text() == "precious"


def test_what_is_known_is_not_read_through_a_link(stage: Stage) -> None:
    stage.index.parent.mkdir(parents=True)
    stage.index.symlink_to("/dev/zero")
    assert stage() == 4
    assert not stage.index.is_symlink()


@pytest.mark.parametrize("before", [None, 0o755, 0o777])
def test_a_file_that_its_user_keeps_to_himself_is_read_by_nobody_else(
    web: Path, stage: Stage, before: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At no moment: every time that something was copied, another user tries to read all of it."""
    if os.geteuid():
        pytest.skip("needs root, to become another user")
    web.parent.chmod(0o755)
    (web / ".npmrc").write_text("token")
    (web / ".npmrc").chmod(0o600)
    if before is not None:
        (stage.project / ".seaway/context/web").mkdir(parents=True)
        (stage.project / ".seaway").chmod(before)
    tried: list[str] = []
    real = staging._copy  # pyright: ignore[reportPrivateUsage]

    def copied(*args: Any) -> None:
        real(*args)
        tried.extend(seen_by_another(stage.project))

    monkeypatch.setattr(staging, "_copy", copied)
    assert stage() == 5
    assert tried == []
    assert stat.S_IMODE((stage.project / ".seaway").stat().st_mode) == 0o700
    assert stage.tree() == {**TREE, ".npmrc": "0o644"}


def seen_by_another(project: Path) -> list[str]:
    """The files below .seaway that uid 65534 can open, from the project's folder, which it may pass."""
    top = project / ".seaway"
    listed = [str(one) for one in top.rglob("*") if one.is_file() and not one.is_symlink()]
    assert listed
    # Another process, since root's rights to pass folders stay with a thread that only changes its uid.
    code = (
        "import os, sys\n"
        "top = os.open(sys.argv[1], os.O_PATH)\n"
        "os.fchdir(top)\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for name in sys.argv[2:]:\n"
        "    try:\n"
        "        open(name).close()\n"
        "        print(name)\n"
        "    except PermissionError:\n"
        "        pass\n"
    )
    names = [os.path.relpath(one, project) for one in listed]
    done = subprocess.run(
        [sys.executable, "-c", code, str(project), *names], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("target", ["/dev/zero", "/proc/self/environ", "loop", "../../../pipe"])
def test_a_link_that_the_provider_cannot_hash_is_refused(web: Path, stage: Stage, target: str) -> None:
    os.mkfifo(stage.project / "pipe")
    (web / "loop").symlink_to(target)
    with pytest.raises(
        diagnosis.InvalidInput, match=r"web/loop: is a link to .*, which the docker-build provider cannot hash"
    ):
        stage()


def test_links_are_staged_as_they_are(web: Path, stage: Stage) -> None:
    links = {"absolute": "/usr/bin/python3", "up": "../../secret", "dir": "/etc", "nothing": "/nowhere"}
    for name, target in links.items():
        (web / name).symlink_to(target)
    stage()
    assert stage.tree() == {**TREE, **links}


def test_a_linked_dockerfile_is_staged_with_its_content(web: Path, stage: Stage) -> None:
    (web / "Dockerfile").rename(web.parent / "common")
    (web / "Dockerfile").symlink_to("../common")
    stage()
    assert stage.tree() == TREE
    assert (stage.target / "Dockerfile").read_text() == "FROM scratch\n"
    assert stage() == 0


def test_no_name_of_a_context_leads_out(stage: Stage) -> None:
    read = context.BuildContext.read(stage.project, BUILD, roots.Root(stage.project))
    with pytest.raises(diagnosis.InvalidInput, match=r"leads out of \.seaway"):
        staging.stage(read, staging.get_folder(stage.project, "web+../../../../victim"), file_index.FileIndex())
