"""What an environment runs, by decision: the pinned release, and those that are held back.

``environments/<stack>.lock.yaml`` is written by a machine and kept in git: the diff is what a reviewer reads. Nobody's
comments are in it, and ``pulumi config set`` does not touch it.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from seaway.images import index
from seaway.manifests import yamlout
from seaway.model import decode, describe, encode, nodes, problems

FOLDER = "environments"
ENDING = ".lock.yaml"


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A release that promotions refuse until somebody lets it go by name."""

    release: str
    _: dataclasses.KW_ONLY
    because: Annotated[str, describe.Doc("why, in one line")]
    since: Annotated[str, describe.Doc("RFC 3339, in UTC")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A deployment that failed, and the one that runs instead as long as what is described is still the failed one."""

    release: Annotated[str, describe.Doc("id of the one that runs")]
    held: Annotated[str, describe.Doc("id of the one that failed")]
    because: Annotated[str, describe.Doc("why, in one line")]
    since: Annotated[str, describe.Doc("RFC 3339, in UTC")]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All that a lock file says."""

    release: Annotated[str | None, describe.Doc("id of the release that a stack with `build: false` deploys")] = None
    back: Annotated[
        bool,
        describe.Doc("whether it was pinned by a rollback: then its jobs before and after the rollout are left out"),
    ] = False
    held: tuple[Held, ...] = ()
    instead: Hold | None = None


def file(folder: Path, stack: str) -> Path:
    """The lock file of a stack in the project's folder."""
    return folder / FOLDER / f"{stack}{ENDING}"


def read(folder: Path, stack: str) -> Lock:
    """What the file says; an empty lock where there is none.

    Raises:
        problems.Invalid: it is no lock file.
    """
    path = file(folder, stack)
    if not path.exists():
        return Lock()
    return decode.decode(Lock, parsed(path, folder))


def write(folder: Path, stack: str, said: Lock) -> None:
    """Write the file; one that would say nothing is removed."""
    path = file(folder, stack)
    if said == Lock():
        path.unlink(missing_ok=True)
    else:
        told = f"# What stack {stack} runs. Written by `seaway release` and `seaway up`; commit it.\n"
        index.write(path, told + yamlout.text(encode.plain(said)))


def all_named(folder: Path) -> Iterator[str]:
    """The ids of releases that any stack's lock file names, to run or held."""
    for path in sorted((folder / FOLDER).glob(f"*{ENDING}")):
        with contextlib.suppress(problems.Invalid):
            said = read(folder, path.name.removesuffix(ENDING))
            yield from (one.release for one in said.held)
            yield from filter(None, [said.release, said.instead and said.instead.release])


def parsed(path: Path, folder: Path, remedy: str = "take it from git again") -> nodes.Node:
    """The nodes of a file that a machine wrote.

    Raises:
        problems.Invalid: it cannot be read, or is no YAML.
    """
    shown = str(path.relative_to(folder))
    try:
        return nodes.parse(path.read_bytes(), shown)
    except OSError as error:
        wrong = f"cannot be read ({error.strerror})"
        raise problems.Invalid([problems.Problem(problems.Place(shown), "", wrong, remedy)]) from None
