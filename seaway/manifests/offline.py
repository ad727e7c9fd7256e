"""What `pulumi up` would register, as far as files tell: no build, no cluster, no registry, no secret's value.

What is only known later has a stand-in. It is the same every time, so two renderings of one source are equal.
"""

from collections.abc import Mapping

from seaway.images import context
from seaway.manifests import given, objects
from seaway.model import application, settings

UNRESOLVED = "unresolved"
"""In place of what is not known: the tag of an image that was not built, the hash in the name of a Secret."""


def rendered(
    app: application.Application, stack: settings.Settings, images: Mapping[str, given.Image] | None = None
) -> list[objects.Object]:
    """The objects of ``app``, which must be resolved. ``images``: those that are known, as a release's are."""
    return objects.objects(app, stack, {**_unbuilt(app, stack), **(images or {})}, _secrets(app))


def _unbuilt(app: application.Application, stack: settings.Settings) -> dict[str, given.Image]:
    tag = f"{context.TAG_PREFIX}{UNRESOLVED}"
    return {
        one.name: given.Image(reference=f"{stack.registry}/{app.name}/{one.name}:{tag}", content=tag)
        for one in (*app.services, *app.stores, *app.jobs)
        if one.build is not None and not (isinstance(one, application.Job) and one.uses)
    }


def _secrets(app: application.Application) -> dict[str, given.SecretValue]:
    containers = (*app.services, *app.stores, *app.jobs)
    names = {secret.name for each in containers for secret in each.secrets}
    return {name: given.SecretValue(fingerprint=UNRESOLVED, value="") for name in names}
