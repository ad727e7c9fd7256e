"""``.seaway``: what belongs to one checkout and to its user alone, such as state, keys and staged build contexts.

It has mode 0700 before anything is written in it, so nothing in it needs a narrow mode of its own: a file that its user
keeps to himself (0600) may be staged as 0644, which the digest of an image depends on, and no other user reaches it.
A branch may have committed a link in its place or below it; none is followed.
"""

from pathlib import Path

from seaway.files import roots, writer

FOLDER_NAME = writer.PRIVATE_FOLDER
MAX_BYTES = 64_000_000


def make_folder(path: Path) -> Path:
    """Makes a folder with its parents; ``.seaway``, where it is one of them, for its user only. Returns the path.

    Raises:
        diagnosis.InvalidInput: ``.seaway`` or something below it is a link or a file, or belongs to another user.
    """
    top = _find_top(path)
    if top is None:
        path.mkdir(parents=True, exist_ok=True)
        return path
    top.parent.mkdir(parents=True, exist_ok=True)
    writer.make_folder(top.parent, path)
    return path


def check_folder(folder: Path) -> None:
    """Checks the ``.seaway`` of a checkout before anything is looked for in it; there may be none yet.

    Raises:
        diagnosis.InvalidInput: it is a link or a file, or belongs to another user.
    """
    writer.check_writable(folder, folder / FOLDER_NAME / "file")


def write_file(path: Path, text: str) -> None:
    """Replaces a file below ``.seaway``: ``writer.write``."""
    writer.write_file(_find_project(path), path, text)


def remove_file(path: Path) -> None:
    """Removes a file below ``.seaway``: ``writer.remove``."""
    writer.remove_file(_find_project(path), path)


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
    """The folder that ``.seaway`` is in."""
    return (_find_top(path) or path).parent


def _find_top(path: Path) -> Path | None:
    """The ``.seaway`` that a path leads through, the innermost."""
    return next((one for one in (path, *path.parents) if one.name == FOLDER_NAME), None)
