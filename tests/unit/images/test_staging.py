"""The staged copy: exact, with the same modes in every checkout, and only changes are written."""

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
    """Stages like the components: load the index, read the context, copy, save the index."""

    def __init__(self, folder: Path) -> None:
        self.target = staging.get_folder(folder, "web")
        self.index = staging.get_index_path(folder, "web")
        self.project = folder

    def __call__(self) -> int:
        index = file_index.FileIndex.load(self.index)
        changes = staging.stage(
            context.BuildContext.read(self.project, BUILD, roots.Root(self.project), cached_index=index),
            self.target,
            index,
        )
        index.save(self.index)
        return changes

    def tree(self) -> dict[str, str]:
        """The target or the mode of each path."""
        return {
            path.relative_to(self.target).as_posix(): (
                str(path.readlink()) if path.is_symlink() else oct(stat.S_IMODE(path.lstat().st_mode))
            )
            for path in sorted(self.target.rglob("*"))
        }


@pytest.fixture
def stage(web: Path) -> Stage:
    return Stage(web.parent)


TREE = {"Dockerfile": "0o644", "app": "0o755", "app/a.py": "0o644", "link": "app/a.py", "run.sh": "0o755"}


def test_modes_do_not_depend_on_the_checkout(web: Path, stage: Stage) -> None:
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


def test_removed_files_are_removed(web: Path, stage: Stage) -> None:
    stage()
    (web / "app/a.py").unlink()
    (web / "link").unlink()
    stage()
    assert stage.tree() == {"Dockerfile": "0o644", "run.sh": "0o755"}


def test_files_folders_and_links_replace_each_other(web: Path, stage: Stage) -> None:
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


def test_a_changed_copy_is_written_again(stage: Stage) -> None:
    stage()
    (stage.target / "app/a.py").write_text("a = 3\n")
    (stage.target / "foreign").write_text("")
    stage()
    assert stage.tree() == TREE
    assert (stage.target / "app/a.py").read_text() == "a = 1\n"


def test_a_lost_index_only_costs_time(stage: Stage) -> None:
    stage()
    stage.index.unlink()
    assert stage() == 4
    assert stage.tree() == TREE


def test_a_file_that_changes_meanwhile_is_reported(web: Path, stage: Stage) -> None:
    build_context = context.BuildContext.read(web.parent, BUILD, roots.Root(web.parent))
    (web / "app/a.py").write_text("a = 4\n")
    with pytest.raises(diagnosis.InvalidInput, match=r"a\.py: changed while it was copied; .* \[file-changed\]"):
        staging.stage(build_context, stage.target, file_index.FileIndex())
    (web / "app/a.py").unlink()
    with pytest.raises(diagnosis.InvalidInput, match=r"a\.py: was deleted before it was copied; .* \[file-changed\]"):
        staging.stage(build_context, stage.target, file_index.FileIndex())


@pytest.mark.parametrize("link", [".seaway", ".seaway/context", ".seaway/context/web"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_in_the_path_is_refused_and_not_followed(stage: Stage, link: str, dangling: bool) -> None:
    victim = stage.project / "victim"
    if not dangling:
        (victim / "context/web/deep").mkdir(parents=True)
        (victim / "context/web/deep/precious").write_text("precious")
        victim.chmod(0o711)
    at = stage.project / link
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(victim)
    with pytest.raises(diagnosis.InvalidInput, match=f"{link}: is a link, but must be a directory; remove it"):
        stage()
    assert victim.exists() is not dangling
    if not dangling:
        assert (victim / "context/web/deep/precious").read_text() == "precious"
        assert [path.name for path in victim.rglob("*")] == ["context", "web", "deep", "precious"]
        assert stat.S_IMODE(victim.stat().st_mode) == 0o711


def test_links_in_the_copy_are_replaced_and_not_followed(web: Path, stage: Stage) -> None:
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


def test_the_index_is_not_read_through_a_link(stage: Stage) -> None:
    stage.index.parent.mkdir(parents=True)
    stage.index.symlink_to("/dev/zero")
    assert stage() == 4
    assert not stage.index.is_symlink()


@pytest.mark.parametrize("before", [None, 0o755, 0o777])
def test_a_private_file_is_never_readable_for_others(
    web: Path, stage: Stage, before: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each copy, another user tries to read all files."""
    if os.geteuid():
        pytest.skip("needs root, to become another user")
    web.parent.chmod(0o755)
    (web / ".npmrc").write_text("token")
    (web / ".npmrc").chmod(0o600)
    if before is not None:
        (stage.project / ".seaway/context/web").mkdir(parents=True)
        (stage.project / ".seaway").chmod(before)
    readable: list[str] = []
    real = staging._copy  # pyright: ignore[reportPrivateUsage]

    def copy(*args: Any) -> None:
        real(*args)
        readable.extend(list_readable(stage.project))

    monkeypatch.setattr(staging, "_copy", copy)
    assert stage() == 5
    assert readable == []
    assert stat.S_IMODE((stage.project / ".seaway").stat().st_mode) == 0o700
    assert stage.tree() == {**TREE, ".npmrc": "0o644"}


def list_readable(project: Path) -> list[str]:
    """The files below .seaway that uid 65534 can open."""
    top = project / ".seaway"
    files = [path for path in top.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files
    # Another process: a thread that only changes its uid keeps root's capabilities.
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
    names = [os.path.relpath(path, project) for path in files]
    done = subprocess.run(
        [sys.executable, "-c", code, str(project), *names], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("target", ["/dev/zero", "/proc/self/environ", "loop", "../../../pipe"])
def test_a_link_that_the_provider_cannot_hash_is_refused(web: Path, stage: Stage, target: str) -> None:
    os.mkfifo(stage.project / "pipe")
    (web / "loop").symlink_to(target)
    with pytest.raises(diagnosis.InvalidInput, match=r"web/loop: is a link to .* \[unsupported-file\]"):
        stage()


def test_links_are_staged_as_links(web: Path, stage: Stage) -> None:
    links = {"absolute": "/usr/bin/python3", "up": "../../secret", "dir": "/etc", "nothing": "/nowhere/at/all"}
    links["masked"] = "/dev/null"
    for name, target in links.items():
        (web / name).symlink_to(target)
    stage()
    assert stage.tree() == {**TREE, **links}


def test_an_empty_folder_is_staged(web: Path, stage: Stage) -> None:
    (web / ".dockerignore").write_text("data/*\n")
    (web / "data").mkdir()
    (web / "data/a").write_text("")
    tree = {".dockerignore": "0o644", **TREE, "data": "0o755"}
    assert stage() == 6
    assert (stage.tree(), stage()) == (dict(sorted(tree.items())), 0)
    (web / ".dockerignore").write_text("x\n")
    stage()
    assert stage.tree()["data/a"] == "0o644"
    (web / "data/a").unlink()
    assert stage() == 2
    assert stage.tree() == {name: mode for name, mode in tree.items() if name != "data"}


def test_a_linked_dockerfile_is_staged_with_its_content(web: Path, stage: Stage) -> None:
    (web / "Dockerfile").rename(web.parent / "common")
    (web / "Dockerfile").symlink_to("../common")
    stage()
    assert stage.tree() == TREE
    assert (stage.target / "Dockerfile").read_text() == "FROM scratch\n"
    assert stage() == 0


def test_the_name_of_a_context_cannot_lead_out(stage: Stage) -> None:
    build_context = context.BuildContext.read(stage.project, BUILD, roots.Root(stage.project))
    with pytest.raises(diagnosis.InvalidInput, match=r"leads out of \.seaway"):
        staging.stage(
            build_context, staging.get_folder(stage.project, "web+../../../../victim"), file_index.FileIndex()
        )
