"""Nothing outside the project is written or removed, whatever a branch has committed in the place of a folder."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.files import private, writer
from seaway.project import release, release_lock
from seaway.release import hold
from seaway.syntax import diagnosis

STACK = "prod"


def lock_written(folder: Path) -> None:
    release_lock.write(folder, STACK, release_lock.Lock(release="0" * 12))


def lock_removed(folder: Path) -> None:
    release_lock.write(folder, STACK, release_lock.Lock())


def release_written(folder: Path) -> None:
    writer.write_file(folder, release.get_path(folder, "0" * 12), "text")


def release_removed(folder: Path) -> None:
    writer.remove_file(folder, release.get_path(folder, "0" * 12))


def note_written(folder: Path) -> None:
    hold.write_run_result(folder, STACK, hold.RunResult(described="a", deployed="b"))


def note_removed(folder: Path) -> None:
    private.remove_file(hold.get_run_result_path(folder, STACK))


def checked(folder: Path) -> None:
    writer.check_writable(
        folder,
        release_lock.get_path(folder, STACK),
        release.get_path(folder, "0" * 12),
        hold.get_run_result_path(folder, STACK),
    )


ACTIONS = [
    ("environments", lock_written),
    ("environments", lock_removed),
    ("environments", checked),
    ("releases", release_written),
    ("releases", release_removed),
    ("releases", checked),
    (".seaway", note_written),
    (".seaway", note_removed),
    (".seaway", checked),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project beside a folder with files of the same names."""
    outside = tmp_path / "out"
    outside.mkdir()
    for name in (f"{STACK}.lock.yaml", f"{'0' * 12}.yaml", f"release.{STACK}.json"):
        (outside / name).write_text("precious")
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def untouched(project: Path) -> bool:
    outside = list((project.parent / "out").iterdir())
    return len(outside) == 3 and all(file.read_text() == "precious" for file in outside)


@pytest.mark.parametrize(("name", "act"), ACTIONS)
@pytest.mark.parametrize("target", ["../out", "../nothing", "inside"])
def test_a_linked_folder_is_refused(project: Path, name: str, act: Callable[[Path], None], target: str) -> None:
    (project / "inside").mkdir()
    (project / name).symlink_to(target)
    with pytest.raises(diagnosis.InvalidInput) as caught:
        act(project)
    assert str(caught.value) == (
        f"{name}: is a link, and must be a directory; remove it, and from git too if it is there: Seaway makes a"
        " directory of its own"
    )
    assert untouched(project)
    assert not (project.parent / "nothing").exists()
    assert list((project / "inside").iterdir()) == []


@pytest.mark.parametrize(("name", "act"), ACTIONS)
def test_a_file_in_the_place_of_a_folder_is_refused(project: Path, name: str, act: Callable[[Path], None]) -> None:
    (project / name).write_text("")
    with pytest.raises(diagnosis.InvalidInput, match=rf"^{name}: is a file, and must be a directory; remove it"):
        act(project)


@pytest.mark.parametrize(("name", "act"), ACTIONS)
def test_what_is_not_there_is_made_or_needs_no_removal(project: Path, name: str, act: Callable[[Path], None]) -> None:
    act(project)
    assert (project / name).is_dir() == act.__name__.endswith("_written")


def test_a_link_in_the_place_of_the_file_is_replaced_or_removed_itself(project: Path) -> None:
    path = release_lock.get_path(project, STACK)
    path.parent.mkdir()
    for act in (lambda: writer.write_file(project, path, "text"), lambda: writer.remove_file(project, path)):
        path.unlink(missing_ok=True)
        path.symlink_to("../../out/prod.lock.yaml")
        act()
        assert untouched(project)
        assert not path.is_symlink()
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


def test_a_directory_in_the_place_of_the_file_is_reported(project: Path) -> None:
    path = release.get_path(project, "0" * 12)
    (path / "inner").mkdir(parents=True)
    for act in (release_written, release_removed):
        with pytest.raises(diagnosis.InvalidInput, match=r"^releases/000000000000.yaml: cannot be written \("):
            act(project)
    assert [each.name for each in path.parent.iterdir()] == [path.name], "half a file was left"


def test_a_project_that_is_reached_through_a_link_is_no_fault(project: Path) -> None:
    (project.parent / "link").symlink_to("project")
    lock_written(project.parent / "link")
    assert release_lock.get_path(project, STACK).is_file()


def test_a_private_folder_of_another_user_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `sudo make up`, `.seaway` is root's with mode 0700."""
    (project / ".seaway").mkdir(mode=0o700)
    owner = (project / ".seaway").stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1000)
    for act in (note_written, note_removed, checked, lambda folder: private.make_folder(folder / ".seaway/state")):
        with pytest.raises(diagnosis.InvalidInput) as caught:
            act(project)
        assert str(caught.value).startswith(".seaway: belongs to another user; make it yours, if `sudo` made it: sudo")


def test_what_cannot_be_opened_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refusing(path: str, *more: int, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            raise PermissionError(13, "Permission denied")
        return real(path, *more)

    monkeypatch.setattr(os, "open", refusing)
    (project / "environments").mkdir()
    with pytest.raises(diagnosis.InvalidInput, match=r"prod\.lock\.yaml: cannot be written \(Permission denied\)"):
        lock_written(project)


def test_the_private_folder_is_closed_when_a_file_is_written_in_it(project: Path) -> None:
    (project / ".seaway").mkdir()
    (project / ".seaway").chmod(0o755)
    note_written(project)
    assert stat.S_IMODE((project / ".seaway").stat().st_mode) == 0o700
