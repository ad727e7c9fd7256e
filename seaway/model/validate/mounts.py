"""The rules about paths: in the container, and of the files that the application names."""

import dataclasses
import posixpath
import re
from collections.abc import Generator, Iterator
from pathlib import Path

from seaway.files import roots
from seaway.model import application, containers
from seaway.model.validate import structure
from seaway.syntax import diagnosis

MAX_BYTES = 1_000_000
"""A ConfigMap holds a MiB; all files of a container go into one, with their keys."""

RELATIVE = "write a path relative to the application's file"
REMOTE = ("docker-image", "oci-layout", "https", "http", "git", "ssh")
"""What the address of another context of a build begins with."""


def paths(app: application.Application, places: diagnosis.Places) -> Iterator[diagnosis.Problem]:
    """Each path in a container is absolute, plain, and mounted once."""
    for path, one in structure.processes(app).items():
        mounted = [(f"{path}.files.{file.path}", file.path) for file in one.files]
        mounted += [(f"{path}.writable.{at}", folder) for at, folder in enumerate(one.writable) if folder != "/"]
        if isinstance(one, application.Container):
            mounted += [(f"{path}.shares.{share.path}", share.path) for share in one.shares]
        if isinstance(one, application.Store):
            mounted.append((f"{path}.volume.path", one.volume.path))
            mounted += [(f"{path}.volumes.{name}.path", volume.path) for name, volume in one.volumes.items()]
        seen = {"/tmp": "/tmp, which is always writable"}  # noqa: S108 - a path in the container
        if one.working_dir is not None and one.working_dir != "/" and not _plain(one.working_dir):
            yield _crooked(one.working_dir, f"{path}.workingDir", places)
        for at, target in mounted:
            if not _plain(target):
                yield _crooked(target, at, places)
            elif target in seen:
                yield diagnosis.Problem(
                    places.of(at), at, f"{target} is mounted twice: see {seen[target]}", "remove one"
                )
            seen.setdefault(target, at)
        for file in one.files:
            at = f"{path}.files.{file.path}"
            if (file.source is None) == (file.content is None) and not places.lost(f"{at}.source", f"{at}.content"):
                wrong = "has both source and content" if file.source else "has no content"
                yield diagnosis.Problem(places.of(at), at, wrong, "write either `source: <file>` or `content: <text>`")


def _plain(path: str) -> bool:
    absolute = path.startswith("/") and posixpath.normpath(path) == path and not set(path) & set(":\0")
    return absolute and path.strip("/") != ""


def _crooked(path: str, at: str, places: diagnosis.Places) -> diagnosis.Problem:
    wrong = f"{diagnosis.quoted(path)} is no absolute path of a file or folder"
    remedy = "write it from the root, as /etc/app.toml, without .., : or a / at the end"
    return diagnosis.Problem(places.of(at), at, wrong, remedy)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of the working tree that an application names."""

    folder: Path
    """That of the application's file, which its paths are relative to."""
    root: roots.Root


def read(
    app: application.Application, places: diagnosis.Places, tree: Tree | None
) -> tuple[application.Application, list[diagnosis.Problem]]:
    """The application with the contents of its files, and what is wrong with them.

    Without a tree it is a release: its images are built, its files have their contents, and no others are read.
    """
    found = [*paths(app, places)]
    app = containers.changed(app, lambda path, one: {"files": _contents(one, path, places, tree, found)})
    for path, one in structure.workloads(app).items():
        if one.build is not None and tree is not None:
            found += _check_contexts(one.build, f"{path}.build", places, tree)
    for path, one in structure.processes(app).items():
        size = sum(len((file.content or "").encode()) for file in one.files)
        if size > MAX_BYTES:
            at = f"{path}.files"
            wrong = f"the files have {size} bytes"
            found.append(
                diagnosis.Problem(
                    places.of(at), at, wrong, f"keep them under {MAX_BYTES}; build big ones into the image"
                )
            )
    return app, found


def _contents(
    one: application.Process,
    path: str,
    places: diagnosis.Places,
    tree: Tree | None,
    found: list[diagnosis.Problem],
) -> tuple[application.File, ...]:
    files: list[application.File] = []
    for file in one.files:
        if file.source is None or file.content is not None:
            files.append(file)
            continue
        at = f"{path}.files.{file.path}"
        if tree is None:
            wrong = f"{diagnosis.quoted(file.source)} is a file of the working tree, and this stack deploys a release"
            found.append(diagnosis.Problem(places.of(at), at, wrong, "write its text here: {content: ...}"))
            continue
        try:
            content = tree.root.read(
                tree.folder / file.source, diagnosis.quoted(file.source), places.of(at), at, hint=RELATIVE
            ).decode()
            files.append(dataclasses.replace(file, content=content))
        except UnicodeDecodeError:
            wrong = f"{file.source} is no UTF-8 text"
            found.append(diagnosis.Problem(places.of(at), at, wrong, "save it as UTF-8, or build it into the image"))
        except diagnosis.Invalid as error:
            found += error.problems
    return tuple(files)


def _check_contexts(
    build: application.Build, path: str, places: diagnosis.Places, tree: Tree
) -> Iterator[diagnosis.Problem]:
    """What is wrong with the folders of a build, and with its Dockerfile."""
    if build.inline is not None and build.dockerfile != application.Build(context="").dockerfile:
        yield diagnosis.Problem(
            places.of(f"{path}.inline"), f"{path}.inline", "has `dockerfile` beside it", "keep one of the two"
        )
    at = f"{path}.context"
    folder = yield from _check_folder(build.context, at if at in places.known else path, places, tree)
    if folder is not None and build.inline is None:
        at = f"{path}.dockerfile"
        yield from _check_dockerfile(build, at if at in places.known else path, places, tree)
    for name, context in build.contexts.items():
        at = f"{path}.contexts.{name}"
        if ".." in name.split("/"):
            wrong = f"{diagnosis.quoted(name)} is not a name of a build context"
            yield diagnosis.Problem(places.of(at), at, wrong, "write it without ..")
        scheme, separator, address = context.partition("://")
        if not separator:
            yield from _check_folder(context, at, places, tree)
        elif scheme == "oci-layout":
            yield from _check_folder(re.split("[@:]", address, maxsplit=1)[0], at, places, tree)
        elif scheme not in REMOTE:
            # The builder takes it for a folder that is called so.
            wrong = f"{diagnosis.quoted(context)} is not an address of an image, a repository or a file"
            yield diagnosis.Problem(places.of(at), at, wrong, f"begin it with one of {', '.join(REMOTE)}")


def _check_folder(
    written: str, at: str, places: diagnosis.Places, tree: Tree
) -> Generator[diagnosis.Problem, None, Path | None]:
    path, subject = tree.folder / written, diagnosis.quoted(written)
    try:
        # A name that the file system does not take is none of a folder either.
        there = roots.is_directory(path) or not tree.root.inside(path)
        if there:
            return tree.root.resolve_directory(path, subject, places.of(at), at, hint=RELATIVE)
    except diagnosis.Invalid as error:
        yield from error.problems
        return None
    yield diagnosis.Problem(places.of(at), at, f"there is no folder {subject}", RELATIVE)
    return None


def _check_dockerfile(
    build: application.Build, at: str, places: diagnosis.Places, tree: Tree
) -> Iterator[diagnosis.Problem]:
    path, subject = tree.folder / build.context / build.dockerfile, diagnosis.quoted(build.dockerfile)
    if tree.root.exists(path):
        try:
            tree.root.read(path, subject, places.of(at), at)
        except diagnosis.Invalid as error:
            yield from error.problems
        return
    wrong = f"there is no {subject} in {diagnosis.quoted(build.context)}"
    yield diagnosis.Problem(places.of(at), at, wrong, "add it, or name it with `dockerfile:`, relative to the context")
