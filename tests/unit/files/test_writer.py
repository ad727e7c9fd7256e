"""Nothing outside the project is written or removed, whatever a branch commits in place of a folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.files import private, writer
from seaway.project import release, release_lock
from seaway.release import hold
from seaway.syntax import diagnosis
from tests.support import diagnostics

STACK = "prod"


def write_lock(folder: Path) -> None:
    release_lock.write(folder, STACK, release_lock.Lock(release="0" * 12))


def remove_lock(folder: Path) -> None:
    release_lock.write(folder, STACK, release_lock.Lock())


def write_release(folder: Path) -> None:
    writer.write_file(folder, release.get_path(folder, "0" * 12), "text")


def remove_release(folder: Path) -> None:
    writer.remove_file(folder, release.get_path(folder, "0" * 12))


def write_note(folder: Path) -> None:
    hold.write_run_result(folder, STACK, hold.RunResult(described="a", deployed="b"))


def remove_note(folder: Path) -> None:
    writer.remove_file(folder, hold.get_run_result_path(folder, STACK))


def check_all(folder: Path) -> None:
    writer.check_writable(
        folder,
        release_lock.get_path(folder, STACK),
        release.get_path(folder, "0" * 12),
        hold.get_run_result_path(folder, STACK),
    )


ACTIONS = [
    ("environments", write_lock),
    ("environments", remove_lock),
    ("environments", check_all),
    ("releases", write_release),
    ("releases", remove_release),
    ("releases", check_all),
    (".seaway", write_note),
    (".seaway", remove_note),
    (".seaway", check_all),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project beside a folder that has files with the same names."""
    outside = tmp_path / "out"
    outside.mkdir()
    for name in (f"{STACK}.lock.yaml", f"{'0' * 12}.yaml", f"release.{STACK}.json"):
        (outside / name).write_text("precious")
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def is_untouched(project: Path) -> bool:
    outside = list((project.parent / "out").iterdir())
    return len(outside) == 3 and all(file.read_text() == "precious" for file in outside)


def list_errors(act: Callable[[Path], object], project: Path) -> list[str]:
    errors = diagnostics.catch(lambda: act(project))
    return diagnostics.summarize(errors)


@pytest.mark.parametrize(("name", "act"), ACTIONS)
@pytest.mark.parametrize("target", ["../out", "../nothing", "inside"])
def test_a_linked_folder_is_refused(project: Path, name: str, act: Callable[[Path], None], target: str) -> None:
    (project / "inside").mkdir()
    (project / name).symlink_to(target)
    assert list_errors(act, project) == [f"{name}: : not-a-directory"]
    assert is_untouched(project)
    assert not (project.parent / "nothing").exists()
    assert list((project / "inside").iterdir()) == []


@pytest.mark.parametrize(("name", "act"), ACTIONS)
def test_a_file_in_place_of_a_folder_is_refused(project: Path, name: str, act: Callable[[Path], None]) -> None:
    (project / name).write_text("")
    assert list_errors(act, project) == [f"{name}: : not-a-directory"]


@pytest.mark.parametrize(("name", "act"), ACTIONS)
def test_a_folder_is_created_to_write_but_not_to_remove(project: Path, name: str, act: Callable[[Path], None]) -> None:
    act(project)
    assert (project / name).is_dir() == act.__name__.startswith("write_")


def test_a_link_in_place_of_the_file_is_replaced_or_removed(project: Path) -> None:
    path = release_lock.get_path(project, STACK)
    path.parent.mkdir()
    for act in (lambda: writer.write_file(project, path, "text"), lambda: writer.remove_file(project, path)):
        path.unlink(missing_ok=True)
        path.symlink_to("../../out/prod.lock.yaml")
        act()
        assert is_untouched(project)
        assert not path.is_symlink()
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


def test_a_directory_in_place_of_the_file_is_reported(project: Path) -> None:
    path = release.get_path(project, "0" * 12)
    (path / "inner").mkdir(parents=True)
    for act in (write_release, remove_release):
        assert list_errors(act, project) == ["releases/000000000000.yaml: : unwritable-file"]
    assert list(path.parent.iterdir()) == [path], "no temporary file is left"


def test_the_path_of_a_project_may_have_a_link(project: Path) -> None:
    (project.parent / "link").symlink_to("project")
    write_lock(project.parent / "link")
    assert release_lock.get_path(project, STACK).is_file()


def test_a_private_folder_of_another_user_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `sudo make up`, `.seaway` belongs to root and has mode 0700."""
    (project / ".seaway").mkdir(mode=0o700)
    owner = (project / ".seaway").stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1000)
    for act in (write_note, remove_note, check_all, lambda folder: private.make_folder(folder / ".seaway/state")):
        assert list_errors(act, project) == [".seaway: : foreign-folder"]


def test_a_folder_that_cannot_be_opened_is_reported(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_open = os.open

    def refuse(path: str, *flags: int, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            raise PermissionError(13, "Permission denied")
        return real_open(path, *flags)

    monkeypatch.setattr(os, "open", refuse)
    (project / "environments").mkdir()
    assert list_errors(write_lock, project) == ["environments/prod.lock.yaml: : unwritable-file"]


def test_the_wording_of_its_errors(project: Path, monkeypatch: pytest.MonkeyPatch, wording: list[str]) -> None:
    (project / "environments").symlink_to("../out")
    (project / "releases").write_text("")
    (project / ".seaway").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: (project / ".seaway").stat().st_uid + 1000)
    messages: list[str] = []
    actions = (write_lock, write_release, write_note, lambda folder: writer.write_file(folder, folder / "a/../b", ""))
    for act in actions:
        with pytest.raises(diagnosis.InvalidInput) as caught:
            act(project)
        messages.append(str(caught.value))
    assert messages == wording
