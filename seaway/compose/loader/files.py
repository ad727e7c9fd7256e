"""The files that a Compose file names: what is on another machine, and what is in the project. ``roots`` reads them."""

import re
from pathlib import Path

from seaway.files import roots
from seaway.syntax import diagnosis

MAX_FILES = 100

_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|git@|github\.com/|oci:|[\w.-]+@[\w.-]+:")


def remote(written: str) -> bool:
    """Whether a path is that of another machine: git, http, oci."""
    return bool(_REMOTE.match(written))


def lost(wrong: str, remedy: str, place: diagnosis.Place, at: str) -> diagnosis.Invalid:
    return diagnosis.Invalid([diagnosis.Problem(place, at, wrong, remedy)])


def resolve_named(within: roots.Root, written: str, base: Path, place: diagnosis.Place, at: str) -> Path:
    """What is written there, relative to ``base``. Raises problems.Invalid: it is not in the root."""
    if remote(written):
        wrong = f"{diagnosis.quoted(written)} is on another machine"
        raise lost(wrong, "copy it into the project, and name the copy", place, at)
    if written.startswith("~"):  # the home of whoever reads it
        raise lost(f"{diagnosis.quoted(written)} is outside the project", within.hint, place, at)
    within.resolve_path(base / written, diagnosis.quoted(written), place, at)
    return base / written
