"""A release that is held back: the lock file that says so, the release that runs instead, and what the program says.

``environments/<stack>.lock.yaml`` and ``releases/<id>.yaml`` are written by a machine and kept in git: what runs is
then plain to every checkout. ``.seaway/release.<stack>.json`` is a note of one checkout, from the program to the
command line.
"""

import contextlib
import dataclasses
import json
from pathlib import Path

from seaway.images import index
from seaway.manifests import yamlout
from seaway.model import decode, encode, nodes, problems
from seaway.release import record


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A release that failed, and the one that runs instead for as long as the source still describes the failed one."""

    release: str
    """Id of the one that runs."""
    held: str
    """Id of the one that failed."""
    because: str
    """Why, in one line."""
    since: str
    """RFC 3339, in UTC."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the program found out in its last run that was no preview."""

    described: str
    """Id of the release that the source and the configuration describe."""
    deployed: str
    """Id of the one that was deployed: another one where that is held back."""


def lock(folder: Path, stack: str) -> Path:
    """The lock file of a stack in the project's folder."""
    return folder / "environments" / f"{stack}.lock.yaml"


def release(folder: Path, id_: str) -> Path:
    """The file of a release."""
    return folder / "releases" / f"{id_}.yaml"


def read(folder: Path, stack: str) -> Hold | None:
    """What is held back in a stack; None: nothing.

    Raises:
        problems.Invalid: the lock file is none.
    """
    file = lock(folder, stack)
    if not file.exists():
        return None
    return decode.decode(Hold, _parsed(file, folder))


def pinned(folder: Path, hold: Hold) -> record.Record:
    """The release that runs instead.

    Raises:
        problems.Invalid: its file is missing, or is no record.
    """
    return record.Record.decode(_parsed(release(folder, hold.release), folder))


def write(folder: Path, stack: str, hold: Hold, good: record.Record) -> None:
    """Hold a release back, and keep the one that runs instead."""
    told = f"# Release {hold.release} of {good.namespace}, as it was deployed. Written by Seaway.\n"
    index.write(release(folder, hold.release), told + yamlout.text(good.plain()))
    told = "# Written by `seaway up --rollback-on-failure`. The next `seaway up` of a changed source removes it.\n"
    index.write(lock(folder, stack), told + yamlout.text(encode.plain(hold)))


def remove(folder: Path, stack: str) -> None:
    """Hold nothing back, whatever the lock file says. The release's file goes too, unless another stack needs it."""
    hold = None
    with contextlib.suppress(problems.Invalid):
        hold = read(folder, stack)
    lock(folder, stack).unlink(missing_ok=True)
    others = (folder / "environments").glob("*.lock.yaml")
    if hold and not any(hold.release in file.read_text() for file in others):
        release(folder, hold.release).unlink(missing_ok=True)


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


def _parsed(file: Path, folder: Path) -> nodes.Node:
    shown = str(file.relative_to(folder))
    try:
        return nodes.parse(file.read_bytes(), shown)
    except OSError as error:
        wrong = f"cannot be read ({error.strerror})"
        remedy = "take it from git again, or deploy what the source describes: seaway up --retry"
        raise problems.Invalid([problems.Problem(problems.Place(shown), "", wrong, remedy)]) from None
