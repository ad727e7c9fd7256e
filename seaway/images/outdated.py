"""The images that an application names, the digests that they are pinned to, and the digests in their registries."""

import concurrent.futures
import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from seaway.files import roots
from seaway.images import base_images, registry
from seaway.model import application, image_reference
from seaway.project import images_lock
from seaway.syntax import diagnosis

State = Literal["current", "outdated", "not pinned", "unreachable"]

MAX_PARALLEL_REQUESTS = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """One image, and where the application names it."""

    reference: str
    """The image, or its override in the environment; without a digest."""
    used_in: tuple[str, ...]
    digest: str | None = None
    """The digest that is written beside the image."""
    unpinnable_reason: str | None = None
    """Why the lock file cannot pin it, with a hint. None: it can."""

    @property
    def is_lockable(self) -> bool:
        """Whether its digest belongs in the lock file."""
        return self.digest is None and self.unpinnable_reason is None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageStatus:
    """One image, compared with its registry."""

    use: ImageUse
    pinned_digest: str | None
    registry_digest: str | None
    """None: the registry is unreachable."""
    reason: str = ""
    """Why it is unreachable, cannot be pinned or cannot be renewed; one line."""

    @property
    def state(self) -> State:
        """The result of the comparison."""
        if self.registry_digest is None:
            return "unreachable"
        if self.pinned_digest is None:
            return "not pinned"
        return "current" if self.pinned_digest == self.registry_digest else "outdated"


def find_image_uses(
    app: application.Application, folder: Path, root: roots.Root, image_overrides: Mapping[str, str]
) -> list[ImageUse]:
    """The images of an application and the base images of its Dockerfiles, sorted.

    ``folder``: of the application's file. ``root``: the folder that Dockerfiles must be in.
    """
    merged: dict[tuple[str, str | None], ImageUse] = {}
    for use in _list_uses(app, folder, root, image_overrides):
        before = merged.setdefault((use.reference, use.digest), use)
        used_in = tuple(dict.fromkeys((*before.used_in, *use.used_in)))
        # The lock file has an image as soon as one of its uses can be pinned.
        preferred = before if before.is_lockable else use
        merged[use.reference, use.digest] = dataclasses.replace(preferred, used_in=used_in)
    return sorted(merged.values(), key=lambda use: (use.reference, use.digest or ""))


def compare_with_registries(image_uses: Iterable[ImageUse], lock: images_lock.ImagesLock) -> list[ImageStatus]:
    """Compare each image with its registry."""
    with concurrent.futures.ThreadPoolExecutor(MAX_PARALLEL_REQUESTS) as executor:
        return list(executor.map(_compare_image, image_uses, itertools.repeat(lock)))


def renew_lock(
    lock: images_lock.ImagesLock, image_statuses: Iterable[ImageStatus], unused: Iterable[str] = ()
) -> images_lock.ImagesLock:
    """The lock with the digests of the registries. Unreachable images keep theirs, unused images are removed."""
    renewed = {
        status.use.reference: status.registry_digest
        for status in image_statuses
        if status.use.is_lockable and status.registry_digest is not None
    }
    # One line per image, however its name was written before.
    replaced = {image_reference.normalize(name) for name in (*renewed, *unused)}
    pins = {name: digest for name, digest in lock.pins.items() if image_reference.normalize(name) not in replaced}
    return images_lock.ImagesLock(pins={**pins, **renewed})


def _compare_image(use: ImageUse, lock: images_lock.ImagesLock) -> ImageStatus:
    pinned = use.digest or (lock.find_digest(use.reference) if use.is_lockable else None)
    try:
        current = registry.resolve_digest(use.reference)
    except registry.Unavailable as error:
        return ImageStatus(use=use, pinned_digest=pinned, registry_digest=None, reason=str(error))
    reason = use.unpinnable_reason or ""
    if use.digest and use.digest != current:
        reason = f"{use.reference} has its digest in {', '.join(use.used_in)}; renew it there"
    return ImageStatus(use=use, pinned_digest=pinned, registry_digest=current, reason=reason)


def _list_uses(
    app: application.Application, folder: Path, root: roots.Root, image_overrides: Mapping[str, str]
) -> Iterator[ImageUse]:
    diagnostics: list[diagnosis.Diagnostic] = []
    for path, container_spec in app.get_containers().items():
        if container_spec.image is not None:
            yield from _create_use(container_spec.image, path, image_overrides)
        elif isinstance(container_spec, application.WorkloadSpec) and container_spec.build is not None:
            for name, context in container_spec.build.contexts.items():
                if context.startswith(images_lock.IMAGE_SCHEME):
                    reference = context.removeprefix(images_lock.IMAGE_SCHEME)
                    yield from _create_use(reference, f"{path}.build.contexts.{name}", {})
            try:
                yield from _list_base_uses(container_spec.build, folder, root, image_overrides)
            except diagnosis.InvalidInput as error:
                diagnostics += error.diagnostics
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)


def _list_base_uses(
    build: application.Build, folder: Path, root: roots.Root, image_overrides: Mapping[str, str]
) -> Iterator[ImageUse]:
    file = Path(os.path.normpath(folder / build.context / build.dockerfile))
    try:
        bases = base_images.BaseImages.load(file, build, root)
    except FileNotFoundError:
        location = diagnosis.SourceLocation(str(file))
        raise diagnosis.reject(location, "", "file-not-found", "the file does not exist", "correct `build`") from None
    reasons = {image: f"{error.message}; {error.hint}" for image, error in bases.find_unpinnable().items()}
    for image in bases.images:
        used_in = f"{os.path.relpath(file, folder)}:{image.line}"
        yield from _create_use(image.reference, used_in, image_overrides, reasons.get(image))


def _create_use(
    declared: str, used_in: str, image_overrides: Mapping[str, str], unpinnable_reason: str | None = None
) -> Iterator[ImageUse]:
    reference = image_reference.find_override(declared, image_overrides) or declared
    digest = image_reference.get_digest(reference)
    if digest and image_reference.remove_tag(reference) == reference:
        return  # Without a tag, no other digest can be newer.
    yield ImageUse(
        reference=image_reference.remove_digest(reference),
        used_in=(used_in,),
        digest=digest,
        unpinnable_reason=unpinnable_reason,
    )
