"""The build context as Docker would send it, and the hash that stands for it.

The hash sees contents, relative paths and the executable bit; never times, owners, other modes or where the checkout
is. So the same tree has the same tag on every machine.

Docker would send ``.git`` and ``.seaway`` unless they are ignored; here they are never part of a context, at any depth.
One differs from clone to clone, the other holds state, keys and the staged contexts themselves. A build that wants the
commit takes it as a build argument.

A link is sent as a link, as BuildKit does, wherever it leads: it is never followed here. So the hash covers its text,
and what it means is the image's business. Two files are named rather than sent, the Dockerfile and the ignore file:
they are read by the one reader, and where such a name is a link, its content is sent in its place.
"""

import dataclasses
import functools
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from seaway.files import roots
from seaway.images import build_files, file_index, ignore
from seaway.model import application
from seaway.model.validate import mounts
from seaway.syntax import diagnosis

TAG_PREFIX = "ctx-"

NEVER = frozenset({".git", ".seaway"})
"""Names of folders, or of files (a worktree's ``.git``), that are no content of a build."""

_SECRET = re.compile(
    r"(.*/)?(\.env(\.(?!example$|sample$|template$)[^/]*)?|id_(rsa|dsa|ecdsa|ed25519)|[^/]*\.(pem|key|p12|pfx)|\.netrc|\.npmrc|\.pypirc)"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file or symbolic link of a context."""

    path: str
    digest: str
    """SHA-256 of its content, or of where the link points."""
    executable: bool = False
    link: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Context:
    """Everything that a build can see."""

    folder: Path
    build: application.Build
    files: tuple[File, ...]
    others: Mapping[str, "Context"] = dataclasses.field(default_factory=dict[str, "Context"])
    """The other folders of the build, by name."""
    contents: Mapping[str, bytes] = dataclasses.field(default_factory=dict[str, bytes])
    """What is sent in the place of a Dockerfile or an ignore file that is a link."""

    @classmethod
    def read(
        cls, folder: Path, build: application.Build, root: roots.Root, *, known: file_index.Index | None = None
    ) -> Self:
        """Reads the context of ``build``, whose paths are relative to ``folder`` (that of the application's file).

        ``root`` is what the context, its Dockerfile and its ignore file must be in. ``known`` saves hashing files that
        did not change since it was kept, and learns the new ones.
        Raises Invalid with all problems: no folder, no Dockerfile, unreadable files, devices.
        """
        top = Path(os.path.normpath(folder / build.context))
        wrong: list[diagnosis.Problem] = []
        dockerfile = _dockerfile(top, build, root)
        others = {
            name: cls.read(folder, application.Build(context=where, inline=""), root)
            for name, where in build.contexts.items()
            if not remote(where)
        }
        rules, always = _ignore(top, dockerfile, root)
        contents = {path: _read_linked(top / path, root) for path in sorted(always) if (top / path).is_symlink()}
        known = known or file_index.Index()
        files = [File(path=path, digest=hashlib.sha256(text).hexdigest()) for path, text in contents.items()]
        files += [
            file
            for path in _walk(top, rules, always, wrong)
            if path not in contents and (file := _file(top, path, known, wrong)) is not None
        ]
        if wrong:
            raise diagnosis.Invalid(wrong)
        known.forget(keep={file.path for file in files})
        listed = tuple(sorted(files, key=lambda file: file.path))
        return cls(folder=top, build=build, files=listed, others=others, contents=contents)

    @functools.cached_property
    def digests(self) -> Mapping[str, str]:
        """One digest a file, with the executable bit in it: what a rebuild is explained from."""
        own = {
            file.path: f"{'link' if file.link is not None else 'x' if file.executable else '-'}:{file.digest}"
            for file in self.files
        }
        # No path begins so: a name with a colon and two slashes is none of a file.
        return own | {
            f"{name}://{path}": one for name, other in self.others.items() for path, one in other.digests.items()
        }

    def tag(self, *, platform: str, bases: Mapping[str, str] | None = None) -> str:
        """The image's tag: ``ctx-`` and 12 hexadecimal digits.

        ``bases`` are the recorded digests of base images by the reference that the Dockerfile has. The address that a
        substitute comes from is a fact of one machine and stays out.
        """
        content: list[Any] = [
            sorted(self.digests.items()),
            _inside(self.folder, self.build.dockerfile),
            sorted(self.build.args.items()),
            self.build.target,
            platform,
            sorted((bases or {}).items()),
        ]
        if self.build.inline is not None or self.build.contexts:
            content.append([self.build.inline, sorted(self.build.contexts.items())])
        # The names of files may be any bytes; ASCII escapes keep them apart.
        return TAG_PREFIX + hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest()[:12]

    def warnings(self) -> tuple[diagnosis.Problem, ...]:
        """Files that look like secrets: whoever can pull the image can read them."""
        remedy = "name it in .dockerignore; a build secret or `secrets:` is the way for a value that is needed"
        return tuple(
            _problem(self.folder / file.path, "looks like a secret and is sent to the build", remedy)
            for file in self.files
            if _SECRET.fullmatch(file.path)
        )


def _problem(file: Path, wrong: str, remedy: str) -> diagnosis.Problem:
    return diagnosis.Problem(diagnosis.Place(str(file)), "", wrong, remedy)


def remote(context: str) -> bool:
    """Whether another context of a build is no folder: ``docker-image://alpine``, ``https://...``."""
    return context.partition("://")[0] in mounts.REMOTE and "://" in context


def _dockerfile(top: Path, build: application.Build, root: roots.Root) -> str | None:
    """Its path in the context; None: its text is given. Raises Invalid if there is none."""
    root.resolve_directory(top, "", diagnosis.Place(str(top)), "", hint="correct `build`, or make the directory")
    if build.inline is not None:
        return None
    dockerfile = _inside(top, build.dockerfile)
    if dockerfile is None or not root.exists(top / dockerfile):
        remedy = "write one there, or name it with `build: {context: ..., dockerfile: ...}`, relative to the context"
        raise diagnosis.Invalid([_problem(top / build.dockerfile, "is no file in the build context", remedy)])
    root.resolve_path(top / dockerfile, "", diagnosis.Place(str(top / dockerfile)), "")
    # Behind a link to a directory, which is sent as a link, the builder would look for it in vain.
    above = Path(os.path.realpath((top / dockerfile).parent))
    if not above.is_relative_to(os.path.realpath(top)):
        wrong = "is behind a link that leads out of the build context"
        raise diagnosis.Invalid([_problem(top / build.dockerfile, wrong, "put the Dockerfile itself there")])
    return dockerfile


def _read_linked(path: Path, root: roots.Root) -> bytes:
    return root.read(path, "", diagnosis.Place(str(path)), "", hint=build_files.HINT)


def _inside(top: Path, relative: str) -> str | None:
    """The path with slashes, relative to the context; None if it leaves it."""
    path = os.path.relpath(os.path.normpath(top / relative), top)
    return None if path == ".." or path.startswith("../") else Path(path).as_posix()


def _ignore(top: Path, dockerfile: str | None, root: roots.Root) -> tuple[ignore.Ignore, set[str]]:
    """The rules, and the files that they cannot exclude. A Dockerfile's own ignore file wins over the common one."""
    own = {one for one in (dockerfile,) if one is not None}
    for name in (*(f"{one}.dockerignore" for one in own), ".dockerignore"):
        try:
            text = build_files.read(top / name, root)
        except FileNotFoundError:
            continue
        return ignore.Ignore(text, file=str(top / name)), {*own, name}
    return ignore.Ignore(), own


def _walk(top: Path, rules: ignore.Ignore, always: set[str], wrong: list[diagnosis.Problem]) -> Iterator[str]:
    """Paths of all files that belong to the context. Empty folders do not: Git does not know them either."""
    yield from (path for path in always if rules.excludes(path) or not NEVER.isdisjoint(path.split("/")))

    def unreadable(error: OSError) -> None:
        wrong.append(_problem(Path(error.filename), f"cannot be read: {error.strerror}", _REMEDY))

    for folder, folders, files in os.walk(top, onerror=unreadable):
        prefix = os.path.relpath(folder, top).replace(os.sep, "/") + "/"
        prefix = prefix.removeprefix("./")
        folders[:] = [name for name in folders if name not in NEVER]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not rules.prunes(prefix + name)]
        names = (name for name in (*files, *links) if name not in NEVER)
        yield from (prefix + name for name in names if not rules.excludes(prefix + name))


_REMEDY = "correct it, or name it in .dockerignore"


def _file(top: Path, path: str, known: file_index.Index, wrong: list[diagnosis.Problem]) -> File | None:
    full = top / path
    try:
        status = full.lstat()
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(full)  # noqa: PTH115 - as it is written, not normalised
            return File(path=path, digest=hashlib.sha256(os.fsencode(target)).hexdigest(), link=target)
        if stat.S_ISSOCK(status.st_mode):
            return None  # BuildKit leaves it out as well
        if not stat.S_ISREG(status.st_mode):
            wrong.append(_problem(full, "is neither a file, a folder nor a link", _REMEDY))
            return None
        return File(path=path, digest=known.digest(path, top, status), executable=bool(status.st_mode & stat.S_IXUSR))
    except OSError as error:
        wrong.append(_problem(full, f"cannot be read: {error.strerror}", _REMEDY))
        return None
