"""The view of an environment that a comparison takes. It is read from files: no cluster, no Docker, no Pulumi."""

from collections.abc import Iterator
from typing import Any

from seaway.images import build_inputs
from seaway.project import environments, release
from seaway.review import comparison


def create_view(environment: environments.Environment) -> comparison.EnvironmentView:
    """What one environment deploys.

    Raises:
        diagnosis.InvalidInput: a build context is invalid.
    """
    if environment.release:
        contents = {name: image.content for name, image in environment.release.images.items()}
    else:
        contents = {name: record.tag for name, record in build_inputs.read_build_records(environment).items()}
    return comparison.EnvironmentView(
        app=environment.app,
        settings=environment.settings,
        image_contents=contents,
        secret_names=environment.secret_names,
        release=dict(_list_release_facts(environment, release.compute_id(environment.base, contents))),
    )


def _list_release_facts(environment: environments.Environment, release_id: str) -> Iterator[tuple[str, Any]]:
    lock = environment.lock
    yield "id", release_id
    if environment.release is None:
        yield "source", "the working tree"
    else:
        provenance = environment.release.provenance
        uncommitted = ", with uncommitted changes" if provenance.dirty else ""
        yield "source", f"commit {provenance.revision}{uncommitted}" if provenance.revision else None
    if lock.is_rollback:
        yield "rollback", "pinned by a rollback: the jobs of the release do not run"
    for held in lock.held:
        yield f"held.{held.release}", held.because
    if lock.fallback:
        yield f"failed.{lock.fallback.held}", f"{lock.fallback.release} runs instead: {lock.fallback.because}"
