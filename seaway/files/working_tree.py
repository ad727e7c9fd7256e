"""The files of the working tree that an application names."""

import dataclasses
from pathlib import Path

from seaway.files import roots


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTree:
    """The files of the working tree that an application names."""

    folder: Path
    """That of the application's file, which its paths are relative to."""
    root: roots.Root
