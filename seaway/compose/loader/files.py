"""Resolves the files that a compose file names. They must be in the project."""

import re
from pathlib import Path

from seaway.files import roots
from seaway.syntax import diagnosis

MAX_FILES = 100

_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|git@|github\.com/|oci:|[\w.-]+@[\w.-]+:")


def is_remote(written_path: str) -> bool:
    """Whether a path is on another machine: git, http, oci."""
    return bool(_REMOTE.match(written_path))


def resolve(within: roots.Root, written_path: str, base: Path, location: diagnosis.SourceLocation, path: str) -> Path:
    """The path relative to ``base``.

    Raises:
        diagnosis.InvalidInput: it is remote, or outside the root.
    """
    name = diagnosis.quote(written_path)
    if is_remote(written_path):
        message, hint = f"{name} is on another machine", "copy it into the project, and name the copy"
        raise diagnosis.reject(location, path, "remote-file", message, hint)
    if written_path.startswith("~"):  # the home of the current user
        raise diagnosis.reject(location, path, "outside-root", f"{name} is outside the project", within.hint)
    within.resolve_path(base / written_path, name, location, path)
    return base / written_path
