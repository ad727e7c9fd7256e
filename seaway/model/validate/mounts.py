"""Rules about paths in containers and about the files that an application names. Reads the contents of ``files``."""

import dataclasses
import posixpath
import re
from collections.abc import Generator, Iterator
from pathlib import Path

from seaway.files import roots, working_tree
from seaway.model import application
from seaway.syntax import diagnosis

MAX_CONFIG_MAP_BYTES = 1_000_000
"""A ConfigMap holds 1 MiB. All files of a container are in one ConfigMap, with their keys."""

RELATIVE_PATH_HINT = "write a path relative to the application's file"
REMOTE_SCHEMES = ("docker-image", "oci-layout", "https", "http", "git", "ssh")
"""Schemes of further build contexts that are not folders."""

Diagnostics = Iterator[diagnosis.Diagnostic]


def check_paths(app: application.Application, locations: diagnosis.SourceLocations) -> Diagnostics:
    """Each path in a container is absolute, normalized and mounted once."""
    for path, container_spec in app.get_containers().items():
        folder = container_spec.working_dir
        if folder is not None and folder != "/" and not _is_absolute_path(folder):
            yield _report_invalid_path(folder, f"{path}.workingDir", locations)
        mounted = {"/tmp": "/tmp, which is always writable"}  # noqa: S108 - a path in the container
        for key_path, target in _list_mounts(container_spec, path):
            if not _is_absolute_path(target):
                yield _report_invalid_path(target, key_path, locations)
            elif target in mounted:
                message = f"{target} is mounted twice: see {mounted[target]}"
                yield locations.report(key_path, "duplicate-path", message, "remove one")
            mounted.setdefault(target, key_path)
        for file in container_spec.files:
            key_path = f"{path}.files.{file.path}"
            is_undecoded = locations.has_undecoded(f"{key_path}.source", f"{key_path}.content")
            if (file.source is None) == (file.content is None) and not is_undecoded:
                message = "has both source and content" if file.source else "has no content"
                code = "conflicting-keys" if file.source else "missing-value"
                yield locations.report(key_path, code, message, "write either `source: <file>` or `content: <text>`")


def _list_mounts(container_spec: application.ContainerSpec, path: str) -> Iterator[tuple[str, str]]:
    """The paths that are mounted in a container, each with the path of its key."""
    yield from ((f"{path}.files.{file.path}", file.path) for file in container_spec.files)
    for index, folder in enumerate(container_spec.writable):
        if folder != "/":
            yield f"{path}.writable.{index}", folder
    if isinstance(container_spec, application.WorkloadSpec):
        yield from ((f"{path}.sharedVolumes.{share.path}", share.path) for share in container_spec.shared_volumes)
    if isinstance(container_spec, application.Store):
        yield f"{path}.volume.path", container_spec.volume.path
        yield from ((f"{path}.volumes.{name}.path", volume.path) for name, volume in container_spec.volumes.items())


def _is_absolute_path(path: str) -> bool:
    is_normalized = path.startswith("/") and posixpath.normpath(path) == path and not set(path) & set(":\0")
    return is_normalized and path.strip("/") != ""


def _report_invalid_path(path: str, key_path: str, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostic:
    message = f"{diagnosis.quote(path)} is not a valid absolute path"
    hint = "write it from the root, as /etc/app.toml, without .., : or a / at the end"
    return locations.report(key_path, "invalid-path", message, hint)


def read_files(
    app: application.Application, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree | None
) -> tuple[application.Application, list[diagnosis.Diagnostic]]:
    """The application with the contents of its files, and the errors in paths and files.

    Without a tree the application is that of a release, which holds the contents of its files and needs no others.
    """
    diagnostics = [*check_paths(app, locations)]
    app = app.replace_containers(
        lambda path, container_spec: {
            "files": tuple(_read_file(file, path, locations, tree, diagnostics) for file in container_spec.files)
        }
    )
    for path, workload in app.get_workloads().items():
        if workload.build is not None and tree is not None:
            diagnostics += _check_contexts(workload.build, f"{path}.build", locations, tree)
    for path, container_spec in app.get_containers().items():
        size = sum(len((file.content or "").encode()) for file in container_spec.files)
        if size > MAX_CONFIG_MAP_BYTES:
            hint = f"keep them under {MAX_CONFIG_MAP_BYTES}; build large files into the image"
            diagnostics.append(locations.report(f"{path}.files", "too-large", f"the files have {size} bytes", hint))
    return app, diagnostics


def _read_file(
    file: application.File,
    path: str,
    locations: diagnosis.SourceLocations,
    tree: working_tree.WorkingTree | None,
    diagnostics: list[diagnosis.Diagnostic],
) -> application.File:
    """The file with its content; unchanged where it cannot be read, which ``diagnostics`` then says."""
    if file.source is None or file.content is not None:
        return file
    key_path, subject = f"{path}.files.{file.path}", diagnosis.quote(file.source)
    if tree is None:
        message = f"{subject} is a file of the working tree, but this stack deploys a release"
        hint = "write its text here: {content: ...}"
        diagnostics.append(locations.report(key_path, "file-in-release", message, hint))
        return file
    try:
        location = locations.find(key_path)
        content = tree.root.read(tree.folder / file.source, subject, location, key_path, hint=RELATIVE_PATH_HINT)
        return dataclasses.replace(file, content=content.decode())
    except UnicodeDecodeError:
        hint = "save it as UTF-8, or build it into the image"
        diagnostics.append(locations.report(key_path, "not-utf8", f"{file.source} is not UTF-8 text", hint))
    except diagnosis.InvalidInput as error:
        diagnostics += error.diagnostics
    return file


def _check_contexts(
    build: application.Build, path: str, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree
) -> Diagnostics:
    """The folders of a build and its Dockerfile exist."""
    if build.inline is not None and build.dockerfile != application.Build(context="").dockerfile:
        message = "conflicts with `dockerfile`"
        yield locations.report(f"{path}.inline", "conflicting-keys", message, "keep one of the two")
    key_path = f"{path}.context" if f"{path}.context" in locations.by_path else path
    folder = yield from _check_folder(build.context, key_path, locations, tree)
    if folder is not None and build.inline is None:
        key_path = f"{path}.dockerfile" if f"{path}.dockerfile" in locations.by_path else path
        yield from _check_dockerfile(build, key_path, locations, tree)
    for name, context in build.contexts.items():
        key_path = f"{path}.contexts.{name}"
        if ".." in name.split("/"):
            message = f"{diagnosis.quote(name)} is not a valid name of a build context"
            yield locations.report(key_path, "invalid-name", message, "write it without ..")
        scheme, separator, address = context.partition("://")
        if not separator:
            yield from _check_folder(context, key_path, locations, tree)
        elif scheme == "oci-layout":
            yield from _check_folder(re.split("[@:]", address, maxsplit=1)[0], key_path, locations, tree)
        elif scheme not in REMOTE_SCHEMES:
            # The builder would take it for the name of a folder.
            message = f"{diagnosis.quote(context)} is not a valid address of an image, a repository or a file"
            hint = f"begin it with one of {', '.join(REMOTE_SCHEMES)}"
            yield locations.report(key_path, "invalid-value", message, hint)


def _check_folder(
    folder: str, key_path: str, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree
) -> Generator[diagnosis.Diagnostic, None, Path | None]:
    path, subject = tree.folder / folder, diagnosis.quote(folder)
    try:
        # The file system may refuse the name itself: then no such folder exists.
        if roots.is_directory(path) or not tree.root.allows(path):
            location = locations.find(key_path)
            return tree.root.resolve_directory(path, subject, location, key_path, hint=RELATIVE_PATH_HINT)
    except diagnosis.InvalidInput as error:
        yield from error.diagnostics
        return None
    yield locations.report(key_path, "file-not-found", f"there is no folder {subject}", RELATIVE_PATH_HINT)
    return None


def _check_dockerfile(
    build: application.Build, key_path: str, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree
) -> Diagnostics:
    path, subject = tree.folder / build.context / build.dockerfile, diagnosis.quote(build.dockerfile)
    if not tree.root.exists(path):
        message = f"there is no {subject} in {diagnosis.quote(build.context)}"
        hint = "add it, or name another file with `dockerfile:`, relative to the context"
        yield locations.report(key_path, "file-not-found", message, hint)
        return
    try:
        tree.root.read(path, subject, locations.find(key_path), key_path)
    except diagnosis.InvalidInput as error:
        yield from error.diagnostics
