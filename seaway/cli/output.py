"""stdout and stderr of the command line: what is printed comes from files, the cluster and other programs, too.

A control character in it could hide or forge lines of a terminal, and a URL could have a password. So both streams
escape the one and hide the other. Only documents pass unchanged, such as manifests, and the output of `seaway exec`.
"""

import contextlib
import sys
from collections.abc import Generator
from typing import Any, TextIO, cast

from seaway.syntax import diagnosis


class CleanStream:
    """A stream that cleans the text."""

    def __init__(self, unchanged: TextIO) -> None:
        self.unchanged = unchanged

    def write(self, text: str) -> int:
        """Write the cleaned text."""
        self.unchanged.write(diagnosis.clean_lines(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unchanged, name)


@contextlib.contextmanager
def clean_streams() -> Generator[None]:
    """Clean what is printed inside the block."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, CleanStream(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def get_unchanged(stream: TextIO) -> TextIO:
    """The stream behind a cleaned one, for text that is clean or must not change."""
    return getattr(stream, "unchanged", stream)


def write_document(text: str) -> None:
    """Write a document to stdout: a file that the user, kubectl or Docker reads."""
    get_unchanged(sys.stdout).write(text)
