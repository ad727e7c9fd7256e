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
from seaway.project import release, release_lock
from seaway.release import record
from seaway.syntax import diagnosis, nodes

Hold = release_lock.Fallback

OBJECTS_KEY = "objects"
"""Key of the objects in the file of what runs instead."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What the program found out in its last run that was no preview."""

    described: str
    """Id of the release that the source and the configuration describe."""
    deployed: str
    """Id of the one that was deployed: another one where that is held back."""


def read_fallback(folder: Path, stack: str) -> Hold | None:
    """What is held back in a stack; None: nothing.

    Raises:
        diagnosis.InvalidInput: the lock file is none.
    """
    return release_lock.read(folder, stack).fallback


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FallbackRelease:
    """What runs instead of what is held back."""

    record: record.ReleaseRecord
    release_objects: tuple[objects.ReleaseObject, ...] | None
    """As they were deployed, the Secrets without their values; None: its file is of format 0, without them."""


def read_fallback_release(folder: Path, fallback: Hold, *, app_name: str, stack: str) -> FallbackRelease:
    """What runs instead, from its file. It must be a release of this application in this stack.

    Raises:
        diagnosis.InvalidInput: its file is missing, was changed, is no record, or is one of something else.
    """
    remedy = "take it from git again, or deploy what the source describes: seaway up --retry"
    node = release_lock.parse_file(release.get_path(folder, fallback.release), folder, remedy, sha256=fallback.sha256)
    written = node.pairs.get(OBJECTS_KEY) if isinstance(node, nodes.MappingNode) else None
    one = record.ReleaseRecord.decode(nodes.remove_key(node, OBJECTS_KEY))
    try:
        found = (
            record.decode_objects(cast(list[Any], nodes.to_plain(written.node))) if written else one.render_objects()
        )
    except (LookupError, ValueError) as error:
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(node.location, "", str(error), remedy)]) from None
    if elsewhere := record.find_target_mismatch(one, found, app_name=app_name, stack=stack):
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(node.location, "", elsewhere, remedy)])
    return FallbackRelease(record=one, release_objects=tuple(found) if written else None)


def write_fallback(
    folder: Path,
    stack: str,
    fallback: Hold,
    release_record: record.ReleaseRecord,
    release_objects: Iterable[objects.ReleaseObject] | None,
) -> None:
    """Hold a deployment back, and keep the one that runs instead, with its objects as they were deployed."""
    told = f"# Release {fallback.release} of {release_record.namespace}, as it was deployed. Written by Seaway.\n"
    more = {} if release_objects is None else {OBJECTS_KEY: record.encode_objects(release_objects)}
    writer.write_file(
        folder,
        release.get_path(folder, fallback.release),
        told + release_lock.format_text({**release_record.to_plain(), **more}),
    )
    release_lock.write(folder, stack, dataclasses.replace(release_lock.read(folder, stack), fallback=fallback))


def remove_fallback(folder: Path, stack: str) -> None:
    """Hold nothing back. The file of what ran instead goes too, unless another stack needs it.

    Raises:
        diagnosis.InvalidInput: the lock file is none.
    """
    said = release_lock.read(folder, stack)
    release_lock.write(folder, stack, dataclasses.replace(said, fallback=None))
    if said.fallback and said.fallback.release not in release_lock.list_named_releases(folder):
        writer.remove_file(folder, release.get_path(folder, said.fallback.release))


def get_run_result_path(folder: Path, stack: str) -> Path:
    """Where the program leaves its note."""
    return folder / ".seaway" / f"release.{stack}.json"


def write_run_result(folder: Path, stack: str, run_result: RunResult) -> None:
    """Leave the note."""
    private.write_file(get_run_result_path(folder, stack), json.dumps(dataclasses.asdict(run_result)))


def read_run_result(folder: Path, stack: str) -> RunResult | None:
    """The note; None: the program did not come that far."""
    try:
        return RunResult(**json.loads(private.read_file(get_run_result_path(folder, stack)) or b""))
    except (OSError, ValueError, TypeError):
        return None
