"""What an environment runs, by decision: the pinned release, and those that are held back.

``environments/<stack>.lock.yaml`` is written by a machine and kept in git: the diff is what a reviewer reads. Nobody's
comments are in it, and ``pulumi config set`` does not touch it.

Every file that a machine writes here, and those of releases/, begins with the number of its format. A lock file also
has the SHA-256 of each release file that it names: it is compared before the release file is decoded.
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
from seaway.syntax import decode, diagnosis, encode, field_help, nodes, yaml_writer

FOLDER = "environments"
FILE_SUFFIX = ".lock.yaml"

RELEASES_FOLDER = "releases"
"""Folder of the files of releases."""

ID_PATTERN = re.compile(r"[0-9a-z]{1,40}(-[0-9a-z]{1,40})?")
"""The id of a release, or of a record of it. It becomes a part of paths, in the project and in the cluster's API."""

FORMAT = 2
"""The format that this version writes. It also reads format 1, and format 0: files without a number. Both have the
former keys of the model, see ``migration``."""

FORMAT_KEY = "format"

_MAX_SHOWN_CHARACTERS = 20
"""Characters of a wrong format that a message shows."""

SIZE_FACTOR = 256
"""How much bigger than what a person writes a release may be: the texts of all files of an application are in it."""


@dataclasses.dataclass(frozen=True, slots=True)
class HeldRelease:
    """A release that promotions refuse until somebody lets it go by name."""

    release: str
    _: dataclasses.KW_ONLY
    because: Annotated[str, field_help.Help("why, in one line")]
    since: Annotated[str, field_help.Help("RFC 3339, in UTC")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """A deployment that failed, and the one that runs instead as long as what is described is still the failed one."""

    release: Annotated[str, field_help.Help("id of the one that runs")]
    sha256: Annotated[str | None, field_help.Help("SHA-256 of the bytes of its file; none: written in format 0")] = None
    held: Annotated[str, field_help.Help("id of the one that failed")]
    because: Annotated[str, field_help.Help("why, in one line")]
    since: Annotated[str, field_help.Help("RFC 3339, in UTC")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All that a lock file says."""

    release: Annotated[str | None, field_help.Help("id of the release that a stack with `build: false` deploys")] = None
    sha256: Annotated[str | None, field_help.Help("SHA-256 of the bytes of its file; none: written in format 0")] = None
    is_rollback: Annotated[
        bool,
        field_help.Help("whether it was pinned by a rollback: then its jobs before and after the rollout are left out"),
    ] = False
    held: tuple[HeldRelease, ...] = ()
    fallback: Fallback | None = None


_Texts = TypeVar("_Texts", HeldRelease, Fallback)


def get_path(folder: Path, stack: str) -> Path:
    """The lock file of a stack in the project's folder."""
    return folder / FOLDER / f"{stack}{FILE_SUFFIX}"


def read(folder: Path, stack: str) -> Lock:
    """What the file says; an empty lock where there is none.

    Raises:
        diagnosis.InvalidInput: it is no lock file.
    """
    path = get_path(folder, stack)
    if not os.path.lexists(path):
        return Lock()
    number, node = parse_content(read_content(path, folder), str(path.relative_to(folder)))
    found = _escape_texts(decode.decode_node(Lock, node))
    if wrong := [id_ for id_ in _list_ids(found) if not ID_PATTERN.fullmatch(id_)]:
        hint = "take the file from git again; an id has digits, small letters and one hyphen"
        told = [f"{diagnosis.quote(id_)} is not the id of a release" for id_ in wrong]
        raise diagnosis.InvalidInput(diagnosis.Diagnostic(node.location, "", text, hint) for text in told)
    if number >= 1 and (missing := list(_list_missing_checksums(found))):
        remedy = "take it from git again, or pin the release again: seaway release promote"
        raise diagnosis.InvalidInput(
            diagnosis.Diagnostic(node.location, name, "is missing", remedy) for name in missing
        )
    return found


def write(folder: Path, stack: str, stack_lock: Lock) -> None:
    """Write the file; one that would say nothing is removed.

    What is named without a checksum gets that of its file as it is now.
    """
    path = get_path(folder, stack)
    if stack_lock.release and stack_lock.sha256 is None:
        stack_lock = dataclasses.replace(stack_lock, sha256=_hash_file(folder, stack_lock.release))
    if stack_lock.fallback and stack_lock.fallback.sha256 is None:
        hashed = dataclasses.replace(stack_lock.fallback, sha256=_hash_file(folder, stack_lock.fallback.release))
        stack_lock = dataclasses.replace(stack_lock, fallback=hashed)
    if stack_lock == Lock():
        writer.remove_file(folder, path)
    else:
        told = f"# What stack {stack} runs. Written by `seaway release` and `seaway up`; commit it.\n"
        # The file that it names may be missing: it is then written as it was, and reading it says what is missing.
        whole = not list(_list_missing_checksums(stack_lock))
        writer.write_file(
            folder, path, told + (format_text if whole else yaml_writer.format_yaml)(encode.to_plain(stack_lock))
        )


def list_named_releases(folder: Path) -> Iterator[str]:
    """The ids of releases that any stack's lock file names, to run or held."""
    for path in sorted((folder / FOLDER).glob(f"*{FILE_SUFFIX}")):
        with contextlib.suppress(diagnosis.InvalidInput):
            said = read(folder, path.name.removesuffix(FILE_SUFFIX))
            yield from (one.release for one in said.held)
            yield from filter(None, [said.release, said.fallback and said.fallback.release])


def _escape_texts(stack_lock: Lock) -> Lock:
    """What is printed of a file cannot steer the terminal."""

    def visible(one: _Texts) -> _Texts:
        return dataclasses.replace(
            one, because=diagnosis.escape_text(one.because), since=diagnosis.escape_text(one.since)
        )

    return dataclasses.replace(
        stack_lock,
        held=tuple(map(visible, stack_lock.held)),
        fallback=stack_lock.fallback and visible(stack_lock.fallback),
    )


def _list_ids(stack_lock: Lock) -> Iterator[str]:
    yield from (one.release for one in stack_lock.held)
    yield from filter(None, [stack_lock.release])
    if stack_lock.fallback:
        yield from (stack_lock.fallback.release, stack_lock.fallback.held)


def get_release_path(folder: Path, id_: str) -> Path:
    """The file of a release, or of a record that runs instead of one, in the project's folder.

    Raises:
        diagnosis.InvalidInput: it is not the id of a release.
    """
    if not ID_PATTERN.fullmatch(id_):
        wrong = f"{diagnosis.quote(id_)} is not the id of a release"
        raise diagnosis.InvalidInput(
            [diagnosis.Diagnostic(diagnosis.SourceLocation(RELEASES_FOLDER), "", wrong, "see: seaway release list")]
        )
    return folder / RELEASES_FOLDER / f"{id_}.yaml"


def _hash_file(folder: Path, id_: str) -> str | None:
    path = get_release_path(folder, id_)
    return hash_bytes(read_content(path, folder)) if os.path.lexists(path) else None


def _list_missing_checksums(stack_lock: Lock) -> Iterator[str]:
    """The checksums that every lock file of today's format has."""
    if stack_lock.release is not None and stack_lock.sha256 is None:
        yield "sha256"
    if stack_lock.fallback is not None and stack_lock.fallback.sha256 is None:
        yield "fallback.sha256"


def parse_file(
    path: Path, folder: Path, hint: str = "take it from git again", *, sha256: str | None = None
) -> nodes.Node:
    """The nodes of a file that a machine wrote.

    Args:
        path: the file.
        folder: the project's.
        remedy: what to do where it cannot be read.
        sha256: what a lock file says that its bytes hash to; None: no lock file names it, or one of format 0.

    Raises:
        diagnosis.InvalidInput: it cannot be read, was changed, is not YAML, or has a format that this version cannot read.
    """
    shown = str(path.relative_to(folder))
    content = read_content(path, folder, hint)
    if sha256 is not None and (actual := hash_bytes(content)) != sha256:
        wrong = f"was changed after it was pinned: its SHA-256 is {actual[:12]}..., the lock file has {sha256[:12]}..."
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(diagnosis.SourceLocation(shown), "", wrong, hint)])
    return parse_content(content, shown)[1]


def read_content(path: Path, folder: Path, hint: str = "take it from git again") -> bytes:
    """The content of a file that a machine wrote. It is read like any file of a branch: nothing outside the project.

    Raises:
        diagnosis.InvalidInput: it cannot be read.
    """
    place = diagnosis.SourceLocation(str(path.relative_to(folder)))
    return roots.Root(folder).read(path, "", place, "", hint=hint, limit=SIZE_FACTOR * nodes.MAX_CHARACTERS)


def parse_content(content: bytes, shown: str) -> tuple[int, nodes.Node]:
    """The number of the format of what a machine wrote, and the nodes without it.

    Raises:
        diagnosis.InvalidInput: it is not YAML, or has a format that this version cannot read.
    """
    node = nodes.parse(content, shown, limit_factor=SIZE_FACTOR)
    entry = node.pairs.get(FORMAT_KEY) if isinstance(node, nodes.MappingNode) else None
    if not isinstance(node, nodes.MappingNode) or entry is None:
        return 0, migration.translate_stored(node)
    text = entry.node.text if isinstance(entry.node, nodes.ScalarNode) else nodes.describe_node(entry.node)
    if text not in map(str, range(1, FORMAT + 1)):
        newer = re.fullmatch("[1-9][0-9]{0,8}", text) is not None and int(text) > FORMAT
        shown = text[:_MAX_SHOWN_CHARACTERS]
        wrong = f"format {shown} is newer than this version of Seaway" if newer else f"format {shown} does not exist"
        hint = f"upgrade Seaway; this version reads formats 0 to {FORMAT}" if newer else "take the file from git again"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(entry.location, FORMAT_KEY, wrong, hint)])
    number, node = int(text), nodes.remove_key(node, FORMAT_KEY)
    return number, node if number == FORMAT else migration.translate_stored(node)


def format_text(plain: Mapping[str, Any]) -> str:
    """What a machine writes, as YAML that begins with the number of its format."""
    return yaml_writer.format_yaml({FORMAT_KEY: FORMAT, **plain})


def hash_bytes(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
