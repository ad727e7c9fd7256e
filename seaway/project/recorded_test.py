"""The recorded result of `seaway test` in a stack: ``environments/<stack>.test.yaml``.

The file is kept in git, so that a reviewer reads it beside the promotion that it permits. It is of one release, and has
the SHA-256 of the record that was tested.
"""

import dataclasses
import os
from pathlib import Path
from typing import Annotated

from seaway.files import writer
from seaway.project import release_lock
from seaway.syntax import decode, encode, field_help

REQUIRED_ROWS = ("communication", "security")
"""The rows that a promotion requires. Others that were run must have passed, too."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTest:
    """The result of one run."""

    release: Annotated[str, field_help.Help("id of the record of the release that was tested")]
    sha256: Annotated[str, field_help.Help("SHA-256 of that record in the cluster")]
    tested: Annotated[str, field_help.Help("RFC 3339, in UTC")]
    passed: tuple[str, ...] = ()
    """The rows in which nothing failed."""
    failed: tuple[str, ...] = ()
    """The rows in which something failed."""


def format_path(lock_name: str) -> str:
    """The path of the file in the project. ``lock_name``: as of the lock file of the stack."""
    return f"{release_lock.FOLDER}/{lock_name}.test.yaml"


def read(folder: Path, lock_name: str) -> RecordedTest | None:
    """The recorded result; None: there is no file.

    Raises:
        diagnosis.InvalidInput: the file cannot be read.
    """
    path = folder / format_path(lock_name)
    if not os.path.lexists(path):
        return None
    return decode.decode_node(RecordedTest, release_lock.parse_file(path, folder))


def write(folder: Path, lock_name: str, recorded: RecordedTest) -> None:
    """Replace the recorded result."""
    header = f"# What `seaway test --record` found in stack {lock_name}. Commit it.\n"
    text = release_lock.format_text(encode.to_plain(recorded))
    writer.write_file(folder, folder / format_path(lock_name), header + text)
