"""What `pulumi up` would register, as far as files tell: no build, no cluster, no registry, no secret's value.

What is only known later has a stand-in. It is the same every time, so two renderings of one source are equal.
"""

from collections.abc import Mapping

from seaway.images import context, source
from seaway.manifests import given, objects
from seaway.model import application, secrets, settings


def rendered(
    app: application.Application,
    stack: settings.Settings,
    images: Mapping[str, given.Image] | None = None,
    fingerprints: Mapping[str, str] | None = None,
) -> list[objects.Object]:
    """The objects of an application.

    Args:
        app: resolved.
        stack: the environment.
        images: those that are known: a release's, or ``tagged``.
        fingerprints: by name of a secret, what stands for its value; without one it is ``given.UNRESOLVED``.
    """
    unbuilt = tagged(app, stack, dict.fromkeys(dict(source.builds(app)), f"{context.TAG_PREFIX}{given.UNRESOLVED}"))
    known = fingerprints or {}
    wanted = secrets.valued(app) + ([given.PULL] if stack.pull else [])
    values = {name: given.SecretValue(fingerprint=known.get(name, given.UNRESOLVED), value="") for name in wanted}
    return objects.objects(app, stack, {**unbuilt, **(images or {})}, values)


def tagged(app: application.Application, stack: settings.Settings, tags: Mapping[str, str]) -> dict[str, given.Image]:
    """Images that are not pushed yet, so without a digest: by name, with the tags that stand for their content."""
    return {
        name: given.Image(reference=f"{stack.registry}/{app.name}/{name}:{tag}", content=tag)
        for name, tag in tags.items()
    }
