"""Objects as far as the files of a checkout determine them: no build, cluster, registry or secret value.

Unknown values have placeholders. They are always the same, so two renderings of one source are equal.
"""

from collections.abc import Mapping

from seaway.images import build_inputs, context
from seaway.manifests import inputs, objects
from seaway.model import secrets
from seaway.project import environments


def render_objects(
    environment: environments.Environment,
    images: Mapping[str, inputs.Image] | None = None,
    fingerprints: Mapping[str, str] | None = None,
) -> list[objects.ReleaseObject]:
    """The objects of an environment.

    Args:
        images: the known images, of a release or from ``tag_images``.
        fingerprints: the known fingerprints by name of the secret; the others are ``inputs.UNRESOLVED``.
    """
    builds = dict(build_inputs.list_builds(environment.app))
    unbuilt = tag_images(environment, dict.fromkeys(builds, f"{context.TAG_PREFIX}{inputs.UNRESOLVED}"))
    names = secrets.list_managed_names(environment.app)
    if environment.settings.image_pull_credentials:
        names.append(inputs.PULL_CREDENTIALS)
    known = fingerprints or {}
    values = {name: inputs.SecretValue(fingerprint=known.get(name, inputs.UNRESOLVED), value="") for name in names}
    return objects.objects(environment, {**unbuilt, **(images or {})}, values)


def tag_images(environment: environments.Environment, tags: Mapping[str, str]) -> dict[str, inputs.Image]:
    """Images that are not pushed yet, by name: they have a tag instead of a digest."""
    repository = f"{environment.settings.registry}/{environment.app.name}"
    return {name: inputs.Image(reference=f"{repository}/{name}:{tag}", content=tag) for name, tag in tags.items()}


def find_images(environment: environments.Environment) -> dict[str, inputs.Image]:
    """The images that an environment deploys, without building: those of the pinned release, with their digests; or
    those that the working tree would become, with their tags.
    """
    if environment.release:
        return inputs.resolve_release_images(environment.release, environment.settings.registry)
    records = build_inputs.read_build_records(environment)
    return tag_images(environment, {name: record.tag for name, record in records.items()})
