"""Rules about paths in containers and about the files that an application names. Reads the contents of ``files``."""

import base64
import csv
import dataclasses
import posixpath
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from seaway.files import roots, working_tree
from seaway.model import application
from seaway.model.validate import parts
from seaway.syntax import diagnosis

MAX_CONFIG_MAP_BYTES = 1_000_000
"""A ConfigMap holds 1 MiB. All files of a container are in one ConfigMap, with their keys."""

RELATIVE_PATH_HINT = "write a path relative to the application's file"
REMOTE_SCHEMES = ("docker-image", "oci-layout", "https", "http", "git", "ssh")
"""Schemes of further build contexts that are not folders."""


def _check_paths(app: application.Application, locations: diagnosis.SourceLocations) -> diagnosis.Diagnostics:
    """Each path in a container is absolute, normalized and mounted once."""
    for container_spec, part in parts.list_containers(app, locations):
        folder = container_spec.working_dir
        if folder is not None and folder != "/" and not _is_absolute_path(folder):
            yield _report_invalid_path(folder, part.at("workingDir"))
        mounted = {"/tmp": "/tmp, which is always writable"}  # noqa: S108 - a path in the container
        for mount_part, target in _list_mounts(container_spec, part):
            if not _is_absolute_path(target):
                yield _report_invalid_path(target, mount_part)
            elif target in mounted:
                yield mount_part.report(
                    "duplicate-path", f"{target} is mounted twice: see {mounted[target]}", "remove one"
                )
            mounted.setdefault(target, mount_part.path)
        for file in container_spec.files:
            file_part = part.at("files", file.path)
            declared = [text for text in (file.source, file.content, file.binary) if text is not None]
            if len(declared) != 1 and not file_part.has_undecoded("source", "content", "binary"):
                message = "has both source and content" if declared else "has no content"
                code = "conflicting-keys" if declared else "missing-value"
                yield file_part.report(code, message, "write either `source: <file>` or `content: <text>`")
            if file.binary is not None and not _is_base64(file.binary):
                hint = "write `source: <file>`, or the output of base64"
                yield file_part.at("binary").report("invalid-value", "is not valid base64", hint)


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True)) or not text
    except ValueError:
        return False


def _list_mounts(
    container_spec: application.ContainerSpec, part: diagnosis.Part
) -> Iterator[tuple[diagnosis.Part, str]]:
    """The paths that are mounted in a container, each with its part of the application's file."""
    yield from ((part.at("files", file.path), file.path) for file in container_spec.files)
    for index, folder in enumerate(container_spec.writable):
        if folder != "/":
            yield part.at("writable", index), folder
    if isinstance(container_spec, application.WorkloadSpec):
        yield from ((part.at("sharedVolumes", share.path), share.path) for share in container_spec.shared_volumes)
    if isinstance(container_spec, application.Store):
        if container_spec.volume is not None:
            yield part.at("volume", "path"), container_spec.volume.path
        yield from ((part.at("volumes", name, "path"), volume.path) for name, volume in container_spec.volumes.items())


def _is_absolute_path(path: str) -> bool:
    is_normalized = path.startswith("/") and posixpath.normpath(path) == path and not set(path) & set(":\0")
    return is_normalized and path.strip("/") != ""


def _report_invalid_path(path: str, part: diagnosis.Part) -> diagnosis.Diagnostic:
    message = f"{diagnosis.quote(path)} is not a valid absolute path"
    hint = "write it from the root, as /etc/app.toml, without .., : or a / at the end"
    return part.report("invalid-path", message, hint)


def read_files(
    app: application.Application, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree | None
) -> tuple[application.Application, list[diagnosis.Diagnostic]]:
    """The application with the contents of its files, and the errors in paths and files.

    Without a tree the application is that of a release, which holds the contents of its files and needs no others.
    """
    diagnostics = [*_check_paths(app, locations)]

    def read_container_files(path: str, container_spec: application.ContainerSpec) -> dict[str, Any]:
        part = locations.at(f"{path}.files")
        return {"files": tuple(_read_file(file, part, tree, diagnostics) for file in container_spec.files)}

    app = app.replace_containers(read_container_files)
    for workload, part in parts.list_workloads(app, locations):
        if workload.build is not None and tree is not None:
            diagnostics += _check_contexts(workload.build, part.at("build"), tree)
    for container_spec, part in parts.list_containers(app, locations):
        size = sum(len(file.get_bytes()) for file in container_spec.files if not file.binary or _is_base64(file.binary))
        if size > MAX_CONFIG_MAP_BYTES:
            hint = f"keep them under {MAX_CONFIG_MAP_BYTES}; build large files into the image"
            diagnostics.append(part.at("files").report("too-large", f"the files have {size} bytes", hint))
    return app, diagnostics


def _read_file(
    file: application.File,
    files_part: diagnosis.Part,
    tree: working_tree.WorkingTree | None,
    diagnostics: list[diagnosis.Diagnostic],
) -> application.File:
    """The file with its content; unchanged where it cannot be read, which ``diagnostics`` then says."""
    if file.source is None or file.is_read:
        return file
    part, subject = files_part.at(file.path), diagnosis.quote(file.source)
    if tree is None:
        message = f"{subject} is a file of the working tree, but this stack deploys a release"
        diagnostics.append(part.report("file-in-release", message, "write its text here: {content: ...}"))
        return file
    try:
        path = tree.folder / file.source
        content = tree.root.read(path, subject, part.location, part.path, hint=RELATIVE_PATH_HINT)
        try:
            return dataclasses.replace(file, content=content.decode())
        except UnicodeDecodeError:
            return dataclasses.replace(file, binary=base64.b64encode(content).decode())
    except diagnosis.InvalidInput as error:
        diagnostics += error.diagnostics
    return file


def _check_contexts(
    build: application.Build, part: diagnosis.Part, tree: working_tree.WorkingTree
) -> diagnosis.Diagnostics:
    """The folders of a build and its Dockerfile exist."""
    if build.inline is not None and build.dockerfile != application.Build(context="").dockerfile:
        yield part.at("inline").report("conflicting-keys", "conflicts with `dockerfile`", "keep one of the two")
    folder = yield from _check_folder(build.context, part.at_declared("context"), tree)
    if folder is not None and build.inline is None:
        yield from _check_dockerfile(build, part.at_declared("dockerfile"), tree)
    for name, context in build.contexts.items():
        context_part = part.at("contexts", name)
        if ".." in name.split("/"):
            message = f"{diagnosis.quote(name)} is not a valid name of a build context"
            yield context_part.report("invalid-name", message, "write it without ..")
        scheme, separator, address = context.partition("://")
        if not separator:
            yield from _check_folder(context, context_part, tree)
        elif scheme == "oci-layout":
            yield from _check_folder(re.split("[@:]", address, maxsplit=1)[0], context_part, tree)
        elif scheme not in REMOTE_SCHEMES:
            # The builder would take it for the name of a folder.
            message = f"{diagnosis.quote(context)} is not a valid address of an image, a repository or a file"
            yield context_part.report("invalid-value", message, f"begin it with one of {', '.join(REMOTE_SCHEMES)}")
    yield from _check_builder_files(build, part, tree)


def _check_builder_files(
    build: application.Build, part: diagnosis.Part, tree: working_tree.WorkingTree
) -> diagnosis.Diagnostics:
    """The builder reads keys, and reads and writes caches: only below the project, as all that a branch may name."""
    files = [
        (part.at("ssh", index), text.partition("=")[2], "add the key to the SSH agent, and write only the id")
        for index, text in enumerate(build.ssh)
    ]
    for key, texts in (("cacheFrom", build.cache_from), ("cacheTo", build.cache_to)):
        for index, text in enumerate(texts):
            words = (word.partition("=") for row in csv.reader([text]) for word in row)
            attributes = {name.strip().lower(): setting for name, _, setting in words}
            if attributes.get("type") == "local":
                hint = "use type=registry"
                files += [(part.at(key, index), attributes.get(name, ""), hint) for name in ("src", "dest")]
    for file_part, path, hint in files:
        # Tools expand the ~ of a home directory.
        resolved = Path("/") if path.startswith("~") else tree.root.folder / path
        try:
            tree.root.resolve_path(resolved, diagnosis.quote(path), file_part.location, file_part.path)
        except diagnosis.InvalidInput as error:
            yield from (dataclasses.replace(refused, hint=hint) for refused in error.diagnostics)


def _check_folder(
    folder: str, part: diagnosis.Part, tree: working_tree.WorkingTree
) -> Generator[diagnosis.Diagnostic, None, Path | None]:
    path, subject = tree.folder / folder, diagnosis.quote(folder)
    try:
        # The file system may refuse the name itself: then no such folder exists.
        if roots.is_directory(path) or not tree.root.allows(path):
            return tree.root.resolve_directory(path, subject, part.location, part.path, hint=RELATIVE_PATH_HINT)
    except diagnosis.InvalidInput as error:
        yield from error.diagnostics
        return None
    yield part.report("file-not-found", f"there is no folder {subject}", RELATIVE_PATH_HINT)
    return None


def _check_dockerfile(
    build: application.Build, part: diagnosis.Part, tree: working_tree.WorkingTree
) -> diagnosis.Diagnostics:
    path, subject = tree.folder / build.context / build.dockerfile, diagnosis.quote(build.dockerfile)
    if not tree.root.exists(path):
        message = f"there is no {subject} in {diagnosis.quote(build.context)}"
        hint = "add it, or name another file with `dockerfile:`, relative to the context"
        yield part.report("file-not-found", message, hint)
        return
    try:
        tree.root.read(path, subject, part.location, part.path)
    except diagnosis.InvalidInput as error:
        yield from error.diagnostics
