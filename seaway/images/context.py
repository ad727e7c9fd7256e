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

EXCLUDED_NAMES = frozenset({".git", ".seaway"})
"""Names of folders, or of files (a worktree's ``.git``), that are no content of a build."""

_SECRET_FILE_NAME = re.compile(
    r"(.*/)?(\.env(\.(?!example$|sample$|template$)[^/]*)?|id_(rsa|dsa|ecdsa|ed25519)|[^/]*\.(pem|key|p12|pfx)|\.netrc|\.npmrc|\.pypirc)"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContextFile:
    """One file or symbolic link of a context."""

    path: str
    digest: str
    """SHA-256 of its content, or of where the link points."""
    executable: bool = False
    link: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuildContext:
    """Everything that a build can see."""

    folder: Path
    build: application.Build
    files: tuple[ContextFile, ...]
    named_contexts: Mapping[str, "BuildContext"] = dataclasses.field(default_factory=dict[str, "BuildContext"])
    """The other folders of the build, by name."""
    link_contents: Mapping[str, bytes] = dataclasses.field(default_factory=dict[str, bytes])
    """What is sent in the place of a Dockerfile or an ignore file that is a link."""

    @classmethod
    def read(
        cls,
        folder: Path,
        build: application.Build,
        root: roots.Root,
        *,
        cached_index: file_index.FileIndex | None = None,
    ) -> Self:
        """Reads the context of ``build``, whose paths are relative to ``folder`` (that of the application's file).

        ``root`` is what the context, its Dockerfile and its ignore file must be in. ``known`` saves hashing files that
        did not change since it was kept, and learns the new ones.
        Raises Invalid with all problems: no folder, no Dockerfile, unreadable files, devices.
        """
        top = Path(os.path.normpath(folder / build.context))
        wrong: list[diagnosis.Diagnostic] = []
        dockerfile = _find_dockerfile(top, build, root)
        others = {
            name: cls.read(folder, application.Build(context=where, inline=""), root)
            for name, where in build.contexts.items()
            if not is_remote(where)
        }
        rules, always = _read_ignore_rules(top, dockerfile, root)
        contents = {path: _read_linked(top / path, root) for path in sorted(always) if (top / path).is_symlink()}
        cached_index = cached_index or file_index.FileIndex()
        files = [ContextFile(path=path, digest=hashlib.sha256(text).hexdigest()) for path, text in contents.items()]
        files += [
            file
            for path in _walk_files(top, rules, always, wrong)
            if path not in contents and (file := _read_file(top, path, cached_index, wrong)) is not None
        ]
        if wrong:
            raise diagnosis.InvalidInput(wrong)
        cached_index.drop_missing(paths={file.path for file in files})
        listed = tuple(sorted(files, key=lambda file: file.path))
        return cls(folder=top, build=build, files=listed, named_contexts=others, link_contents=contents)

    @functools.cached_property
    def digests(self) -> Mapping[str, str]:
        """One digest a file, with the executable bit in it: what a rebuild is explained from."""
        own = {
            file.path: f"{'link' if file.link is not None else 'x' if file.executable else '-'}:{file.digest}"
            for file in self.files
        }
        # No path begins so: a name with a colon and two slashes is none of a file.
        return own | {
            f"{name}://{path}": one
            for name, other in self.named_contexts.items()
            for path, one in other.digests.items()
        }

    def compute_tag(self, *, platform: str, base_digests: Mapping[str, str] | None = None) -> str:
        """The image's tag: ``ctx-`` and 12 hexadecimal digits.

        ``bases`` are the recorded digests of base images by the reference that the Dockerfile has. The address that a
        substitute comes from is a fact of one machine and stays out.
        """
        content: list[Any] = [
            sorted(self.digests.items()),
            _get_relative_path(self.folder, self.build.dockerfile),
            sorted(self.build.args.items()),
            self.build.target,
            platform,
            sorted((base_digests or {}).items()),
        ]
        if self.build.inline is not None or self.build.contexts:
            content.append([self.build.inline, sorted(self.build.contexts.items())])
        # The names of files may be any bytes; ASCII escapes keep them apart.
        return TAG_PREFIX + hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest()[:12]

    def list_warnings(self) -> tuple[diagnosis.Diagnostic, ...]:
        """Files that look like secrets: whoever can pull the image can read them."""
        remedy = "name it in .dockerignore; a build secret or `secrets:` is the way for a value that is needed"
        return tuple(
            _create_diagnostic(self.folder / file.path, "looks like a secret and is sent to the build", remedy)
            for file in self.files
            if _SECRET_FILE_NAME.fullmatch(file.path)
        )


def _create_diagnostic(file: Path, wrong: str, remedy: str) -> diagnosis.Diagnostic:
    return diagnosis.Diagnostic(diagnosis.SourceLocation(str(file)), "", wrong, remedy)


def is_remote(context: str) -> bool:
    """Whether another context of a build is no folder: ``docker-image://alpine``, ``https://...``."""
    return context.partition("://")[0] in mounts.REMOTE_SCHEMES and "://" in context


def _find_dockerfile(top: Path, build: application.Build, root: roots.Root) -> str | None:
    """Its path in the context; None: its text is given. Raises Invalid if there is none."""
    root.resolve_directory(
        top, "", diagnosis.SourceLocation(str(top)), "", hint="correct `build`, or make the directory"
    )
    if build.inline is not None:
        return None
    dockerfile = _get_relative_path(top, build.dockerfile)
    if dockerfile is None or not root.exists(top / dockerfile):
        remedy = "write one there, or name it with `build: {context: ..., dockerfile: ...}`, relative to the context"
        raise diagnosis.InvalidInput(
            [_create_diagnostic(top / build.dockerfile, "is no file in the build context", remedy)]
        )
    root.resolve_path(top / dockerfile, "", diagnosis.SourceLocation(str(top / dockerfile)), "")
    # Behind a link to a directory, which is sent as a link, the builder would look for it in vain.
    above = Path(os.path.realpath((top / dockerfile).parent))
    if not above.is_relative_to(os.path.realpath(top)):
        wrong = "is behind a link that leads out of the build context"
        raise diagnosis.InvalidInput(
            [_create_diagnostic(top / build.dockerfile, wrong, "put the Dockerfile itself there")]
        )
    return dockerfile


def _read_linked(path: Path, root: roots.Root) -> bytes:
    return root.read(path, "", diagnosis.SourceLocation(str(path)), "", hint=build_files.HINT)


def _get_relative_path(top: Path, relative: str) -> str | None:
    """The path with slashes, relative to the context; None if it leaves it."""
    path = os.path.relpath(os.path.normpath(top / relative), top)
    return None if path == ".." or path.startswith("../") else Path(path).as_posix()


def _read_ignore_rules(top: Path, dockerfile: str | None, root: roots.Root) -> tuple[ignore.IgnoreRules, set[str]]:
    """The rules, and the files that they cannot exclude. A Dockerfile's own ignore file wins over the common one."""
    own = {one for one in (dockerfile,) if one is not None}
    for name in (*(f"{one}.dockerignore" for one in own), ".dockerignore"):
        try:
            text = build_files.load_text(top / name, root)
        except FileNotFoundError:
            continue
        return ignore.IgnoreRules(text, file=str(top / name)), {*own, name}
    return ignore.IgnoreRules(), own


def _walk_files(
    top: Path, rules: ignore.IgnoreRules, always: set[str], wrong: list[diagnosis.Diagnostic]
) -> Iterator[str]:
    """Paths of all files that belong to the context. Empty folders do not: Git does not know them either."""
    yield from (path for path in always if rules.excludes(path) or not EXCLUDED_NAMES.isdisjoint(path.split("/")))

    def unreadable(error: OSError) -> None:
        wrong.append(_create_diagnostic(Path(error.filename), f"cannot be read: {error.strerror}", _HINT))

    for folder, folders, files in os.walk(top, onerror=unreadable):
        prefix = os.path.relpath(folder, top).replace(os.sep, "/") + "/"
        prefix = prefix.removeprefix("./")
        folders[:] = [name for name in folders if name not in EXCLUDED_NAMES]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not rules.prunes(prefix + name)]
        names = (name for name in (*files, *links) if name not in EXCLUDED_NAMES)
        yield from (prefix + name for name in names if not rules.excludes(prefix + name))


_HINT = "correct it, or name it in .dockerignore"


def _read_file(
    top: Path, path: str, known: file_index.FileIndex, wrong: list[diagnosis.Diagnostic]
) -> ContextFile | None:
    full = top / path
    try:
        status = full.lstat()
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(full)  # noqa: PTH115 - as it is written, not normalised
            return ContextFile(path=path, digest=hashlib.sha256(os.fsencode(target)).hexdigest(), link=target)
        if stat.S_ISSOCK(status.st_mode):
            return None  # BuildKit leaves it out as well
        if not stat.S_ISREG(status.st_mode):
            wrong.append(_create_diagnostic(full, "is neither a file, a folder nor a link", _HINT))
            return None
        return ContextFile(
            path=path, digest=known.hash_file(path, top, status), executable=bool(status.st_mode & stat.S_IXUSR)
        )
    except OSError as error:
        wrong.append(_create_diagnostic(full, f"cannot be read: {error.strerror}", _HINT))
        return None
