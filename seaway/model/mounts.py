"""The rules about paths: in the container, and of the files that the application names."""

import dataclasses
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path

from seaway.model import application, problems, rules, walk

MAX_BYTES = 1_000_000
"""A ConfigMap holds a MiB; all files of a container go into one, with their keys."""


def paths(app: application.Application, places: problems.Places) -> Iterator[problems.Problem]:
    """Each path in a container is absolute, plain, and mounted once."""
    for path, one in rules.processes(app).items():
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
                yield problems.Problem(
                    places.of(at), at, f"{target} is mounted twice: see {seen[target]}", "remove one"
                )
            seen.setdefault(target, at)
        for file in one.files:
            at = f"{path}.files.{file.path}"
            if (file.source is None) == (file.content is None) and not places.lost(f"{at}.source", f"{at}.content"):
                wrong = "has both source and content" if file.source else "has no content"
                yield problems.Problem(places.of(at), at, wrong, "write either `source: <file>` or `content: <text>`")


def _plain(path: str) -> bool:
    absolute = path.startswith("/") and posixpath.normpath(path) == path and not set(path) & set(":\0")
    return absolute and path.strip("/") != ""


def _crooked(path: str, at: str, places: problems.Places) -> problems.Problem:
    wrong = f"{problems.quoted(path)} is no absolute path of a file or folder"
    remedy = "write it from the root, as /etc/app.toml, without .., : or a / at the end"
    return problems.Problem(places.of(at), at, wrong, remedy)


def read(
    app: application.Application, places: problems.Places, folder: Path | None
) -> tuple[application.Application, list[problems.Problem]]:
    """The application with the contents of its files, which are relative to ``folder``, and what is wrong with them.

    Without a folder it is a release: its images are built, its files have their contents, and no others are read.
    """
    found = [*paths(app, places)]
    app = walk.changed(app, lambda path, one: {"files": _contents(one, path, places, folder, found)})
    for path, one in rules.workloads(app).items():
        if one.build is not None and folder is not None:
            found += _context(one.build, f"{path}.build", places, folder)
            found += _others(one.build, f"{path}.build", places, folder)
    for path, one in rules.processes(app).items():
        size = sum(len((file.content or "").encode()) for file in one.files)
        if size > MAX_BYTES:
            at = f"{path}.files"
            wrong = f"the files have {size} bytes"
            found.append(
                problems.Problem(
                    places.of(at), at, wrong, f"keep them under {MAX_BYTES}; build big ones into the image"
                )
            )
    return app, found


def _contents(
    one: application.Process,
    path: str,
    places: problems.Places,
    folder: Path | None,
    found: list[problems.Problem],
) -> tuple[application.File, ...]:
    files: list[application.File] = []
    for file in one.files:
        if file.source is None or file.content is not None:
            files.append(file)
            continue
        at = f"{path}.files.{file.path}"
        if folder is None:
            wrong = f"{problems.quoted(file.source)} is a file of the working tree, and this stack deploys a release"
            found.append(problems.Problem(places.of(at), at, wrong, "write its text here: {content: ...}"))
            continue
        try:
            content = (folder / file.source).read_bytes().decode()
            files.append(dataclasses.replace(file, content=content))
        except UnicodeDecodeError:
            wrong = f"{file.source} is no UTF-8 text"
            found.append(problems.Problem(places.of(at), at, wrong, "save it as UTF-8, or build it into the image"))
        except (OSError, ValueError) as error:
            wrong = f"{problems.quoted(file.source)} cannot be read ({_reason(error)})"
            found.append(problems.Problem(places.of(at), at, wrong, "write a path relative to the application's file"))
    return tuple(files)


def _context(build: application.Build, path: str, places: problems.Places, folder: Path) -> Iterator[problems.Problem]:
    context = folder / build.context
    if not _is(context, Path.is_dir):
        at = f"{path}.context"
        at = at if at in places.known else path
        wrong = f"there is no folder {problems.quoted(build.context)}"
        yield problems.Problem(places.of(at), at, wrong, "write a path relative to the application's file")
    elif build.inline is None and not _is(context / build.dockerfile, Path.is_file):
        at = f"{path}.dockerfile"
        at = at if at in places.known else path
        wrong = f"there is no {problems.quoted(build.dockerfile)} in {problems.quoted(build.context)}"
        yield problems.Problem(
            places.of(at), at, wrong, "add it, or name it with `dockerfile:`, relative to the context"
        )


def _others(build: application.Build, path: str, places: problems.Places, folder: Path) -> Iterator[problems.Problem]:
    """The other folders of a build."""
    if build.inline is not None and build.dockerfile != application.Build(context="").dockerfile:
        at = f"{path}.inline"
        yield problems.Problem(places.of(at), at, "has `dockerfile` beside it", "keep one of the two")
    for name, context in build.contexts.items():
        at = f"{path}.contexts.{name}"
        if "://" not in context and not _is(folder / context, Path.is_dir):
            wrong = f"there is no folder {problems.quoted(context)}"
            yield problems.Problem(places.of(at), at, wrong, "write a path relative to the application's file")


def _is(path: Path, question: Callable[[Path], bool]) -> bool:
    try:
        return question(path)
    except (OSError, ValueError):
        return False


def _reason(error: Exception) -> str:
    return (error.strerror or "it cannot be opened") if isinstance(error, OSError) else "it is no path"
