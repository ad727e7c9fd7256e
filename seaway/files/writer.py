"""Writes a project's files: releases, lock files, and the contents of ``.seaway``.

A branch may have committed a link or a file in place of a folder. No link below the project's folder is followed to
write or to remove, so nothing outside the project changes. A link in place of the file itself is replaced.

All functions raise ``diagnosis.InvalidInput`` if a folder on the way is a link or a file, or if the system refuses.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Never

from seaway.files import roots
from seaway.syntax import diagnosis

PRIVATE_FOLDER = ".seaway"
"""The folder that other users cannot open. It is closed before anything is written in it."""

_REPLACE_HINT = "remove it, also from git: Seaway creates a directory there"


def write_file(folder: Path, path: Path, text: str) -> None:
    """Replaces a file below the project's folder in one step, and creates the folders that lead to it."""
    temporary = f"{path.name}.{os.getpid()}"
    with _report_os_errors(folder, path), _open_folder(folder, path.parent, create=True) as parent:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666, dir_fd=parent), "w", encoding="utf-8") as file:
            file.write(text)
        try:
            os.replace(temporary, path.name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:
            os.unlink(temporary, dir_fd=parent)
            raise


def write_output(path: Path, text: str) -> None:
    """Writes a file that the user names. In a checkout, a link that a branch has committed is not followed."""
    absolute = Path(os.path.normpath(Path(os.path.realpath(Path.cwd()), path)))
    marks = (".git", roots.PROJECT_FILE)
    tops = (folder for folder in reversed(absolute.parents) if any(os.path.lexists(folder / mark) for mark in marks))
    if top := next(tops, None):
        write_file(top, absolute, text)
        return
    try:
        absolute.write_text(text, encoding="utf-8")
    except OSError as error:
        hint = "name another file"
        raise diagnosis.reject(
            diagnosis.SourceLocation(str(path)), "", "unwritable-file", f"cannot be written ({error.strerror})", hint
        ) from None


def remove_file(folder: Path, path: Path) -> None:
    """Removes a file below the project's folder, if it exists."""
    with (
        _report_os_errors(folder, path),
        contextlib.suppress(FileNotFoundError),
        _open_folder(folder, path.parent) as parent,
    ):
        os.unlink(path.name, dir_fd=parent)


def check_writable(folder: Path, *paths: Path) -> None:
    """Checks before a command starts that files can be written later."""
    for path in paths:
        with (
            _report_os_errors(folder, path),
            contextlib.suppress(FileNotFoundError),
            _open_folder(folder, path.parent) as parent,
        ):
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=parent):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def make_folder(folder: Path, path: Path) -> None:
    """Creates a folder below the project's folder, with those that lead to it."""
    with _report_os_errors(folder, path), _open_folder(folder, path, create=True):
        pass


@contextlib.contextmanager
def _open_folder(folder: Path, path: Path, *, create: bool = False) -> Generator[int]:
    """Opens a folder below the project's step by step. The path of ``folder`` itself may contain links."""
    parts = path.relative_to(folder).parts
    if ".." in parts:
        _refuse(path, folder, "outside-root", f"leads out of {parts[0]}", "write a path without `..`")
    current = os.open(os.path.realpath(folder), roots.DIRECTORY_FLAGS)
    try:
        for count, name in enumerate(parts, 1):
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o700 if name == PRIVATE_FOLDER else 0o777, dir_fd=current)
            mode = os.stat(name, dir_fd=current, follow_symlinks=False).st_mode
            if not stat.S_ISDIR(mode):
                message = f"is a {'link' if stat.S_ISLNK(mode) else 'file'}, but must be a directory"
                _refuse(folder.joinpath(*parts[:count]), folder, "not-a-directory", message, _REPLACE_HINT)
            current, parent = os.open(name, roots.DIRECTORY_FLAGS, dir_fd=current), current
            os.close(parent)
            if name == PRIVATE_FOLDER:
                _refuse_others(folder.joinpath(*parts[:count]), folder, current)
                if create:
                    _close_to_others(current)
        yield current
    finally:
        os.close(current)


def _refuse_others(path: Path, folder: Path, descriptor: int) -> None:
    if os.geteuid() not in (0, os.fstat(descriptor).st_uid):
        hint = f'if `sudo` created it, change its owner: sudo chown -R "$(id -un)" {path.relative_to(folder)}'
        _refuse(path, folder, "foreign-folder", "belongs to another user", hint)


def _close_to_others(descriptor: int) -> None:
    if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
        # A descriptor with O_PATH cannot change the mode.
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
        try:
            os.fchmod(readable, 0o700)
        finally:
            os.close(readable)


@contextlib.contextmanager
def _report_os_errors(folder: Path, path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        message = f"cannot be written ({error.strerror})"
        _refuse(path, folder, "unwritable-file", message, "check its owner with ls -ld, and free space with df")


def _refuse(path: Path, folder: Path, code: str, message: str, hint: str) -> Never:
    location = diagnosis.SourceLocation(str(path.relative_to(folder)))
    raise diagnosis.reject(location, "", code, message, hint) from None
