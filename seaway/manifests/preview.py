"""What `pulumi up` would register, as far as files tell: no build, no cluster, no registry, no secret's value.

What is only known later has a stand-in. It is the same every time, so two renderings of one source are equal.
"""

from collections.abc import Mapping

from seaway.images import build_inputs, context
from seaway.manifests import inputs, objects
from seaway.model import application, settings
from seaway.model.validate import secrets


def rendered(
    app: application.Application,
    stack: settings.Settings,
    images: Mapping[str, inputs.Image] | None = None,
    fingerprints: Mapping[str, str] | None = None,
) -> list[objects.Object]:
    """The objects of an application.

    Args:
        app: resolved.
        stack: the environment.
        images: those that are known: a release's, or ``tagged``.
        fingerprints: by name of a secret, what stands for its value; without one it is ``given.UNRESOLVED``.
    """
    unbuilt = tagged(
        app, stack, dict.fromkeys(dict(build_inputs.builds(app)), f"{context.TAG_PREFIX}{inputs.UNRESOLVED}")
    )
    known = fingerprints or {}
    wanted = secrets.valued(app) + ([inputs.PULL] if stack.pull else [])
    values = {name: inputs.SecretValue(fingerprint=known.get(name, inputs.UNRESOLVED), value="") for name in wanted}
    return objects.objects(app, stack, {**unbuilt, **(images or {})}, values)


def tagged(app: application.Application, stack: settings.Settings, tags: Mapping[str, str]) -> dict[str, inputs.Image]:
    """Images that are not pushed yet, so without a digest: by name, with the tags that stand for their content."""
    return {
        name: inputs.Image(reference=f"{stack.registry}/{app.name}/{name}:{tag}", content=tag)
        for name, tag in tags.items()
    }
