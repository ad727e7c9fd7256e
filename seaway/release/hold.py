"""Releases that are held back after a failure, the fallback that runs instead, and the result of the last run.

The lock file and the file of the fallback, ``releases/<id>.yaml``, are kept in git, so every checkout deploys the same.
``.seaway/release.<stack>.json`` belongs to one checkout: the program passes its result to the command line.
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

OBJECTS_KEY = "objects"
"""Key of the objects in the file of a fallback."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The result of the program's last run that was not a preview."""

    described: str
    """Id of the release that the source and the configuration describe."""
    deployed: str
    """Id of the deployed release: the fallback where the described release is held back."""


def read_fallback_release(
    folder: Path, fallback: release_lock.Fallback, *, app_name: str, stack: str
) -> tuple[record.ReleaseRecord, list[objects.ReleaseObject]]:
    """Read the fallback from its file: the record, and the objects as they were deployed, Secrets without values.

    A file of format 0 has no objects: they are rendered. It must be a release of this application in this stack.
    """
    hint = "restore it from git, or deploy the release that the source describes: seaway up --retry"
    node = release_lock.parse_file(release.get_path(folder, fallback.release), folder, hint, sha256=fallback.sha256)
    pair = node.pairs.get(OBJECTS_KEY) if isinstance(node, nodes.MappingNode) else None
    release_record = record.ReleaseRecord.decode(nodes.remove_key(node, OBJECTS_KEY))
    try:
        release_objects = (
            record.decode_objects(cast(list[Any], nodes.to_plain(pair.node)))
            if pair
            else release_record.render_objects()
        )
    except (LookupError, ValueError) as error:
        raise diagnosis.reject(node.location, "", "invalid-record", str(error), hint) from None
    if mismatch := record.find_target_mismatch(release_record, release_objects, app_name=app_name, stack=stack):
        raise diagnosis.reject(node.location, "", "other-target", mismatch, hint)
    return release_record, release_objects


def write_fallback(
    folder: Path,
    stack: str,
    fallback: release_lock.Fallback,
    release_record: record.ReleaseRecord,
    release_objects: Iterable[objects.ReleaseObject] | None,
) -> None:
    """Hold a release back, and save the fallback with its objects as they were deployed."""
    namespace = release_record.environment.namespace
    header = f"# Release {fallback.release} of {namespace}, as it was deployed. Written by Seaway.\n"
    recorded = {} if release_objects is None else {OBJECTS_KEY: record.encode_objects(release_objects)}
    text = header + release_lock.format_text({**release_record.to_plain(), **recorded})
    writer.write_file(folder, release.get_path(folder, fallback.release), text)
    release_lock.write(folder, stack, dataclasses.replace(release_lock.read(folder, stack), fallback=fallback))


def remove_fallback(folder: Path, stack: str) -> None:
    """Hold no release back. Delete the file of the fallback, unless another stack needs it."""
    lock = release_lock.read(folder, stack)
    release_lock.write(folder, stack, dataclasses.replace(lock, fallback=None))
    if lock.fallback and lock.fallback.release not in release_lock.list_named_releases(folder):
        writer.remove_file(folder, release.get_path(folder, lock.fallback.release))


def get_run_result_path(folder: Path, stack: str) -> Path:
    """The file with the result of the program's last run."""
    return folder / private.FOLDER_NAME / f"release.{stack}.json"


def find_run_time(folder: Path, stack: str) -> int | None:
    """The time at which the program last saved a result, in nanoseconds. Another run of it may need the file."""
    try:
        return get_run_result_path(folder, stack).lstat().st_mtime_ns
    except OSError:
        return None


def write_run_result(folder: Path, stack: str, run_result: RunResult) -> None:
    """Save the result of this run."""
    private.write_file(get_run_result_path(folder, stack), json.dumps(dataclasses.asdict(run_result)))


def read_run_result(folder: Path, stack: str) -> RunResult | None:
    """The result of the last run; None: the program ended before it had one."""
    try:
        return RunResult(**json.loads(private.read_file(get_run_result_path(folder, stack)) or b""))
    except (OSError, ValueError, TypeError):
        return None
