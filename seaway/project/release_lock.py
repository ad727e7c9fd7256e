"""The lock file of a stack: the pinned release, and the releases that are held back.

``environments/<stack>.lock.yaml``, of a further application ``<stack>/<application>.lock.yaml``, is written by Seaway
and kept in git, so that a reviewer reads its diff. It has no comments of users, and ``pulumi config set`` does not
touch it.

All files that Seaway writes here and in releases/ start with the number of their format. A lock file also has the
SHA-256 of each release file that it names; it is compared before the release file is decoded.

Functions that read a file raise ``diagnosis.InvalidInput`` if it is unreadable, was changed, is invalid, or has an
unknown format.
"""

import contextlib
import dataclasses
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from seaway.files import roots, writer
from seaway.project import migration
from seaway.syntax import decode, diagnosis, encode, field_help, nodes, yaml_parser, yaml_writer

FOLDER = "environments"
FILE_SUFFIX = ".lock.yaml"

RELEASES_FOLDER = "releases"

ID_PATTERN = re.compile(r"[0-9a-z]{1,40}(-[0-9a-z]{1,40})?")
"""The id of a release or of a record. It is part of paths, in the project and in the API of the cluster."""

FORMAT = 2
"""The format that this version writes. It also reads format 1, and format 0: files without a number. Both have the
former keys of the model, see ``migration``."""

FORMAT_KEY = "format"

_MAX_SHOWN_CHARACTERS = 20
"""Characters of an invalid format in a message."""

SIZE_FACTOR = 256
"""Maximum size of a release, as a multiple of that of other files: it has the texts of all files of the application."""

_RESTORE_HINT = "restore it from git"


@dataclasses.dataclass(frozen=True, slots=True)
class HeldRelease:
    """A release that promotions refuse until a user releases it by its id."""

    release: str
    _: dataclasses.KW_ONLY
    because: Annotated[str, field_help.Help("the reason, in one line")]
    since: Annotated[str, field_help.Help("RFC 3339, in UTC")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """The release that runs instead of a failed one, as long as the source describes the failed one."""

    release: Annotated[str, field_help.Help("id of the release that runs")]
    sha256: Annotated[str | None, field_help.Help("SHA-256 of the bytes of its file; none: written in format 0")] = None
    held: Annotated[str, field_help.Help("id of the release that failed")]
    because: Annotated[str, field_help.Help("the reason, in one line")]
    since: Annotated[str, field_help.Help("RFC 3339, in UTC")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The content of a lock file."""

    release: Annotated[str | None, field_help.Help("id of the release that a stack with `build: false` deploys")] = None
    sha256: Annotated[str | None, field_help.Help("SHA-256 of the bytes of its file; none: written in format 0")] = None
    is_rollback: Annotated[
        bool, field_help.Help("whether a rollback pinned it: then its jobs before and after the rollout do not run")
    ] = False
    held: tuple[HeldRelease, ...] = ()
    fallback: Fallback | None = None


_Texts = TypeVar("_Texts", HeldRelease, Fallback)


def format_path(stack: str) -> str:
    """The path of a stack's lock file in the project."""
    return f"{FOLDER}/{stack}{FILE_SUFFIX}"


def get_path(folder: Path, stack: str) -> Path:
    """The lock file of a stack; ``folder``: of the project, here and below."""
    return folder / format_path(stack)


def read(folder: Path, stack: str) -> Lock:
    """Read the lock file of a stack; an empty lock if there is none."""
    path = get_path(folder, stack)
    if not os.path.lexists(path):
        return Lock()
    number, node = parse_content(read_content(path, folder), format_path(stack))
    lock = _escape_texts(decode.decode_node(Lock, node))
    named = [held.release for held in lock.held] + list(filter(None, [lock.release]))
    named += [lock.fallback.release, lock.fallback.held] if lock.fallback else []
    hint = f"{_RESTORE_HINT}; an id has digits, lowercase letters and one hyphen"
    diagnostics = [
        diagnosis.Diagnostic(
            node.location, "", f"{diagnosis.quote(release_id)} is not the id of a release", hint, "invalid-release-id"
        )
        for release_id in named
        if not ID_PATTERN.fullmatch(release_id)
    ]
    hint = f"{_RESTORE_HINT}, or pin the release again: seaway release promote"
    diagnostics += [
        diagnosis.Diagnostic(node.location, key, "is missing", hint, "missing-value")
        for key in _list_missing_checksums(lock)
        if number >= 1 and not diagnostics
    ]
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)
    return lock


def write(folder: Path, stack: str, stack_lock: Lock) -> None:
    """Write the lock file of a stack; remove it if the lock is empty.

    A release without a checksum gets that of its file.
    """
    path = get_path(folder, stack)
    if stack_lock.release and stack_lock.sha256 is None:
        stack_lock = dataclasses.replace(stack_lock, sha256=_hash_file(folder, stack_lock.release))
    if stack_lock.fallback and stack_lock.fallback.sha256 is None:
        hashed = dataclasses.replace(stack_lock.fallback, sha256=_hash_file(folder, stack_lock.fallback.release))
        stack_lock = dataclasses.replace(stack_lock, fallback=hashed)
    if stack_lock == Lock():
        writer.remove_file(folder, path)
        return
    stack_lock = _escape_texts(stack_lock)
    header = f"# What stack {stack} runs. Written by `seaway release` and `seaway up`; commit it.\n"
    # A file that the lock names may be missing: then the lock stays in format 0, and reading it reports the file.
    format_lock = yaml_writer.format_yaml if list(_list_missing_checksums(stack_lock)) else format_text
    writer.write_file(folder, path, header + format_lock(encode.to_plain(stack_lock)))


def list_named_releases(folder: Path) -> Iterator[str]:
    """The ids of the releases that the lock file of any stack pins or holds."""
    for lock in _read_all(folder):
        yield from (held.release for held in lock.held)
        yield from filter(None, [lock.release, lock.fallback and lock.fallback.release])


def find_sha256(folder: Path, release_id: str) -> str | None:
    """The SHA-256 of a release's file, from the lock file of a stack that pins it; None: no stack does."""
    return next((lock.sha256 for lock in _read_all(folder) if lock.release == release_id and lock.sha256), None)


def _read_all(folder: Path) -> Iterator[Lock]:
    """The valid lock files of all stacks."""
    for path in sorted((folder / FOLDER).glob(f"**/*{FILE_SUFFIX}")):
        with contextlib.suppress(diagnosis.InvalidInput):
            yield read(folder, str(path.relative_to(folder / FOLDER)).removesuffix(FILE_SUFFIX))


def _escape_texts(stack_lock: Lock) -> Lock:
    """Texts of a file are committed and printed: without control characters and passwords of URLs."""

    def escape(release: _Texts) -> _Texts:
        because, since = diagnosis.escape_text(release.because), diagnosis.escape_text(release.since)
        return dataclasses.replace(release, because=because, since=since)

    fallback = stack_lock.fallback and escape(stack_lock.fallback)
    return dataclasses.replace(stack_lock, held=tuple(map(escape, stack_lock.held)), fallback=fallback)


def get_release_path(folder: Path, id_: str) -> Path:
    """The file of a release, or of the record of a fallback."""
    if not ID_PATTERN.fullmatch(id_):
        location, message = (
            diagnosis.SourceLocation(RELEASES_FOLDER),
            f"{diagnosis.quote(id_)} is not the id of a release",
        )
        raise diagnosis.reject(location, "", "invalid-release-id", message, "see: seaway release list")
    return folder / RELEASES_FOLDER / f"{id_}.yaml"


def _hash_file(folder: Path, release_id: str) -> str | None:
    path = get_release_path(folder, release_id)
    return hashlib.sha256(read_content(path, folder)).hexdigest() if os.path.lexists(path) else None


def _list_missing_checksums(stack_lock: Lock) -> Iterator[str]:
    """The keys of checksums that a lock file has since format 1."""
    if stack_lock.release is not None and stack_lock.sha256 is None:
        yield "sha256"
    if stack_lock.fallback is not None and stack_lock.fallback.sha256 is None:
        yield "fallback.sha256"


def parse_file(path: Path, folder: Path, hint: str = _RESTORE_HINT, *, sha256: str | None = None) -> nodes.Node:
    """Parse a file that Seaway wrote. ``sha256``: of its bytes, as a lock file has it; None: not compared."""
    file = str(path.relative_to(folder))
    content = read_content(path, folder, hint)
    if sha256 is not None and (actual := hashlib.sha256(content).hexdigest()) != sha256:
        message = (
            f"was changed after it was pinned: its SHA-256 is {actual[:12]}..., the lock file has {sha256[:12]}..."
        )
        raise diagnosis.reject(diagnosis.SourceLocation(file), "", "checksum-mismatch", message, hint)
    return parse_content(content, file)[1]


def read_content(path: Path, folder: Path, hint: str = _RESTORE_HINT) -> bytes:
    """Read a file that Seaway wrote. As with all files of a branch, it must not lead out of the project."""
    location, limit = diagnosis.SourceLocation(str(path.relative_to(folder))), SIZE_FACTOR * yaml_parser.MAX_CHARACTERS
    return roots.Root(folder).read(path, "", location, "", hint=hint, limit=limit)


def parse_content(content: bytes, file: str) -> tuple[int, nodes.Node]:
    """The number of the format, and the nodes without it, in the keys of this version."""
    node = yaml_parser.parse(content, file, limit_factor=SIZE_FACTOR)
    pair = node.pairs.get(FORMAT_KEY) if isinstance(node, nodes.MappingNode) else None
    if not isinstance(node, nodes.MappingNode) or pair is None:
        return 0, migration.translate_stored(node)
    text = pair.node.text if isinstance(pair.node, nodes.ScalarNode) else nodes.describe_node(pair.node)
    number, node = parse_format(text, pair.location), nodes.remove_key(node, FORMAT_KEY)
    return number, node if number == FORMAT else migration.translate_stored(node)


def parse_format(text: str, location: diagnosis.SourceLocation) -> int:
    """The number of a format that this version reads: of a file, of the state or of a record in the cluster."""
    if text in map(str, range(FORMAT + 1)):
        return int(text)
    message, hint = f"format {text[:_MAX_SHOWN_CHARACTERS]} does not exist", _RESTORE_HINT
    if re.fullmatch("[1-9][0-9]{0,8}", text):
        message = f"format {text} is newer than this version of Seaway"
        hint = f"upgrade Seaway: pip install --upgrade seaway; this version reads formats 0 to {FORMAT}"
    raise diagnosis.reject(location, FORMAT_KEY, "unsupported-format", message, hint)


def format_text(plain: Mapping[str, Any]) -> str:
    """The YAML of a file that Seaway writes, starting with the number of its format."""
    return yaml_writer.format_yaml({FORMAT_KEY: FORMAT, **plain})
