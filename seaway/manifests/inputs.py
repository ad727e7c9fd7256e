"""Inputs that the application does not contain: images that are built, and the values of secrets.

Each has two parts. The plain part shapes names and hashes. The other part only flows through to the cluster, and may be
unknown until the deployment (a Pulumi Output in ``components``).
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from seaway.project import release

UNRESOLVED = "unresolved"
"""A placeholder: for the fingerprint of a secret without a value, and for the tag of an image that is not built."""

PULL_CREDENTIALS = "(registry)"
"""The key of the image pull credentials among the secrets. No secret of an application can have this name. Releases do
not contain the credentials: an older release is pulled with the current password, so the fingerprint is empty."""


@dataclasses.dataclass(frozen=True, slots=True)
class PendingImage:
    """A placeholder for the reference of an image that is not built yet."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image of one container."""

    reference: Any
    """The image that the kubelet pulls: ``registry/name@sha256:...``, or a value that is known after the build."""

    content: str
    """Stands for the content before the build: the tag ``ctx-<hash>``, or the declared reference."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SecretValue:
    """The value of one secret."""

    fingerprint: str
    """A keyed hash of the value. It is part of names, so it must not help to guess the value. ``UNRESOLVED`` if the
    value is unknown: the name of the Secret then ends in that, which no hash does."""

    value: Any = dataclasses.field(repr=False)
    """The value in base64, or a value that is known later. It is used in ``Secret.data`` only."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerInputs:
    """The inputs of one container, and the names of the objects that it reads."""

    image: Any
    env: Mapping[str, str]
    config_map: str | None
    secret: str | None
    """The Secret of the whole pod."""


def resolve_release_images(pinned: release.Release, registry: str | None) -> dict[str, Image]:
    """The images of a release in the registry of an environment; None: where they were pushed to."""
    return {
        name: Image(reference=image.build_reference(registry), content=image.content)
        for name, image in pinned.images.items()
    }
