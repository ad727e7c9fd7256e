"""A copy of the filtered context, at a path that is the same in every checkout.

The docker-build provider hashes file modes too and compares the context's path. So it gets a folder
below ``.seaway`` with modes 0644 and 0755, where only what changed is written.
"""

import hashlib
import os
import shutil
from pathlib import Path

from seaway.images import context, index
from seaway.model import problems


def folder(project: Path, name: str) -> Path:
    """Where the context of ``name`` is staged."""
    return project / ".seaway" / "context" / name


def index_file(project: Path, name: str) -> Path:
    """What is known about it; beside it, so that it is no part of it."""
    return folder(project, name).with_suffix(".index.json")


def stage(read: context.Context, target: Path, known: index.Index) -> int:
    """Makes ``target`` hold exactly the files of the context; returns how many were written or removed.

    Its parents must not be links. Files that are right by ``known`` are not touched: their times stay, and BuildKit,
    which compares times and sizes, sends nothing again. Raises Invalid if a file changes meanwhile.
    """
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o755)
    wanted = {file.path: file for file in read.files}
    changes = _remove_others(target, set(wanted), {os.path.dirname(path) for path in wanted})  # noqa: PTH120
    staged: dict[str, tuple[index.Stamp, str]] = {}
    for path, file in wanted.items():
        copy = target / path
        digest = read.digests[path]
        if known.staged.get(path) != (_stamp(copy), digest):
            changes += 1
            _copy(read.folder / path, copy, target, file)
        stamp = _stamp(copy)
        assert stamp is not None, f"{copy} vanished while it was staged"  # noqa: S101
        staged[path] = stamp, digest
    known.staged = staged
    return changes


def _stamp(file: Path) -> index.Stamp | None:
    try:
        return index.stamp(file.lstat())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _copy(source: Path, copy: Path, root: Path, file: context.File) -> None:
    for parent in reversed(copy.relative_to(root).parents[:-1]):
        (root / parent).mkdir(exist_ok=True)
        (root / parent).chmod(0o755)
    half = root.with_name(f"{root.name}.half")
    half.unlink(missing_ok=True)
    if file.link is not None:
        half.symlink_to(file.link)
    else:
        place, remedy = problems.Place(str(source)), "wait until nothing writes it, and run again"
        try:
            shutil.copyfile(source, half)
        except FileNotFoundError as error:
            raise problems.Invalid([problems.Problem(place, "", "vanished before it was copied", remedy)]) from error
        with half.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file.digest:
                raise problems.Invalid([problems.Problem(place, "", "changed while it was copied", remedy)])
        half.chmod(0o755 if file.executable else 0o644)
    half.replace(copy)


def _remove_others(target: Path, files: set[str], folders: set[str]) -> int:
    """Removes what is not wanted, or is a folder where a file is wanted and the other way round."""
    needed = {parent.as_posix() for name in folders for parent in (Path(name), *Path(name).parents)}
    removed = 0
    for place, names, others in os.walk(target, topdown=False):
        for name in (*names, *others):
            full = Path(place, name)
            path = full.relative_to(target).as_posix()
            is_folder = full.is_dir() and not full.is_symlink()
            if path in (needed if is_folder else files):
                continue
            removed += 1
            if is_folder:
                shutil.rmtree(full)
            else:
                full.unlink()
    return removed
