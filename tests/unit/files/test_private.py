"""`.seaway` is closed to other users before it is used, and links to it or in it are not followed."""

import os
import stat
from collections.abc import Callable
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


def get_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def prepare(folder: Path) -> None:
    with mock.patch.object(toolchain, "link_plugins"):  # none is compiled on a fresh machine
        environment.prepare_environment(state=folder / ".seaway")


def lock(folder: Path) -> None:
    with node.lock_cluster(layout.Layout(root=folder)):
        pass


def write_note(folder: Path) -> None:
    private.write_file(hold.get_run_result_path(folder, "dev"), "{}")


def save_index(folder: Path) -> None:
    file_index.FileIndex().save(folder / ".seaway/context/web.index.json")


@pytest.mark.parametrize("act", [prepare, lock, write_note, save_index])
@pytest.mark.parametrize("before", [None, 0o755, 0o777, 0o750, 0o700])
def test_its_mode_is_0700(tmp_path: Path, act: Callable[[Path], None], before: int | None) -> None:
    mask = os.umask(0)
    try:
        if before is not None:
            (tmp_path / ".seaway").mkdir()
            (tmp_path / ".seaway").chmod(before)
        act(tmp_path)
    finally:
        os.umask(mask)
    assert get_mode(tmp_path / ".seaway") == 0o700


@pytest.mark.parametrize("act", [prepare, lock, write_note, save_index])
def test_a_link_in_its_place_is_refused(tmp_path: Path, act: Callable[[Path], None]) -> None:
    (tmp_path / "victim").mkdir(mode=0o755)
    (tmp_path / ".seaway").symlink_to("victim")
    with pytest.raises(diagnosis.InvalidInput, match=r"^\.seaway: .* \[not-a-directory\]$"):
        act(tmp_path)
    assert get_mode(tmp_path / "victim") == 0o755
    assert list((tmp_path / "victim").iterdir()) == []


def test_the_settings_for_a_shell_are_not_written_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bashrc").write_text("precious")
    (tmp_path / ".seaway").mkdir()
    (tmp_path / ".seaway/env").symlink_to("../bashrc")
    monkeypatch.setattr(environment, "STATE", tmp_path / ".seaway")
    monkeypatch.setattr(environment, "format_variables", lambda: {"A": "b c"})
    assert "export A='b c'\n" in environment.write_env_file().read_text()
    assert (tmp_path / "bashrc").read_text() == "precious"


@pytest.mark.parametrize("command_line", ["up", "preview", "down", "cluster status", "cluster up"])
@pytest.mark.parametrize("error", ["a link", "another user"])
def test_the_commands_of_a_checkout_report_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command_line: str, error: str
) -> None:
    if error == "a link":
        (tmp_path / "victim").mkdir()
        (tmp_path / ".seaway").symlink_to("victim")
    else:
        (tmp_path / ".seaway").mkdir(mode=0o700)
        monkeypatch.setattr(os, "geteuid", lambda: 1 + tmp_path.stat().st_uid)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(cluster, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["stack", command_line])
    command, _, word = command_line.partition(" ")
    assert (cluster.main([word]) if command == "cluster" else stack.main()) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert error in output.err
    assert output.err.startswith(".seaway: ")
    assert output.err.count("\n") == 1
    assert list((tmp_path / ".seaway").iterdir()) == []


def test_a_more_restrictive_mode_stays(tmp_path: Path) -> None:
    (tmp_path / ".seaway").mkdir(mode=0o500)
    private.make_folder(tmp_path / ".seaway")
    assert get_mode(tmp_path / ".seaway") == 0o500


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".seaway").mkdir()
    (tmp_path / ".seaway/context").write_text("")
    with pytest.raises(diagnosis.InvalidInput, match=r"context: .* \[not-a-directory\]$"):
        private.make_folder(tmp_path / ".seaway/context/web")


def test_other_folders_are_created_through_links(tmp_path: Path) -> None:
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
    assert private.read_file(tmp_path / "checkout/.seaway/context/a") == b"a", (
        "the path of the checkout may have a link"
    )
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
