"""The files of the working tree that an application may name."""

import dataclasses
from pathlib import Path

from seaway.files import roots


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTree:
    """The folder of an application's file, and the root of the files that it may name."""

    folder: Path
    """Paths in the application are relative to it."""
    root: roots.Root
