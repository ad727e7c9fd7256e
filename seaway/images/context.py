"""The build context as Docker would send it, and its hash.

The hash covers contents, relative paths and the executable bit, but not times, owners, other modes or the location of
the checkout. So the same tree has the same tag on every machine.

``.git`` and ``.seaway`` are never part of a context, at any depth, though Docker sends them unless they are ignored:
``.git`` differs between clones, ``.seaway`` holds state, keys and the staged contexts. A build that needs the commit
takes it as a build argument.

A folder without files is part of a context only if all of its files are ignored, as with ``data/*``: Git has no empty
folders, and a clone must have the same tag.

A link is sent as a link, as BuildKit does, and never followed; the hash covers its target path. The Dockerfile and the
ignore file are different: the build reads them by name, so if they are links, their content is sent instead.
"""

import contextlib
import contextvars
import dataclasses
import functools
import hashlib
import json
import os
import re
import stat
import types
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from seaway.files import ignore, roots
from seaway.images import build_files, file_index
from seaway.model import application
from seaway.model.validate import mounts
from seaway.syntax import diagnosis

TAG_PREFIX = "ctx-"

EXCLUDED_NAMES = frozenset({".git", ".seaway"})
"""Names of folders, or of files (``.git`` of a worktree), that are never sent."""

_CACHE_FOLDER = "__pycache__"
"""Python creates it on some machines only, and its files are often ignored by their ending."""

_HINT = "correct it, or exclude it in .dockerignore"

_SECRET_FILE_NAME = re.compile(
    r"(.*/)?(\.env(\.(?!example$|sample$|template$)[^/]*)?|id_(rsa|dsa|ecdsa|ed25519)|[^/]*\.(pem|key|p12|pfx)|\.netrc|\.npmrc|\.pypirc)"
)


_left_out = contextvars.ContextVar[Mapping[str, frozenset[str]]]("left_out", default=types.MappingProxyType({}))


@contextlib.contextmanager
def leave_out(names: Mapping[str, frozenset[str]]) -> Generator[None]:
    """Inside the block, contexts are read without these files and folders, by the real path of the folder above."""
    token = _left_out.set(names)
    try:
        yield
    finally:
        _left_out.reset(token)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContextFile:
    """One file or symbolic link of a context, or a folder of which all files are ignored."""

    path: str
    digest: str
    """SHA-256 of its content, or of the target path of a link; empty for a folder."""
    executable: bool = False
    link: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder without files."""
        return not self.digest


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuildContext:
    """All files that a build can read."""

    folder: Path
    build: application.Build
    files: tuple[ContextFile, ...]
    named_contexts: Mapping[str, "BuildContext"] = dataclasses.field(default_factory=dict[str, "BuildContext"])
    """The additional folders of the build, by name."""
    link_contents: Mapping[str, bytes] = dataclasses.field(default_factory=dict[str, bytes])
    """Content of a Dockerfile or an ignore file that is a link, by path."""
    ignore_rules: ignore.IgnoreRules = dataclasses.field(default_factory=ignore.IgnoreRules)

    @classmethod
    def read(
        cls,
        folder: Path,
        build: application.Build,
        root: roots.Root,
        *,
        cached_index: file_index.FileIndex | None = None,
    ) -> Self:
        """Read the context of a build.

        Args:
            folder: of the application's file; the paths of ``build`` are relative to it.
            root: the folder that the context, its Dockerfile and its ignore file must be in.
            cached_index: the known digests of files; it is updated.
        """
        top = Path(os.path.normpath(folder / build.context))
        diagnostics: list[diagnosis.Diagnostic] = []
        dockerfile = _find_dockerfile(top, build, root)
        named_contexts = {
            name: cls.read(folder, application.Build(context=path, inline=""), root)
            for name, path in build.contexts.items()
            if not is_remote(path)
        }
        rules, always = _read_ignore_rules(top, dockerfile, root)
        contents = {
            path: root.read(top / path, "", diagnosis.SourceLocation(str(top / path)), "", hint=build_files.HINT)
            for path in sorted(always)
            if (top / path).is_symlink()
        }
        cached_index = cached_index or file_index.FileIndex()
        files = [ContextFile(path=path, digest=hashlib.sha256(text).hexdigest()) for path, text in contents.items()]
        files += [
            file
            for path in _walk_files(top, rules, always, diagnostics)
            if path not in contents and (file := _read_file(top, path, cached_index, diagnostics)) is not None
        ]
        if diagnostics:
            raise diagnosis.InvalidInput(diagnostics)
        cached_index.drop_missing(paths={file.path for file in files})
        files = tuple(sorted(files, key=lambda file: file.path))
        return cls(
            folder=top,
            build=build,
            files=files,
            named_contexts=named_contexts,
            link_contents=contents,
            ignore_rules=rules,
        )

    @functools.cached_property
    def digests(self) -> Mapping[str, str]:
        """One digest per file, with the executable bit: the reason of a rebuild follows from them."""
        own = {
            file.path: f"{'link' if file.link is not None else 'x' if file.executable else '-'}:{file.digest}"
            for file in self.files
        }
        # No path of a file starts with a name, a colon and two slashes.
        return own | {
            f"{name}://{path}": digest
            for name, other in self.named_contexts.items()
            for path, digest in other.digests.items()
        }

    def compute_tag(self, *, platform: str, base_digests: Mapping[str, str] | None = None) -> str:
        """The image's tag: ``ctx-`` and 12 hexadecimal digits.

        ``base_digests``: by the reference in the Dockerfile. The address of an override is not part of the tag: it
        belongs to one environment.
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
        # File names may be any bytes: ASCII escapes keep them distinct.
        return TAG_PREFIX + hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest()[:12]

    def list_warnings(self) -> tuple[diagnosis.Diagnostic, ...]:
        """Files that look like secrets: everyone who can pull the image can read them."""
        message = "looks like a secret and is sent to the build"
        hint = "exclude it in .dockerignore; use a build secret or `secrets:` for a value that is needed"
        return tuple(
            _create_diagnostic(self.folder / file.path, "secret-in-context", message, hint)
            for file in self.files
            if _SECRET_FILE_NAME.fullmatch(file.path) and not file.is_folder
        )


def _create_diagnostic(file: Path, code: str, message: str, hint: str = _HINT) -> diagnosis.Diagnostic:
    return diagnosis.Diagnostic(diagnosis.SourceLocation(str(file)), "", message, hint, code)


def is_remote(context: str) -> bool:
    """Whether an additional context is not a folder: ``docker-image://alpine``, ``https://...``."""
    return context.partition("://")[0] in mounts.REMOTE_SCHEMES and "://" in context


def _find_dockerfile(top: Path, build: application.Build, root: roots.Root) -> str | None:
    """The path of the Dockerfile in the context; None: it is inline."""
    hint = "correct `build`, or create the directory"
    root.resolve_directory(top, "", diagnosis.SourceLocation(str(top)), "", hint=hint)
    if build.inline is not None:
        return None
    dockerfile = _get_relative_path(top, build.dockerfile)
    if dockerfile is None or not root.exists(top / dockerfile):
        location, message = diagnosis.SourceLocation(str(top / build.dockerfile)), "is not a file in the build context"
        hint = "create it, or name it with `build: {context: ..., dockerfile: ...}`, relative to the context"
        raise diagnosis.reject(location, "", "file-not-found", message, hint)
    root.resolve_path(top / dockerfile, "", diagnosis.SourceLocation(str(top / dockerfile)), "")
    # A link to a directory is sent as a link, so the builder would not find a Dockerfile behind it.
    above = Path(os.path.realpath((top / dockerfile).parent))
    if not above.is_relative_to(os.path.realpath(top)):
        location = diagnosis.SourceLocation(str(top / build.dockerfile))
        message = "is behind a link that leads out of the build context"
        raise diagnosis.reject(location, "", "outside-context", message, "put the Dockerfile itself there")
    return dockerfile


def _get_relative_path(top: Path, relative: str) -> str | None:
    """The path relative to the context, with slashes; None: it is outside."""
    path = os.path.relpath(os.path.normpath(top / relative), top)
    return None if path == ".." or path.startswith("../") else Path(path).as_posix()


def _read_ignore_rules(top: Path, dockerfile: str | None, root: roots.Root) -> tuple[ignore.IgnoreRules, set[str]]:
    """The rules, and the files that they cannot exclude. The ignore file of a Dockerfile overrides the common one."""
    always: set[str] = set() if dockerfile is None else {dockerfile}
    for name in (*(f"{path}.dockerignore" for path in always), ".dockerignore"):
        try:
            text = build_files.load_text(top / name, root)
        except FileNotFoundError:
            continue
        return ignore.IgnoreRules(text, file=str(top / name)), {*always, name}
    return ignore.IgnoreRules(), always


def _walk_files(
    top: Path, rules: ignore.IgnoreRules, always: set[str], diagnostics: list[diagnosis.Diagnostic]
) -> Iterator[str]:
    """Paths of all files of the context, and of the folders of which all files are ignored."""
    yield from (path for path in always if rules.excludes(path) or not EXCLUDED_NAMES.isdisjoint(path.split("/")))

    def report_unreadable(error: OSError) -> None:
        message = f"cannot be read: {error.strerror}"
        diagnostics.append(_create_diagnostic(Path(error.filename), "unreadable-file", message))

    emptied: list[str] = []
    used: list[str] = []
    for folder, folders, files in os.walk(top, onerror=report_unreadable):
        prefix = os.path.relpath(folder, top).replace(os.sep, "/") + "/"
        prefix = prefix.removeprefix("./")
        left_out = EXCLUDED_NAMES | _left_out.get().get(os.path.realpath(folder), frozenset())
        folders[:] = [name for name in folders if name not in left_out]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        names = {name for name in (*files, *folders) if name not in left_out}
        ignored = {name for name in names if rules.excludes(prefix + name)}
        folders[:] = [name for name in folders if name not in links and not rules.prunes(prefix + name)]
        sent = names - ignored - set(folders)
        if sent:
            used.append(prefix)
        elif ignored - {_CACHE_FOLDER} and not prefix.endswith(f"{_CACHE_FOLDER}/"):
            emptied.append(prefix)
        yield from (prefix + name for name in sent)
    for prefix in reversed(emptied):  # those below it come first
        path = prefix.removesuffix("/")
        if path and not rules.excludes(path) and not any(other.startswith(prefix) for other in used):
            used.append(prefix)
            yield path


def _read_file(
    top: Path, path: str, index: file_index.FileIndex, diagnostics: list[diagnosis.Diagnostic]
) -> ContextFile | None:
    full = top / path
    try:
        status = full.lstat()
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(full)  # noqa: PTH115 - not normalised
            return ContextFile(path=path, digest=hashlib.sha256(os.fsencode(target)).hexdigest(), link=target)
        if stat.S_ISDIR(status.st_mode):
            return ContextFile(path=path, digest="")
        if stat.S_ISSOCK(status.st_mode):
            return None  # as BuildKit
        if not stat.S_ISREG(status.st_mode):
            message = "is neither a file, a folder nor a link"
            diagnostics.append(_create_diagnostic(full, "unsupported-file", message))
            return None
        digest = index.hash_file(path, top, status)
        return ContextFile(path=path, digest=digest, executable=bool(status.st_mode & stat.S_IXUSR))
    except OSError as error:
        diagnostics.append(_create_diagnostic(full, "unreadable-file", f"cannot be read: {error.strerror}"))
        return None
