"""The two sides of a comparison, read from files: no cluster, no Docker, no Pulumi, no secret's value."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seaway.images import build_inputs
from seaway.project import stack_file
from seaway.release import project, release
from seaway.review import comparison
from seaway.syntax import nodes


def read(folder: Path, stack: str) -> comparison.Side:
    """One environment of the project in ``folder``.

    Raises:
        problems.Invalid: everything that is wrong in its files.
    """
    values = stack_file.read(folder / f"Pulumi.{stack}.yaml")
    return of(project.read(values, folder=folder, stack=stack), values, folder)


def of(one: project.Project, values: nodes.Table, folder: Path) -> comparison.Side:
    """One environment that has been read; ``values`` is its configuration.

    Raises:
        problems.Invalid: a build context is wrong.
    """
    if one.release:
        contents = {name: image.content for name, image in one.release.images.items()}
    else:
        contents = {name: it.tag for name, it in build_inputs.records(folder, one.app, one.settings).items()}
    return comparison.Side(
        app=one.app,
        settings=one.settings,
        contents=contents,
        secrets=stack_file.secrets_given(values),
        release=dict(_said(one, release.identity(one.base, contents))),
    )


def _said(one: project.Project, id_: str) -> Iterator[tuple[str, Any]]:
    yield "id", id_
    if one.release is None:
        yield "source", "the working tree"
    else:
        came = one.release.provenance
        more = ", with changes that are in no commit" if came.dirty else ""
        yield "source", f"commit {came.revision}{more}" if came.revision else None
    if one.lock.back:
        yield "back", "pinned by a rollback: no job of a release runs"
    for held in one.lock.held:
        yield f"held.{held.release}", held.because
    if one.lock.instead:
        yield f"failed.{one.lock.instead.held}", f"{one.lock.instead.release} runs instead: {one.lock.instead.because}"
