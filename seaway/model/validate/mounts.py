"""The rules about paths: in the container, and of the files that the application names."""

import dataclasses
import posixpath
import re
from collections.abc import Generator, Iterator
from pathlib import Path

from seaway.files import roots, working_tree
from seaway.model import application
from seaway.syntax import diagnosis

MAX_CONFIG_MAP_BYTES = 1_000_000
"""A ConfigMap holds a MiB; all files of a container go into one, with their keys."""

RELATIVE_PATH_HINT = "write a path relative to the application's file"
REMOTE_SCHEMES = ("docker-image", "oci-layout", "https", "http", "git", "ssh")
"""What the address of another context of a build begins with."""


def check_paths(app: application.Application, locations: diagnosis.SourceLocations) -> Iterator[diagnosis.Diagnostic]:
    """Each path in a container is absolute, plain, and mounted once."""
    for path, one in app.get_containers().items():
        mounted = [(f"{path}.files.{file.path}", file.path) for file in one.files]
        mounted += [(f"{path}.writable.{at}", folder) for at, folder in enumerate(one.writable) if folder != "/"]
        if isinstance(one, application.WorkloadSpec):
            mounted += [(f"{path}.sharedVolumes.{share.path}", share.path) for share in one.shared_volumes]
        if isinstance(one, application.Store):
            mounted.append((f"{path}.volume.path", one.volume.path))
            mounted += [(f"{path}.volumes.{name}.path", volume.path) for name, volume in one.volumes.items()]
        seen = {"/tmp": "/tmp, which is always writable"}  # noqa: S108 - a path in the container
        if one.working_dir is not None and one.working_dir != "/" and not _is_absolute_path(one.working_dir):
            yield _report_bad_path(one.working_dir, f"{path}.workingDir", locations)
        for at, target in mounted:
            if not _is_absolute_path(target):
                yield _report_bad_path(target, at, locations)
            elif target in seen:
                yield diagnosis.Diagnostic(
                    locations.find(at), at, f"{target} is mounted twice: see {seen[target]}", "remove one"
                )
            seen.setdefault(target, at)
        for file in one.files:
            at = f"{path}.files.{file.path}"
            if (file.source is None) == (file.content is None) and not locations.has_undecoded(
                f"{at}.source", f"{at}.content"
            ):
                wrong = "has both source and content" if file.source else "has no content"
                yield diagnosis.Diagnostic(
                    locations.find(at), at, wrong, "write either `source: <file>` or `content: <text>`"
                )


def _is_absolute_path(path: str) -> bool:
    absolute = path.startswith("/") and posixpath.normpath(path) == path and not set(path) & set(":\0")
    return absolute and path.strip("/") != ""


def _report_bad_path(path: str, key_path: str, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostic:
    wrong = f"{diagnosis.quote(path)} is no absolute path of a file or folder"
    remedy = "write it from the root, as /etc/app.toml, without .., : or a / at the end"
    return diagnosis.Diagnostic(locations.find(key_path), key_path, wrong, remedy)


def read_files(
    app: application.Application, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree | None
) -> tuple[application.Application, list[diagnosis.Diagnostic]]:
    """The application with the contents of its files, and what is wrong with them.

    Without a tree it is a release: its images are built, its files have their contents, and no others are read.
    """
    found = [*check_paths(app, locations)]
    app = app.replace_containers(lambda path, one: {"files": _read_contents(one, path, locations, tree, found)})
    for path, one in app.get_workloads().items():
        if one.build is not None and tree is not None:
            found += _check_contexts(one.build, f"{path}.build", locations, tree)
    for path, one in app.get_containers().items():
        size = sum(len((file.content or "").encode()) for file in one.files)
        if size > MAX_CONFIG_MAP_BYTES:
            at = f"{path}.files"
            wrong = f"the files have {size} bytes"
            found.append(
                diagnosis.Diagnostic(
                    locations.find(at),
                    at,
                    wrong,
                    f"keep them under {MAX_CONFIG_MAP_BYTES}; build big ones into the image",
                )
            )
    return app, found


def _read_contents(
    container_spec: application.ContainerSpec,
    path: str,
    locations: diagnosis.SourceLocations,
    tree: working_tree.WorkingTree | None,
    diagnostics: list[diagnosis.Diagnostic],
) -> tuple[application.File, ...]:
    files: list[application.File] = []
    for file in container_spec.files:
        if file.source is None or file.content is not None:
            files.append(file)
            continue
        at = f"{path}.files.{file.path}"
        if tree is None:
            wrong = f"{diagnosis.quote(file.source)} is a file of the working tree, and this stack deploys a release"
            diagnostics.append(
                diagnosis.Diagnostic(locations.find(at), at, wrong, "write its text here: {content: ...}")
            )
            continue
        try:
            content = tree.root.read(
                tree.folder / file.source, diagnosis.quote(file.source), locations.find(at), at, hint=RELATIVE_PATH_HINT
            ).decode()
            files.append(dataclasses.replace(file, content=content))
        except UnicodeDecodeError:
            wrong = f"{file.source} is no UTF-8 text"
            diagnostics.append(
                diagnosis.Diagnostic(locations.find(at), at, wrong, "save it as UTF-8, or build it into the image")
            )
        except diagnosis.InvalidInput as error:
            diagnostics += error.diagnostics
    return tuple(files)


def _check_contexts(
    build: application.Build, path: str, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree
) -> Iterator[diagnosis.Diagnostic]:
    """What is wrong with the folders of a build, and with its Dockerfile."""
    if build.inline is not None and build.dockerfile != application.Build(context="").dockerfile:
        yield diagnosis.Diagnostic(
            locations.find(f"{path}.inline"), f"{path}.inline", "has `dockerfile` beside it", "keep one of the two"
        )
    at = f"{path}.context"
    folder = yield from _check_folder(build.context, at if at in locations.by_path else path, locations, tree)
    if folder is not None and build.inline is None:
        at = f"{path}.dockerfile"
        yield from _check_dockerfile(build, at if at in locations.by_path else path, locations, tree)
    for name, context in build.contexts.items():
        at = f"{path}.contexts.{name}"
        if ".." in name.split("/"):
            wrong = f"{diagnosis.quote(name)} is not a name of a build context"
            yield diagnosis.Diagnostic(locations.find(at), at, wrong, "write it without ..")
        scheme, separator, address = context.partition("://")
        if not separator:
            yield from _check_folder(context, at, locations, tree)
        elif scheme == "oci-layout":
            yield from _check_folder(re.split("[@:]", address, maxsplit=1)[0], at, locations, tree)
        elif scheme not in REMOTE_SCHEMES:
            # The builder takes it for a folder that is called so.
            wrong = f"{diagnosis.quote(context)} is not an address of an image, a repository or a file"
            yield diagnosis.Diagnostic(
                locations.find(at), at, wrong, f"begin it with one of {', '.join(REMOTE_SCHEMES)}"
            )


def _check_folder(
    folder: str, key_path: str, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree
) -> Generator[diagnosis.Diagnostic, None, Path | None]:
    path, subject = tree.folder / folder, diagnosis.quote(folder)
    try:
        # A name that the file system does not take is none of a folder either.
        there = roots.is_directory(path) or not tree.root.allows(path)
        if there:
            return tree.root.resolve_directory(
                path, subject, locations.find(key_path), key_path, hint=RELATIVE_PATH_HINT
            )
    except diagnosis.InvalidInput as error:
        yield from error.diagnostics
        return None
    yield diagnosis.Diagnostic(locations.find(key_path), key_path, f"there is no folder {subject}", RELATIVE_PATH_HINT)
    return None


def _check_dockerfile(
    build: application.Build, key_path: str, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree
) -> Iterator[diagnosis.Diagnostic]:
    path, subject = tree.folder / build.context / build.dockerfile, diagnosis.quote(build.dockerfile)
    if tree.root.exists(path):
        try:
            tree.root.read(path, subject, locations.find(key_path), key_path)
        except diagnosis.InvalidInput as error:
            yield from error.diagnostics
        return
    wrong = f"there is no {subject} in {diagnosis.quote(build.context)}"
    yield diagnosis.Diagnostic(
        locations.find(key_path), key_path, wrong, "add it, or name it with `dockerfile:`, relative to the context"
    )
