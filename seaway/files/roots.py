"""Reads the files that an application, a compose file, a stack or a Dockerfile names.

Only regular files inside one folder, the root, are read, after links are resolved. The root is the folder of
Pulumi.yaml, its git repository if ``seaway:root`` is ``git``, or the working directory if there is no project. So a
branch cannot read a file of the machine that runs it, by a link, ``..`` or an absolute path. Below the root, ``.git``,
``.pulumi`` and ``.seaway`` are closed too: they hold tokens, keys and state.
"""

import contextlib
import dataclasses
import io
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Literal

from seaway.syntax import diagnosis

RootChoice = Literal["project", "git"]

PROJECT_FILE = "Pulumi.yaml"
_PROJECT_LOCATION = diagnosis.SourceLocation(PROJECT_FILE)
_GIT_COMMAND = "pulumi config set seaway:root git"
MAX_BYTES = 4_000_000
CLOSED_NAMES = frozenset({".git", ".pulumi", ".seaway"})
"""Names of folders, or of files (a worktree's ``.git``), that hold tokens, keys and state."""

DIRECTORY_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}


class NotRegularError(OSError):
    """The path does not lead to a regular file, but to a ``kind``."""

    def __init__(self, mode: int) -> None:
        self.kind = _KINDS.get(stat.S_IFMT(mode), "a device")
        super().__init__(None, f"it is {self.kind}, not a regular file")


@contextlib.contextmanager
def open_regular_file(directory: Path, relative: str) -> Generator[io.BufferedReader]:
    """A regular file below ``directory``, which may be a link itself. No link below it is followed.

    Raises:
        NotRegularError: it is not a regular file; it is not opened.
        OSError: it does not exist, or may not be read.
    """
    folder = os.open(os.path.realpath(directory), DIRECTORY_FLAGS)
    try:
        *above, name = Path(relative).parts or (".",)
        for part in above:
            folder, parent = os.open(part, DIRECTORY_FLAGS, dir_fd=folder), folder
            os.close(parent)
        _require_regular_file(os.stat(name, dir_fd=folder, follow_symlinks=False))
        # It may become a FIFO before it is opened. Without O_NONBLOCK, open would wait for a writer.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=folder)
    finally:
        os.close(folder)
    with os.fdopen(descriptor, "rb") as file:
        _require_regular_file(os.fstat(descriptor))
        yield file


def _require_regular_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegularError(status.st_mode)


@dataclasses.dataclass(frozen=True, slots=True)
class Root:
    """The folder in which files are read. Paths in messages are relative to it."""

    folder: Path
    hint: str = "copy it into the project"
    """For a file that is outside."""
    closed: tuple[Path, ...] = ()
    """Where links called as a closed folder lead to: a branch may have committed one, to a folder that it can name."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(os.path.realpath(self.folder)))

    def format_path(self, path: Path) -> str:
        """The path as messages show it: relative to the root, a link by its own name."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link is shown by its own name
        for form in (absolute, Path(os.path.realpath(absolute.parent), absolute.name)):
            if form.is_relative_to(self.folder):
                return str(form.relative_to(self.folder))
        return str(path)

    def allows(self, path: Path) -> bool:
        """Whether the location of a path permits reading it."""
        return self._find_refusal(path) is None

    def exists(self, path: Path) -> bool:
        """Whether the path exists. A link counts, wherever it leads: reading it reports the error."""
        return os.path.lexists(path)

    def resolve_path(self, path: Path, subject: str, location: diagnosis.SourceLocation, key_path: str) -> Path:
        """The path with its links resolved.

        ``subject`` is its name in messages; empty if the ``location``, where it is written, names it.
        """
        if refusal := self._find_refusal(path):
            code, message, hint = refusal
            raise _reject(location, key_path, code, f"{subject} {message}", hint)
        return Path(os.path.realpath(path))

    def resolve_directory(
        self, path: Path, subject: str, location: diagnosis.SourceLocation, key_path: str, *, hint: str
    ) -> Path:
        """A folder inside the root, with its links resolved.

        Raises:
            diagnosis.InvalidInput: it is outside, or not a folder; ``hint`` is for the second. See ``resolve_path``.
        """
        real = self.resolve_path(path, subject, location, key_path)
        try:
            is_folder = stat.S_ISDIR(real.lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            is_folder = False
        except OSError as error:
            message = f"{subject} cannot be read ({error.strerror})"
            raise _reject(location, key_path, "unreadable-file", message, hint) from None
        if not is_folder:
            raise _reject(location, key_path, "not-a-directory", f"{subject} is not a directory", hint)
        return real

    def read(
        self,
        path: Path,
        subject: str,
        location: diagnosis.SourceLocation,
        key_path: str,
        *,
        hint: str = "write the path of a file",
        limit: int = MAX_BYTES,
    ) -> bytes:
        """The bytes of a regular file inside the root.

        Args:
            path: see ``resolve_path``, as for ``subject``, ``location`` and ``key_path``.
            hint: for a path that is not a regular file, does not exist, or may not be read.
            limit: the maximum number of bytes.

        Raises:
            diagnosis.InvalidInput: it is outside, not a regular file, too large, unreadable, or is being written.
        """
        real = self.resolve_path(path, subject, location, key_path)
        try:
            with open_regular_file(self.folder, str(real.relative_to(self.folder))) as file:
                before = os.fstat(file.fileno())
                # Some files of the kernel report a size of 0 and never end.
                data = file.read(limit + 1) if before.st_size <= limit else b""
                after = os.fstat(file.fileno())
        except NotRegularError as error:
            message = f"{subject} is {error.kind}, not a regular file"
            raise _reject(location, key_path, "not-a-regular-file", message, hint) from None
        except OSError as error:
            message = f"{subject} cannot be read ({error.strerror or 'it cannot be opened'})"
            code = "file-not-found" if isinstance(error, FileNotFoundError) else "unreadable-file"
            raise _reject(location, key_path, code, message, hint) from None
        if before.st_size > limit or len(data) > limit:
            size = f"{before.st_size}" if before.st_size > limit else f"more than {limit}"
            message = f"{subject} has {size} bytes"
            raise _reject(location, key_path, "file-too-large", message, f"keep it under {limit}")
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            message = f"{subject} changed while it was read"
            raise _reject(location, key_path, "unstable-file", message, "wait until it is written, and run again")
        return data

    def _find_refusal(self, path: Path) -> tuple[str, str, str] | None:
        """Code, message and hint for the location of a path."""
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):
            return "invalid-path", "is not a valid path", "correct it"
        if not real.is_relative_to(self.folder):
            target = os.path.relpath(real, self.folder)
            has_link = Path(os.path.abspath(path)) != real  # noqa: PTH100 - without resolving links
            message = "is outside the project" + (f" (it resolves to {target})" if has_link else "")
            return "outside-root", message, self.hint
        linked = any(map(real.is_relative_to, self.closed))
        for part in (*([".seaway"] if linked else ()), *real.relative_to(self.folder).parts):
            if part.casefold() in CLOSED_NAMES:
                message = f"is in {part}, which holds keys and state"
                return "closed-folder", message, "name a file of the application"
        return None


def is_directory(path: Path) -> bool:
    """Whether a path names a directory."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def find_root(
    folder: Path, choice: RootChoice = "project", location: diagnosis.SourceLocation = _PROJECT_LOCATION
) -> Root:
    """The root of a project.

    Args:
        folder: the project's. Without a Pulumi.yaml in it or above it, it is the root itself.
        choice: the setting ``seaway:root``.
        location: of the setting.

    Raises:
        diagnosis.InvalidInput: it is to be a git repository, and there is none.
    """
    real = Path(os.path.realpath(folder))
    folders = (real, *real.parents)
    project = next((parent for parent in folders if (parent / PROJECT_FILE).is_file()), None)
    links = (Path(project or real, name) for name in CLOSED_NAMES)
    closed = tuple(Path(os.path.realpath(link)) for link in links if link.is_symlink())
    if choice == "git":
        top = next((parent for parent in folders if os.path.lexists(parent / ".git")), None)
        if top is None:
            message = "is git, but the project has no git repository"
            raise _reject(location, "seaway:root", "no-git-repository", message, "remove it, or run git init")
        return Root(top, "copy it into the git repository", closed)
    if project is None:
        return Root(real, "copy it below the working directory, or name a folder above both with --root", closed)
    git = f"if it is in the same git repository: {_GIT_COMMAND}"
    return Root(project, f"copy it into the folder of {PROJECT_FILE}; {git}", closed)


def find_working_root(choice: str | None = None) -> Root:
    """The root of a command with a file and no stack: the project of the working directory, or the directory itself.

    ``choice``: the option --root, which is `git` or a folder.
    """
    root = find_root(Path.cwd(), "git" if choice == "git" else "project", diagnosis.SourceLocation("--root"))
    if choice is not None and choice != "git":
        return Root(Path(choice), f"copy it below {choice}", root.closed)
    return Root(root.folder, root.hint.replace(_GIT_COMMAND, f"add --root git, and {_GIT_COMMAND}"), root.closed)


def _reject(
    location: diagnosis.SourceLocation, key_path: str, code: str, message: str, hint: str
) -> diagnosis.InvalidInput:
    """The message begins with a blank where there is no subject."""
    return diagnosis.reject(location, key_path, code, message.strip(), hint)
