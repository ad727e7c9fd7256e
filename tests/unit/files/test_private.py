"""`.seaway` is closed to other users before anything is in it, and nothing of it is reached through a link."""

import os
import stat
from pathlib import Path
from unittest import mock

import pytest

from dev import environment, stack
from dev.cluster import __main__ as cluster
from dev.cluster import layout, node, toolchain
from seaway.files import private
from seaway.images import file_index
from seaway.release import hold
from seaway.syntax import diagnosis


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def prepared(folder: Path) -> None:
    with mock.patch.object(toolchain, "link_plugins"):  # none is compiled on a fresh machine
        environment.prepare(state=folder / ".seaway")


def locked(folder: Path) -> None:
    with node.locked(layout.Layout(root=folder)):
        pass


def noted(folder: Path) -> None:
    private.write_file(hold.get_run_result_path(folder, "dev"), "{}")


def saved(folder: Path) -> None:
    file_index.FileIndex().save(folder / ".seaway/context/web.index.json")


@pytest.mark.parametrize("made", [prepared, locked, noted, saved])
@pytest.mark.parametrize("before", [None, 0o755, 0o777, 0o750, 0o700])
def test_whoever_makes_it_closes_it(tmp_path: Path, made: object, before: int | None) -> None:
    mask = os.umask(0)
    try:
        if before is not None:
            (tmp_path / ".seaway").mkdir()
            (tmp_path / ".seaway").chmod(before)
        assert callable(made)
        made(tmp_path)
    finally:
        os.umask(mask)
    assert mode(tmp_path / ".seaway") == 0o700


@pytest.mark.parametrize("made", [prepared, locked, noted, saved])
def test_a_link_in_its_place_is_refused(tmp_path: Path, made: object) -> None:
    (tmp_path / "victim").mkdir(mode=0o755)
    (tmp_path / ".seaway").symlink_to("victim")
    assert callable(made)
    with pytest.raises(diagnosis.InvalidInput, match=r"\.seaway: is a link, and must be a directory; remove it"):
        made(tmp_path)
    assert mode(tmp_path / "victim") == 0o755
    assert list((tmp_path / "victim").iterdir()) == []


def test_the_settings_for_a_shell_are_not_written_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bashrc").write_text("precious")
    (tmp_path / ".seaway").mkdir()
    (tmp_path / ".seaway/env").symlink_to("../bashrc")
    monkeypatch.setattr(environment, "STATE", tmp_path / ".seaway")
    monkeypatch.setattr(environment, "variables", lambda: {"A": "b c"})
    assert "export A='b c'\n" in environment.write().read_text()
    assert (tmp_path / "bashrc").read_text() == "precious"


@pytest.mark.parametrize("verb", ["up", "preview", "down", "cluster status", "cluster up"])
@pytest.mark.parametrize("wrong", ["a link", "another user"])
def test_the_commands_of_a_checkout_say_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str, wrong: str
) -> None:
    if wrong == "a link":
        (tmp_path / "victim").mkdir()
        (tmp_path / ".seaway").symlink_to("victim")
    else:
        (tmp_path / ".seaway").mkdir(mode=0o700)
        monkeypatch.setattr(os, "geteuid", lambda: 1 + tmp_path.stat().st_uid)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(cluster, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["stack", verb])
    command, _, word = verb.partition(" ")
    assert (cluster.main([word]) if command == "cluster" else stack.main()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert wrong in shown.err
    assert shown.err.startswith(".seaway: ")
    assert shown.err.count("\n") == 1
    assert list((tmp_path / ".seaway").iterdir()) == []


def test_a_mode_that_is_narrower_stays(tmp_path: Path) -> None:
    (tmp_path / ".seaway").mkdir(mode=0o500)
    private.make_folder(tmp_path / ".seaway")
    assert mode(tmp_path / ".seaway") == 0o500


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".seaway").mkdir()
    (tmp_path / ".seaway/context").write_text("")
    with pytest.raises(diagnosis.InvalidInput, match="context: is a file, and must be a directory"):
        private.make_folder(tmp_path / ".seaway/context/web")


def test_other_folders_are_made_as_ever(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "linked").symlink_to("there")
    private.make_folder(tmp_path / "linked/a/b")
    assert (tmp_path / "there/a/b").is_dir()


def test_nothing_is_read_through_a_link(tmp_path: Path) -> None:
    private.make_folder(tmp_path / ".seaway/context")
    (tmp_path / "outside").write_text("{}")
    (tmp_path / ".seaway/context/a").write_text("a")
    (tmp_path / ".seaway/context/link").symlink_to("../../outside")
    (tmp_path / ".seaway/dir").symlink_to("..")
    os.mkfifo(tmp_path / ".seaway/context/pipe")
    assert private.read_file(tmp_path / ".seaway/context/a") == b"a"
    (tmp_path / "checkout").symlink_to(".")
    assert private.read_file(tmp_path / "checkout/.seaway/context/a") == b"a", "the checkout's own path may be one"
    for name in ("context/link", "context/pipe", "context/nothing", "dir/outside"):
        assert private.read_file(tmp_path / ".seaway" / name) is None


def test_a_file_is_replaced_and_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    for name in ("file", f"file.{os.getpid()}"):
        (tmp_path / name).symlink_to("victim")
    private.write_file(tmp_path / "file", "text")
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_text() == "text"
