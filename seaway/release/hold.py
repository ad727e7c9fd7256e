"""A deployment that is held back: what the lock file says of it, the one that runs instead, and the program's note.

The lock file and the file of the deployment that runs instead, ``releases/<id>.yaml``, are kept in git: what runs is
then plain to every checkout. ``.seaway/release.<stack>.json`` is a note of one checkout, from the program to the
command line.
"""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from seaway.files import private, writer
from seaway.manifests import objects
from seaway.release import lock, record, release
from seaway.syntax import diagnosis, nodes

Hold = lock.Hold

OBJECTS = "objects"
"""Key of the objects in the file of what runs instead."""


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What runs instead of what is held back."""

    record: record.Record
    objects: tuple[objects.Object, ...] | None
    """As they were deployed, the Secrets without their values; None: its file is of format 0, without them."""


def pinned(folder: Path, hold: Hold, *, application: str, stack: str) -> Pinned:
    """What runs instead, from its file. It must be a release of this application in this stack.

    Raises:
        problems.Invalid: its file is missing, was changed, is no record, or is one of something else.
    """
    remedy = "take it from git again, or deploy what the source describes: seaway up --retry"
    node = lock.parsed(release.file(folder, hold.release), folder, remedy, sha256=hold.sha256)
    written = node.entries.get(OBJECTS) if isinstance(node, nodes.Table) else None
    one = record.Record.decode(nodes.drop(node, OBJECTS))
    try:
        found = record.read_objects(cast(list[Any], nodes.plain(written.node))) if written else one.objects()
    except (LookupError, ValueError) as error:
        raise diagnosis.Invalid([diagnosis.Problem(node.place, "", str(error), remedy)]) from None
    if elsewhere := record.foreign(one, found, application=application, stack=stack):
        raise diagnosis.Invalid([diagnosis.Problem(node.place, "", elsewhere, remedy)])
    return Pinned(record=one, objects=tuple(found) if written else None)


def write(folder: Path, stack: str, hold: Hold, good: record.Record, found: Iterable[objects.Object] | None) -> None:
    """Hold a deployment back, and keep the one that runs instead, with its objects as they were deployed."""
    told = f"# Release {hold.release} of {good.namespace}, as it was deployed. Written by Seaway.\n"
    more = {} if found is None else {OBJECTS: record.written_objects(found)}
    writer.write(folder, release.file(folder, hold.release), told + lock.format_text({**good.plain(), **more}))
    lock.write(folder, stack, dataclasses.replace(lock.read(folder, stack), instead=hold))


def remove(folder: Path, stack: str) -> None:
    """Hold nothing back. The file of what ran instead goes too, unless another stack needs it.

    Raises:
        problems.Invalid: the lock file is none.
    """
    said = lock.read(folder, stack)
    lock.write(folder, stack, dataclasses.replace(said, instead=None))
    if said.instead and said.instead.release not in lock.all_named(folder):
        writer.remove(folder, release.file(folder, said.instead.release))


def note(folder: Path, stack: str) -> Path:
    """Where the program leaves its note."""
    return folder / ".seaway" / f"release.{stack}.json"


def leave(folder: Path, stack: str, said: Note) -> None:
    """Leave the note."""
    private.write(note(folder, stack), json.dumps(dataclasses.asdict(said)))


def noted(folder: Path, stack: str) -> Note | None:
    """The note; None: the program did not come that far."""
    try:
        return Note(**json.loads(private.read(note(folder, stack)) or b""))
    except (OSError, ValueError, TypeError):
        return None
