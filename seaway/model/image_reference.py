"""References of images, as Docker writes them: ``[host[:port]/]path[:tag][@digest]``.

https://github.com/distribution/reference/blob/main/reference.go
"""

from collections.abc import Mapping

DOCKER_HUB = "docker.io"


def normalize(reference: str) -> str:
    """The one name that an image has: ``docker.io/library/python`` is ``python:latest``.

    https://docs.docker.com/reference/cli/docker/image/tag/#description
    """
    host, slash, rest = reference.partition("/")
    name = rest if slash and host in {DOCKER_HUB, "index.docker.io"} else reference
    official = name.removeprefix("library/")
    name = name if "/" in official else official
    return name if "@" in name or _get_tag(name) else f"{name}:latest"


def get_digest(reference: str) -> str | None:
    """``sha256:...``, where the reference says exactly which image it means."""
    return reference.partition("@")[2] or None


def remove_digest(reference: str) -> str:
    """Without the digest: what people call the image."""
    return reference.partition("@")[0]


def set_digest(reference: str, digest: str | None) -> str:
    """The reference with this digest instead of its own; without one, as people call it."""
    return f"{remove_digest(reference)}@{digest}" if digest else remove_digest(reference)


def remove_tag(reference: str) -> str:
    """``repository@sha256:...``, without the tag, which counts for nothing beside a digest; or as it is."""
    name, at, exact = reference.partition("@")
    return f"{name.removesuffix(f':{_get_tag(name)}')}@{exact}" if at else reference


def get_registry(reference: str) -> str:
    """The registry, ``host[:port]``: Docker's own unless the first part of the name is a host."""
    first, slash, _ = reference.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else DOCKER_HUB


def find_override(reference: str, overrides: Mapping[str, str]) -> str | None:
    """What an environment takes instead of an image; None: the image itself.

    Both may be written in any of Docker's ways. A key that is written exactly like the image comes first. What is
    said of a tag is said of the tag with a digest too: pinning an image takes it from no environment's list.
    """
    if reference in overrides:
        return overrides[reference]
    known = {normalize(key): value for key, value in overrides.items()}
    name = remove_digest(reference)
    return known.get(normalize(reference)) or (known.get(normalize(name)) if _get_tag(name) else None)


def _get_tag(name: str) -> str:
    return name.rpartition("/")[2].partition(":")[2]
