"""``.seaway``: what belongs to one checkout and to its user alone, such as state, keys and staged build contexts.

It has mode 0700 before anything is written in it, so nothing in it needs a narrow mode of its own: a file that its user
keeps to himself (0600) may be staged as 0644, which the digest of an image depends on, and no other user reaches it.
A branch may have committed a link in its place or below it; none is followed.
"""

import contextlib
import os
import stat
from pathlib import Path

from seaway.model import problems, roots

NAME = ".seaway"
MAX_BYTES = 64_000_000

_HINT = "remove it, and from git too if it is there: Seaway makes a directory of its own"


def make_folder(path: Path) -> Path:
    """Makes a folder with its parents; ``.seaway``, where it is one of them, for its user only. Returns the path.

    Raises:
        problems.Invalid: ``.seaway`` or something below it is a link or a file, or belongs to another user.
    """
    top = _find_top(path)
    if top is None:
        path.mkdir(parents=True, exist_ok=True)
        return path
    top.parent.mkdir(parents=True, exist_ok=True)
    below = path.relative_to(top).parts
    if ".." in below:
        raise _invalid(path, f"leads out of {NAME}")
    for made in (top, *(top.joinpath(*below[: count + 1]) for count in range(len(below)))):
        with contextlib.suppress(FileExistsError):
            made.mkdir(mode=0o700 if made == top else 0o777)
        if not stat.S_ISDIR(made.lstat().st_mode):
            what = "a link" if made.is_symlink() else "a file"
            raise _invalid(made, f"is {what}, and must be a directory")
        if made == top:
            _close_to_others(top)
    return path


def read(path: Path) -> bytes | None:
    """A file below ``.seaway``; None: there is none, it is too large, or a link leads to it."""
    top = _find_top(path) or path.parent
    try:
        with roots.open_regular(top.parent, str(path.relative_to(top.parent))) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    return data if len(data) <= MAX_BYTES else None


def _find_top(path: Path) -> Path | None:
    """The ``.seaway`` that a path leads through, the innermost."""
    return next((one for one in (path, *path.parents) if one.name == NAME), None)


def _close_to_others(top: Path) -> None:
    descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            os.fchmod(descriptor, 0o700)
    except PermissionError:
        raise _invalid(top, "is open to other users, and belongs to one of them") from None
    finally:
        os.close(descriptor)


def _invalid(path: Path, wrong: str) -> problems.Invalid:
    return problems.Invalid([problems.Problem(problems.Place(str(path)), "", wrong, _HINT)])
