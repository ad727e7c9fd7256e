"""A copy of the filtered context, at a path that is the same in every checkout.

The docker-build provider hashes file modes too and compares the context's path. So it gets a folder below ``.seaway``
with modes 0644 and 0755, where only what changed is written. Those are wider than the modes of some sources, and of no
use to other users: ``.seaway`` is closed to them before anything is written. See ``private``.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from seaway.files import private, roots
from seaway.images import context, file_index
from seaway.syntax import diagnosis

CHUNK_BYTES = 1 << 20


def get_folder(project_folder: Path, name: str) -> Path:
    """Where the context of ``name`` is staged."""
    return project_folder / private.FOLDER_NAME / "context" / name


def get_index_path(project_folder: Path, name: str) -> Path:
    """What is known about it; beside it, so that it is no part of it."""
    return get_folder(project_folder, name).with_suffix(".index.json")


def stage(build_context: context.BuildContext, target: Path, cached_index: file_index.FileIndex) -> int:
    """Makes ``target`` hold exactly the files of the context; returns how many were written or removed.

    Files that are right by ``known`` are not touched: their times stay, and BuildKit, which compares times and sizes,
    sends nothing again. Raises Invalid if a file changes meanwhile, or a link stands where ``target`` belongs; then
    nothing is written or removed.
    """
    private.make_folder(target).chmod(0o755)
    wanted = {file.path: file for file in build_context.files}
    changes = _remove_others(target, set(wanted), {os.path.dirname(path) for path in wanted})  # noqa: PTH120
    staged: dict[str, tuple[file_index.Stamp, str]] = {}
    for path, file in wanted.items():
        copy = target / path
        digest = build_context.digests[path]
        if cached_index.staged.get(path) != (_stamp(copy), digest):
            changes += 1
            _copy(build_context, file, copy, target)
        if file.link is not None:
            _refuse_unhashable(build_context.folder / path, copy, file.link)
        stamp = _stamp(copy)
        assert stamp is not None, f"{copy} vanished while it was staged"  # noqa: S101
        staged[path] = stamp, digest
    cached_index.staged = staged
    return changes


def _stamp(file: Path) -> file_index.Stamp | None:
    try:
        return file_index.make_stamp(file.lstat())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _copy(read: context.BuildContext, file: context.ContextFile, copy: Path, root: Path) -> None:
    for parent in reversed(copy.relative_to(root).parents[:-1]):
        (root / parent).mkdir(exist_ok=True)
        (root / parent).chmod(0o755)
    half = root.with_name(f"{root.name}.half")
    _remove(half)
    if file.link is not None:
        half.symlink_to(file.link)
    else:
        # Not to be read by others until it is whole, and never through what stands there.
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            digest = hashlib.sha256()
            for chunk in _read_chunks(read, file.path):
                target.write(chunk)
                digest.update(chunk)
        if digest.hexdigest() != file.digest:
            raise _report_change(read.folder / file.path, "changed while it was copied")
        half.chmod(0o755 if file.executable else 0o644)
    half.replace(copy)


def _read_chunks(read: context.BuildContext, path: str) -> Iterator[bytes]:
    if path in read.link_contents:
        yield read.link_contents[path]
        return
    try:
        with roots.open_regular_file(read.folder, path) as source:
            while chunk := source.read(CHUNK_BYTES):
                yield chunk
    except FileNotFoundError as error:
        raise _report_change(read.folder / path, "vanished before it was copied") from error
    except OSError as error:
        raise _report_change(read.folder / path, f"cannot be read any more: {error.strerror}") from error


def _report_change(source: Path, wrong: str) -> diagnosis.InvalidInput:
    remedy = "wait until nothing writes it, and run again"
    return diagnosis.InvalidInput([diagnosis.Diagnostic(diagnosis.SourceLocation(str(source)), "", wrong, remedy)])


def _refuse_unhashable(source: Path, copy: Path, target: str) -> None:
    """Refuses a link on which the docker-build provider would fail or wait for ever.

    It sends the link as it is. But to know whether anything changed it also opens what the link names on this machine,
    if that is there, and hashes it. Nobody sees the content; but a FIFO or a device never ends.
    """
    try:
        mode = copy.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        why = error.strerror
    else:
        ends = stat.S_ISREG(mode) and not os.path.realpath(copy).startswith(("/proc/", "/sys/"))
        if stat.S_ISDIR(mode) or (ends and os.access(copy, os.R_OK)):
            return
        why = "it may not be read" if ends else "a file of the kernel, a FIFO or a device"
    wrong = f"is a link to {target}, which the docker-build provider cannot hash ({why})"
    remedy = "make the link in the Dockerfile, or name it in .dockerignore"
    raise diagnosis.InvalidInput([diagnosis.Diagnostic(diagnosis.SourceLocation(str(source)), "", wrong, remedy)])


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
            _remove(full)
    return removed


def _remove(path: Path) -> None:
    """A file, a link (not what it leads to), or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
