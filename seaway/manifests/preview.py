"""What `pulumi up` would register, as far as files tell: no build, no cluster, no registry, no secret's value.

What is only known later has a stand-in. It is the same every time, so two renderings of one source are equal.
"""

from collections.abc import Mapping

from seaway.images import build_inputs, context
from seaway.manifests import inputs, objects
from seaway.model import application, secrets, settings
from seaway.project import environments


def render_objects(
    app: application.Application,
    stack_settings: settings.Settings,
    images: Mapping[str, inputs.Image] | None = None,
    fingerprints: Mapping[str, str] | None = None,
) -> list[objects.ReleaseObject]:
    """The objects of an application.

    Args:
        app: resolved.
        stack: the environment.
        images: those that are known: a release's, or ``tagged``.
        fingerprints: by name of a secret, what stands for its value; without one it is ``given.UNRESOLVED``.
    """
    unbuilt = tag_images(
        app,
        stack_settings,
        dict.fromkeys(dict(build_inputs.list_builds(app)), f"{context.TAG_PREFIX}{inputs.UNRESOLVED}"),
    )
    known = fingerprints or {}
    wanted = secrets.list_managed_names(app) + (
        [inputs.PULL_CREDENTIALS] if stack_settings.image_pull_credentials else []
    )
    values = {name: inputs.SecretValue(fingerprint=known.get(name, inputs.UNRESOLVED), value="") for name in wanted}
    return objects.objects(app, stack_settings, {**unbuilt, **(images or {})}, values)


def tag_images(
    app: application.Application, stack_settings: settings.Settings, tags: Mapping[str, str]
) -> dict[str, inputs.Image]:
    """Images that are not pushed yet, so without a digest: by name, with the tags that stand for their content."""
    return {
        name: inputs.Image(reference=f"{stack_settings.registry}/{app.name}/{name}:{tag}", content=tag)
        for name, tag in tags.items()
    }


def find_images(environment: environments.Environment) -> dict[str, inputs.Image]:
    """The images that an environment deploys, without building: those of the pinned release, with their digests; or
    those that the working tree would become, with their tags.

    Raises:
        diagnosis.InvalidInput: a build context is invalid.
    """
    app, stack_settings = environment.app, environment.settings
    if environment.release:
        return inputs.resolve_release_images(environment.release, stack_settings.registry)
    records = build_inputs.read_build_records(environment)
    return tag_images(app, stack_settings, {name: record.tag for name, record in records.items()})
