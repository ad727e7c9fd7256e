"""The two sides of a comparison, read from files: no cluster, no Docker, no Pulumi, no secret's value."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seaway.images import build_inputs
from seaway.project import release, stack_file
from seaway.release import project
from seaway.review import comparison
from seaway.syntax import nodes


def read_view(folder: Path, stack: str) -> comparison.EnvironmentView:
    """One environment of the project in ``folder``.

    Raises:
        diagnosis.InvalidInput: everything that is wrong in its files.
    """
    values = stack_file.read_config(folder / f"Pulumi.{stack}.yaml")
    return create_view(project.read_environment(values, folder=folder, stack=stack), values, folder)


def create_view(
    environment: project.Environment, stack_values: nodes.MappingNode, folder: Path
) -> comparison.EnvironmentView:
    """One environment that has been read; ``values`` is its configuration.

    Raises:
        diagnosis.InvalidInput: a build context is wrong.
    """
    if environment.release:
        contents = {name: image.content for name, image in environment.release.images.items()}
    else:
        contents = {
            name: it.tag
            for name, it in build_inputs.read_build_records(folder, environment.app, environment.settings).items()
        }
    return comparison.EnvironmentView(
        app=environment.app,
        settings=environment.settings,
        image_contents=contents,
        secret_names=stack_file.get_secret_names(stack_values),
        release=dict(_list_release_facts(environment, release.compute_id(environment.base, contents))),
    )


def _list_release_facts(one: project.Environment, id_: str) -> Iterator[tuple[str, Any]]:
    yield "id", id_
    if one.release is None:
        yield "source", "the working tree"
    else:
        came = one.release.provenance
        more = ", with changes that are in no commit" if came.dirty else ""
        yield "source", f"commit {came.revision}{more}" if came.revision else None
    if one.lock.is_rollback:
        yield "back", "pinned by a rollback: no job of a release runs"
    for held in one.lock.held:
        yield f"held.{held.release}", held.because
    if one.lock.fallback:
        yield (
            f"failed.{one.lock.fallback.held}",
            f"{one.lock.fallback.release} runs instead: {one.lock.fallback.because}",
        )
