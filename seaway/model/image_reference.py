"""Image references in the syntax of Docker: ``[host[:port]/]path[:tag][@digest]``.

https://github.com/distribution/reference/blob/main/reference.go
"""

from collections.abc import Mapping

DOCKER_HUB = "docker.io"


def normalize(reference: str) -> str:
    """The shortest name of an image with its tag: ``docker.io/library/python`` is ``python:latest``.

    https://docs.docker.com/reference/cli/docker/image/tag/#description
    """
    host, slash, rest = reference.partition("/")
    name = rest if slash and host in {DOCKER_HUB, "index.docker.io"} else reference
    official = name.removeprefix("library/")
    name = name if "/" in official else official
    return name if "@" in name or _get_tag(name) else f"{name}:latest"


def get_digest(reference: str) -> str | None:
    """``sha256:...``; None: the reference has no digest."""
    return reference.partition("@")[2] or None


def remove_digest(reference: str) -> str:
    """The reference without its digest."""
    return reference.partition("@")[0]


def set_digest(reference: str, digest: str | None) -> str:
    """The reference with another digest, or without a digest."""
    return f"{remove_digest(reference)}@{digest}" if digest else remove_digest(reference)


def remove_tag(reference: str) -> str:
    """``repository@sha256:...``: a digest makes the tag meaningless. Unchanged if there is no digest."""
    name, separator, digest = reference.partition("@")
    return f"{name.removesuffix(f':{_get_tag(name)}')}@{digest}" if separator else reference


def get_registry(reference: str) -> str:
    """The registry, ``host[:port]``: Docker Hub unless the first part of the name is a host."""
    first, slash, _ = reference.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else DOCKER_HUB


def find_override(reference: str, overrides: Mapping[str, str]) -> str | None:
    """The image that an environment uses instead of an image; None: there is no override.

    Both may be in any form that Docker accepts. A key that equals the reference comes first. The override of a tag
    also applies to the tag with a digest: pinning an image keeps its overrides.
    """
    if reference in overrides:
        return overrides[reference]
    normalized = {normalize(image): override for image, override in overrides.items()}
    name = remove_digest(reference)
    return normalized.get(normalize(reference)) or (normalized.get(normalize(name)) if _get_tag(name) else None)


def _get_tag(name: str) -> str:
    return name.rpartition("/")[2].partition(":")[2]
