"""``.seaway``: files that belong to one checkout and to its user only: state, keys and staged build contexts.

The folder has mode 0700 before anything is written in it, so its files need no restrictive mode. A file with mode 0600
may be staged as 0644, which the digest of an image depends on, and no other user can read it. A branch may have
committed a link in its place or below it: links are not followed.

Functions raise ``diagnosis.InvalidInput`` if ``.seaway`` or a folder in it is a link or a file, or of another user.
"""

from pathlib import Path

from seaway.files import roots, writer

FOLDER_NAME = writer.PRIVATE_FOLDER
MAX_BYTES = 64_000_000


def make_folder(path: Path) -> Path:
    """Creates a folder with its parents; ``.seaway``, if it is one of them, for its user only. Returns the path."""
    top = _find_top(path)
    if top is None:
        path.mkdir(parents=True, exist_ok=True)
        return path
    top.parent.mkdir(parents=True, exist_ok=True)
    writer.make_folder(top.parent, path)
    return path


def check_folder(folder: Path) -> None:
    """Checks the ``.seaway`` of a checkout, if it exists, before anything is read in it."""
    writer.check_writable(folder, folder / FOLDER_NAME / "file")


def write_file(path: Path, text: str) -> None:
    """Replaces a file below ``.seaway``: ``writer.write_file``."""
    writer.write_file(_find_project(path), path, text)


def read_file(path: Path) -> bytes | None:
    """A file below ``.seaway``; None: there is none, it is too large, or a link leads to it."""
    project = _find_project(path)
    try:
        with roots.open_regular_file(project, str(path.relative_to(project))) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    return data if len(data) <= MAX_BYTES else None


def _find_project(path: Path) -> Path:
    return (_find_top(path) or path).parent


def _find_top(path: Path) -> Path | None:
    """The ``.seaway`` that a path leads through, the innermost."""
    return next((folder for folder in (path, *path.parents) if folder.name == FOLDER_NAME), None)
