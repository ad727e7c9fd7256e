"""A deployment that is held back: what the lock file says of it, the one that runs instead, and the program's note.

The lock file and the file of the deployment that runs instead, ``releases/<id>.yaml``, are kept in git: what runs is
then plain to every checkout. ``.seaway/release.<stack>.json`` is a note of one checkout, from the program to the
command line.
"""

import dataclasses
import json
from pathlib import Path

from seaway.images import index
from seaway.manifests import yamlout
from seaway.release import lock, record, release

Hold = lock.Hold


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the program found out in its last run that was no preview."""

    described: str
    """Id of the release that the source and the configuration describe."""
    deployed: str
    """Id of the one that was deployed: another one where that is held back."""


def read(folder: Path, stack: str) -> Hold | None:
    """What is held back in a stack; None: nothing.

    Raises:
        problems.Invalid: the lock file is none.
    """
    return lock.read(folder, stack).instead


def pinned(folder: Path, hold: Hold) -> record.Record:
    """What runs instead.

    Raises:
        problems.Invalid: its file is missing, or is no record.
    """
    remedy = "take it from git again, or deploy what the source describes: seaway up --retry"
    return record.Record.decode(lock.parsed(release.file(folder, hold.release), folder, remedy))


def write(folder: Path, stack: str, hold: Hold, good: record.Record) -> None:
    """Hold a deployment back, and keep the one that runs instead."""
    told = f"# Release {hold.release} of {good.namespace}, as it was deployed. Written by Seaway.\n"
    index.write(release.file(folder, hold.release), told + yamlout.text(good.plain()))
    lock.write(folder, stack, dataclasses.replace(lock.read(folder, stack), instead=hold))


def remove(folder: Path, stack: str) -> None:
    """Hold nothing back. The file of what ran instead goes too, unless another stack needs it.

    Raises:
        problems.Invalid: the lock file is none.
    """
    said = lock.read(folder, stack)
    lock.write(folder, stack, dataclasses.replace(said, instead=None))
    if said.instead and said.instead.release not in lock.all_named(folder):
        release.file(folder, said.instead.release).unlink(missing_ok=True)


def note(folder: Path, stack: str) -> Path:
    """Where the program leaves its note."""
    return folder / ".seaway" / f"release.{stack}.json"


def leave(folder: Path, stack: str, said: Note) -> None:
    """Leave the note."""
    index.write(note(folder, stack), json.dumps(dataclasses.asdict(said)))


def noted(folder: Path, stack: str) -> Note | None:
    """The note; None: the program did not come that far."""
    try:
        return Note(**json.loads(note(folder, stack).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
