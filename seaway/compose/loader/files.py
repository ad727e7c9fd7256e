"""The files that a Compose file names: what is on another machine, and what is in the project. ``roots`` reads them."""

import re
from pathlib import Path

from seaway.files import roots
from seaway.syntax import diagnosis

MAX_FILES = 100

_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|git@|github\.com/|oci:|[\w.-]+@[\w.-]+:")


def is_remote(written_path: str) -> bool:
    """Whether a path is that of another machine: git, http, oci."""
    return bool(_REMOTE.match(written_path))


def make_error(message: str, hint: str, location: diagnosis.SourceLocation, path: str) -> diagnosis.InvalidInput:
    return diagnosis.InvalidInput([diagnosis.Diagnostic(location, path, message, hint)])


def resolve(within: roots.Root, written_path: str, base: Path, location: diagnosis.SourceLocation, path: str) -> Path:
    """What is written there, relative to ``base``. Raises diagnosis.InvalidInput: it is not in the root."""
    if is_remote(written_path):
        wrong = f"{diagnosis.quote(written_path)} is on another machine"
        raise make_error(wrong, "copy it into the project, and name the copy", location, path)
    if written_path.startswith("~"):  # the home of whoever reads it
        raise make_error(f"{diagnosis.quote(written_path)} is outside the project", within.hint, location, path)
    within.resolve_path(base / written_path, diagnosis.quote(written_path), location, path)
    return base / written_path
