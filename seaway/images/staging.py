"""A copy of the filtered context, at a path that is the same in every checkout.

The docker-build provider also hashes file modes and compares the path of the context. So it gets a folder below
``.seaway`` with modes 0644 and 0755, where only changes are written. Some sources have stricter modes, but other users
cannot read the copy: ``.seaway`` is closed to them before anything is written. See ``private``.
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
    """The folder where a context is staged."""
    return project_folder / private.FOLDER_NAME / "context" / name


def get_index_path(project_folder: Path, name: str) -> Path:
    """The index of a staged context; it is beside the folder, so it is not part of the context."""
    return get_folder(project_folder, name).with_suffix(".index.json")


def stage(build_context: context.BuildContext, target: Path, cached_index: file_index.FileIndex) -> int:
    """Make ``target`` hold exactly the files of the context, and return how many were written or removed.

    Files that the index knows as unchanged keep their times, so BuildKit, which compares times and sizes, does not send
    them again.

    Raises:
        diagnosis.InvalidInput: a file changes meanwhile, or ``target`` is a link; then nothing is written or removed.
    """
    private.make_folder(target).chmod(0o755)
    wanted = {file.path: file for file in build_context.files}
    folders = {path if file.is_folder else os.path.dirname(path) for path, file in wanted.items()}  # noqa: PTH120
    changes = _remove_others(target, wanted.keys() - folders, folders)
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


def _copy(build_context: context.BuildContext, file: context.ContextFile, copy: Path, root: Path) -> None:
    folders = [*reversed(copy.relative_to(root).parents[:-1]), *([Path(file.path)] if file.is_folder else [])]
    for folder in folders:
        (root / folder).mkdir(exist_ok=True)
        (root / folder).chmod(0o755)
    if file.is_folder:
        return
    half = root.with_name(f"{root.name}.half")
    _remove(half)
    if file.link is not None:
        half.symlink_to(file.link)
    else:
        # Closed to others until it is complete, and never written through a link.
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            digest = hashlib.sha256()
            for chunk in _read_chunks(build_context, file.path):
                target.write(chunk)
                digest.update(chunk)
        if digest.hexdigest() != file.digest:
            raise _report_change(build_context.folder / file.path, "changed while it was copied")
        half.chmod(0o755 if file.executable else 0o644)
    half.replace(copy)


def _read_chunks(build_context: context.BuildContext, path: str) -> Iterator[bytes]:
    if path in build_context.link_contents:
        yield build_context.link_contents[path]
        return
    try:
        with roots.open_regular_file(build_context.folder, path) as source:
            while chunk := source.read(CHUNK_BYTES):
                yield chunk
    except FileNotFoundError as error:
        raise _report_change(build_context.folder / path, "was deleted before it was copied") from error
    except OSError as error:
        raise _report_change(build_context.folder / path, f"can no longer be read: {error.strerror}") from error


def _report_change(source: Path, message: str) -> diagnosis.InvalidInput:
    location, hint = diagnosis.SourceLocation(str(source)), "wait until no program writes it, and run again"
    return diagnosis.reject(location, "", "file-changed", message, hint)


def _refuse_unhashable(source: Path, copy: Path, target: str) -> None:
    """Refuse a link on which the docker-build provider would fail or hang.

    It sends the link as it is. But to detect changes, it also opens and hashes the target on this machine, if there is
    one. The content is not sent; but a FIFO or a device never ends.
    """
    try:
        mode = copy.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        reason = error.strerror
    else:
        path = os.path.realpath(copy)
        # A link to /dev/null masks a file in an overlay; it has no content.
        ends = path == os.devnull or (stat.S_ISREG(mode) and not path.startswith(("/proc/", "/sys/")))
        if stat.S_ISDIR(mode) or (ends and os.access(copy, os.R_OK)):
            return
        reason = "it may not be read" if ends else "a file of the kernel, a FIFO or a device"
    message = f"is a link to {target}, which the docker-build provider cannot hash ({reason})"
    hint = "create the link in the Dockerfile, or exclude it in .dockerignore"
    raise diagnosis.reject(diagnosis.SourceLocation(str(source)), "", "unsupported-file", message, hint)


def _remove_others(target: Path, files: set[str], folders: set[str]) -> int:
    """Remove all other files and folders, and each that has the wrong type."""
    needed = {parent.as_posix() for name in folders for parent in (Path(name), *Path(name).parents)}
    removed = 0
    for parent, folder_names, file_names in os.walk(target, topdown=False):
        for name in (*folder_names, *file_names):
            full = Path(parent, name)
            path = full.relative_to(target).as_posix()
            is_folder = full.is_dir() and not full.is_symlink()
            if path in (needed if is_folder else files):
                continue
            removed += 1
            _remove(full)
    return removed


def _remove(path: Path) -> None:
    """Remove a file, a link without its target, or a folder with its contents."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
