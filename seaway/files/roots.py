"""The one reader of files that an application, a compose file, a stack or a Dockerfile names.

It reads regular files inside one folder, the root, after links are resolved: the folder of Pulumi.yaml, or the git
repository that it is in where ``seaway:root`` is ``git``. Without a project the root is the working directory. What a
branch commits (a link, ``..``, an absolute path) so never reads a file of the machine that runs it. Below the root,
``.git``, ``.pulumi`` and ``.seaway`` are closed too: they hold tokens, keys and state.
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
MAX_BYTES = 4_000_000
CLOSED_NAMES = frozenset({".git", ".pulumi", ".seaway"})
"""Names of folders, or of files (a worktree's ``.git``), that hold tokens, keys and state."""

DIRECTORY_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}


class NotRegularError(OSError):
    """What is there is no regular file; ``kind`` says what it is."""

    def __init__(self, mode: int) -> None:
        self.kind = _KINDS.get(stat.S_IFMT(mode), "a device")
        super().__init__(None, f"it is {self.kind}, not a regular file")


@contextlib.contextmanager
def open_regular_file(directory: Path, relative: str) -> Generator[io.BufferedReader]:
    """A regular file below ``top``, which itself may be a link. None is followed on the way, the file included.

    Raises:
        NotRegularError: it is something else; that is not opened.
        OSError: it is not there, or may not be read.
    """
    folder = os.open(os.path.realpath(directory), DIRECTORY_FLAGS)
    try:
        *above, name = Path(relative).parts or (".",)
        for part in above:
            folder, before = os.open(part, DIRECTORY_FLAGS, dir_fd=folder), folder
            os.close(before)
        _require_regular_file(os.stat(name, dir_fd=folder, follow_symlinks=False))
        # Between the two it may become a FIFO, which without O_NONBLOCK would wait for a writer.
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
    """The folder that files are read in. Paths in messages are relative to it."""

    folder: Path
    hint: str = "copy it into the project"
    """What to do about a file that is outside."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(os.path.realpath(self.folder)))

    def format_path(self, path: Path) -> str:
        """A path as messages show it: relative to the root, a link by its own name."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link is shown by its own name
        for one in (absolute, Path(os.path.realpath(absolute.parent), absolute.name)):
            if one.is_relative_to(self.folder):
                return str(one.relative_to(self.folder))
        return str(path)

    def allows(self, path: Path) -> bool:
        """Whether what a path names may be read, as far as its place goes."""
        return self._find_refusal(path) is None

    def exists(self, path: Path) -> bool:
        """Whether something has this name. A link counts, wherever it leads: reading it then says what is wrong."""
        return os.path.lexists(path)

    def resolve_path(self, path: Path, subject: str, location: diagnosis.SourceLocation, key_path: str) -> Path:
        """The path with its links resolved.

        Args:
            path: as it is named.
            subject: what messages call it; empty, where their place does.
            place: where it is named.
            at: the key there.

        Raises:
            diagnosis.InvalidInput: it is outside of the root, or in a folder that is closed.
        """
        if refused := self._find_refusal(path):
            raise _make_error(location, key_path, f"{subject} {refused[0]}", refused[1])
        return Path(os.path.realpath(path))

    def resolve_directory(
        self, path: Path, subject: str, location: diagnosis.SourceLocation, key_path: str, *, hint: str
    ) -> Path:
        """A folder inside the root, with its links resolved.

        Raises:
            diagnosis.InvalidInput: it is outside, or no folder; ``hint`` says what to do then. See ``resolve_path``.
        """
        real = self.resolve_path(path, subject, location, key_path)
        try:
            there = stat.S_ISDIR(real.lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            there = False
        except OSError as error:
            raise _make_error(location, key_path, f"{subject} cannot be read ({error.strerror})", hint) from None
        if not there:
            raise _make_error(location, key_path, f"{subject} is not a directory", hint)
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
            path: see ``resolve_path``, as for ``subject``, ``place`` and ``at``.
            hint: what to do if it is not a regular file, is not there, or may not be read.
            limit: how many bytes are read at most.

        Raises:
            diagnosis.InvalidInput: it is outside, not a regular file, too large, unreadable, or changes meanwhile.
        """
        real = self.resolve_path(path, subject, location, key_path)
        try:
            with open_regular_file(self.folder, str(real.relative_to(self.folder))) as file:
                before = os.fstat(file.fileno())
                # Some files of the kernel say that they are empty, and never end.
                data = file.read(limit + 1) if before.st_size <= limit else b""
                after = os.fstat(file.fileno())
        except NotRegularError as error:
            wrong = f"{subject} is {error.kind}, not a regular file"
            raise _make_error(location, key_path, wrong, hint) from None
        except OSError as error:
            wrong = f"{subject} cannot be read ({error.strerror or 'it cannot be opened'})"
            raise _make_error(location, key_path, wrong, hint) from None
        if before.st_size > limit or len(data) > limit:
            size = f"{before.st_size}" if before.st_size > limit else f"more than {limit}"
            raise _make_error(location, key_path, f"{subject} has {size} bytes", f"keep it under {limit}")
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            wrong = f"{subject} changed while it was read"
            raise _make_error(location, key_path, wrong, "wait until nothing writes it, and run again")
        return data

    def _find_refusal(self, path: Path) -> tuple[str, str] | None:
        """What is wrong with the place of a path, and what to do."""
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):
            return "is not a path", "correct it"
        if not real.is_relative_to(self.folder):
            target = os.path.relpath(real, self.folder)
            plain = Path(os.path.abspath(path)) == real  # noqa: PTH100 - whether there is a link on the way
            return "is outside the project" + ("" if plain else f" (it resolves to {target})"), self.hint
        for part in real.relative_to(self.folder).parts:
            if part.casefold() in CLOSED_NAMES:
                return f"is in {part}, which holds keys and state", "name a file of the application"
        return None


def is_directory(path: Path) -> bool:
    """Whether a path names a directory."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def find_root(folder: Path, choice: RootChoice = "project") -> Root:
    """The root of a project.

    Args:
        folder: the project's; or one without a Pulumi.yaml in it or above, which then is the root itself.
        choice: the setting ``seaway:root``.

    Raises:
        diagnosis.InvalidInput: it is to be a git repository, and there is none.
    """
    above = Path(os.path.realpath(folder))
    project = next((one for one in (above, *above.parents) if (one / PROJECT_FILE).is_file()), None)
    if choice == "git":
        top = next((one for one in (above, *above.parents) if os.path.lexists(one / ".git")), None)
        if top is None:
            wrong = "is git, and the project is not in a git repository"
            raise _make_error(
                diagnosis.SourceLocation(PROJECT_FILE), "seaway:root", wrong, "remove it, or run git init"
            )
        return Root(top, "copy it into the git repository")
    if project is None:
        return Root(above, "copy it below the working directory, or run the command in a folder above both")
    hint = f"copy it into the folder of {PROJECT_FILE}; if it is in the same git repository: pulumi config set seaway:root git"
    return Root(project, hint)


def find_working_root() -> Root:
    """The root of a command that is given a file and no stack: the project of the working directory, or that itself."""
    return find_root(Path.cwd())


def _make_error(location: diagnosis.SourceLocation, key_path: str, message: str, hint: str) -> diagnosis.InvalidInput:
    return diagnosis.InvalidInput([diagnosis.Diagnostic(location, key_path, message.strip(), hint)])
