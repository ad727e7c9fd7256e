"""A cache of file digests, so that unchanged files are not read again.

It is a small JSON file beside the staged copy. Without it, or if it is corrupt, all files are read.
"""

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Self

from seaway.files import private, roots

VERSION = 1

SETTLE_NANOSECONDS = 2_000_000_000
"""Nanoseconds after a change until a digest is cached: within one tick of the file system's clock, a file could change
again and keep its time and size."""

Stamp = tuple[int, int, int, int]
"""Modification time and change time in nanoseconds, size, inode."""


def make_stamp(status: os.stat_result) -> Stamp:
    """A value that changes whenever the file is written or replaced."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


@dataclasses.dataclass(slots=True)
class FileIndex:
    """Digests of a context's files and the stamps of their staged copies, by path."""

    sources: dict[str, tuple[Stamp, str]] = dataclasses.field(default_factory=dict[str, tuple[Stamp, str]])
    staged: dict[str, tuple[Stamp, str]] = dataclasses.field(default_factory=dict[str, tuple[Stamp, str]])

    @classmethod
    def load(cls, path: Path) -> Self:
        """The saved index; an empty index if it is missing or unreadable."""
        try:
            saved: dict[str, Any] = json.loads(private.read_file(path) or b"")
            if saved["version"] != VERSION:
                return cls()
            return cls(_decode_digests(saved["sources"]), _decode_digests(saved["staged"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def save(self, path: Path) -> None:
        """Save the index atomically."""
        private.write_file(path, json.dumps({"version": VERSION, "sources": self.sources, "staged": self.staged}))

    def hash_file(self, path: str, top: Path, status: os.stat_result) -> str:
        """SHA-256 of a file below ``top``; the file is read only if it may have changed."""
        now = make_stamp(status)
        match self.sources.get(path):
            case (before, digest) if before == now:
                return digest
            case _:
                with roots.open_regular_file(top, path) as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if time.time_ns() - max(now[0], now[1]) > SETTLE_NANOSECONDS:
            self.sources[path] = now, digest
        else:
            self.sources.pop(path, None)
        return digest

    def drop_missing(self, *, paths: Collection[str]) -> None:
        """Drop all files but these."""
        self.sources = {path: known for path, known in self.sources.items() if path in paths}


def _decode_digests(saved: dict[str, Any]) -> dict[str, tuple[Stamp, str]]:
    return {path: ((a, b, c, d), str(digest)) for path, ((a, b, c, d), digest) in saved.items()}
