"""What the application cannot say: the images that were built and the values of secrets.

Both have two sides. A plain one shapes names and hashes; the other only flows through to the cluster and may be
a value that is not known yet (an Output of Pulumi in ``components``).
"""

import dataclasses
from typing import Any

from seaway.project import release

UNRESOLVED = "unresolved"
"""In place of what is not known: the fingerprint of a secret without its value, the tag of an image not built."""

PULL_CREDENTIALS = "(registry)"
"""Stands among the secrets for the account that the nodes pull with: no secret of an application has such a name. It is
in no release: an older one is pulled with today's password. So its fingerprint tells nothing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image of one container."""

    reference: Any
    """What the kubelet pulls: ``registry/name@sha256:...``, or a value that is known after the build."""

    content: str
    """What stands for its content before the build: the tag ``ctx-<hash>``, or the reference as it is written."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SecretValue:
    """The value of one secret."""

    fingerprint: str
    """A keyed hash of the value. It goes into names, so it must not help to guess the value. ``UNRESOLVED`` where
    nobody has the value: the name of the Secret then ends in that, which no hash does."""

    value: Any = dataclasses.field(repr=False)
    """The value in base64, or what will become it. It goes into ``Secret.data`` and nowhere else."""


def resolve_release_images(pinned: release.Release, registry: str | None) -> dict[str, Image]:
    """The images of a release in the registry of an environment; None: where they were pushed to."""
    return {
        name: Image(reference=image.build_reference(registry), content=image.content)
        for name, image in pinned.images.items()
    }
