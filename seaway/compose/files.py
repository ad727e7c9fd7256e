"""The files of a project: nothing outside its folder is read, whatever a Compose file names."""

import os
import re
import stat
from pathlib import Path

from seaway.model import nodes, problems

MAX_BYTES = 4 * nodes.MAX_CHARACTERS
MAX_FILES = 100

_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|git@|github\.com/|oci:|[\w.-]+@[\w.-]+:")


def remote(written: str) -> bool:
    """Whether a path is that of another machine: git, http, oci."""
    return bool(_REMOTE.match(written))


def lost(wrong: str, remedy: str, place: problems.Place, at: str) -> problems.Invalid:
    return problems.Invalid([problems.Problem(place, at, wrong, remedy)])


class Files:
    """Reads what is below one folder, links followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))
        self._read: dict[Path, bytes] = {}

    def shown(self, path: Path) -> str:
        """A path as messages show it: relative to the folder."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link is shown by its own name
        for folder in (self.folder, Path(os.path.realpath(absolute.parent))):
            if absolute.is_relative_to(folder) and folder == self.folder:
                return str(absolute.relative_to(folder))
        real = Path(os.path.realpath(absolute.parent)) / absolute.name
        return str(real.relative_to(self.folder)) if real.is_relative_to(self.folder) else str(path)

    def inside(self, path: Path) -> bool:
        """Whether a path, with its links followed, is in the folder."""
        try:
            return Path(os.path.realpath(path)).is_relative_to(self.folder)
        except (OSError, ValueError):
            return False

    def path(self, written: str, base: Path, place: problems.Place, at: str) -> Path:
        """What is written there, relative to ``base``. Raises problems.Invalid: it is not in the folder."""
        if remote(written):
            wrong = f"{problems.quoted(written)} is on another machine"
            raise lost(wrong, "copy it into the project, and name the copy", place, at)
        path = base / written
        if written.startswith("~") or "\0" in written or not self.inside(path):
            wrong = f"{problems.quoted(written)} leads out of the project"
            raise lost(wrong, "move it into the project's folder, and name it there", place, at)
        return path

    def exists(self, path: Path) -> bool:
        return path.exists()

    def read(self, path: Path, written: str, place: problems.Place, at: str) -> bytes:
        """The bytes of a file that is in the folder. Raises problems.Invalid."""
        real = Path(os.path.realpath(path))
        if real in self._read:
            return self._read[real]
        shown = problems.quoted(written)
        if len(self._read) >= MAX_FILES:
            raise lost(f"more than {MAX_FILES} files are read", "write fewer, larger ones", place, at)
        if not self.inside(path):
            raise lost(f"{shown} leads out of the project", "put the file itself there", place, at)
        try:
            found = real.stat()
            # A pipe would never end, a device neither.
            if not stat.S_ISREG(found.st_mode):
                raise lost(f"{shown} is no regular file", "write the path of a file", place, at)
            if found.st_size > MAX_BYTES:
                raise lost(f"{shown} has {found.st_size} bytes", f"keep it under {MAX_BYTES}", place, at)
            with real.open("rb") as file:
                data = file.read(MAX_BYTES)
        except OSError as error:
            wrong = f"{shown} cannot be read ({error.strerror or 'it cannot be opened'})"
            raise lost(wrong, "correct the path", place, at) from None
        self._read[real] = data
        return data
