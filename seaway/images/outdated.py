"""Which images an application names, which digests they are pinned to, and what their registries say now."""

import concurrent.futures
import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from seaway.files import roots
from seaway.images import base_images, build_files, registry
from seaway.model import application, image_reference
from seaway.project import images_lock
from seaway.syntax import diagnosis

State = Literal["current", "outdated", "not pinned", "unreachable"]

MAX_PARALLEL_REQUESTS = 8
"""Registries that are asked at the same time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """One image, and where the application names it."""

    reference: str
    """As it is written there, or what the environment takes instead; without a digest."""
    used_in: tuple[str, ...]
    digest: str | None = None
    """Written beside it, by hand."""
    unpinnable_reason: str | None = None
    """Why it cannot be pinned, and what to do; None: it can be."""

    @property
    def is_lockable(self) -> bool:
        """Whether the lock file is where its digest belongs."""
        return self.digest is None and self.unpinnable_reason is None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageStatus:
    """One image, compared with its registry."""

    use: ImageUse
    pinned_digest: str | None
    registry_digest: str | None
    """None: the registry could not be asked."""
    reason: str = ""
    """In a line, what keeps it from being asked, pinned or renewed."""

    @property
    def state(self) -> State:
        """What is known of it."""
        if self.registry_digest is None:
            return "unreachable"
        if self.pinned_digest is None:
            return "not pinned"
        return "current" if self.pinned_digest == self.registry_digest else "outdated"


def find_image_uses(
    app: application.Application, folder: Path, root: roots.Root, image_overrides: Mapping[str, str]
) -> list[ImageUse]:
    """The images that an application names, sorted: its own, and those that its Dockerfiles begin with.

    ``folder`` is that of the application's file, ``root`` what Dockerfiles must be in; ``substitutes``
    are those of an environment.

    Raises:
        diagnosis.InvalidInput: everything that is wrong with the Dockerfiles.
    """
    made: dict[tuple[str, str | None], ImageUse] = {}
    for one in _list_uses(app, folder, root, image_overrides):
        before = made.setdefault((one.reference, one.digest), one)
        where = tuple(dict.fromkeys((*before.used_in, *one.used_in)))
        # Where one place can be pinned, the image belongs into the file.
        made[one.reference, one.digest] = dataclasses.replace(before if before.is_lockable else one, where=where)
    return sorted(made.values(), key=lambda one: (one.reference, one.digest or ""))


def compare_with_registries(image_uses: Iterable[ImageUse], lock: images_lock.ImagesLock) -> list[ImageStatus]:
    """Each image with what its registry says now.

    Raises:
        diagnosis.InvalidInput: there is no program to ask with.
    """
    with concurrent.futures.ThreadPoolExecutor(MAX_PARALLEL_REQUESTS) as asking:
        return list(asking.map(_compare_image, image_uses, itertools.repeat(lock)))


def renew_lock(
    lock: images_lock.ImagesLock, image_statuses: Iterable[ImageStatus], unused: Iterable[str] = ()
) -> images_lock.ImagesLock:
    """The lock with what the registries say now. What could not be asked keeps its digest; what is unused goes."""
    now = {
        one.use.reference: one.registry_digest
        for one in image_statuses
        if one.use.is_lockable and one.registry_digest is not None
    }
    # One line an image, however its name was written before.
    same = {image_reference.normalize(name) for name in (*now, *unused)}
    kept = {name: digest for name, digest in lock.pins.items() if image_reference.normalize(name) not in same}
    return images_lock.ImagesLock(pins={**kept, **now})


def _compare_image(one: ImageUse, lock: images_lock.ImagesLock) -> ImageStatus:
    pinned = one.digest or (lock.find_digest(one.reference) if one.is_lockable else None)
    try:
        now = registry.resolve_digest(one.reference)
    except registry.Unavailable as error:
        return ImageStatus(use=one, pinned_digest=pinned, registry_digest=None, reason=str(error))
    why = one.unpinnable_reason or ""
    if one.digest and one.digest != now:
        why = f"{one.reference} has its digest in {', '.join(one.used_in)}; renew it there"
    return ImageStatus(use=one, pinned_digest=pinned, registry_digest=now, reason=why)


def _list_uses(
    app: application.Application, folder: Path, root: roots.Root, substitutes: Mapping[str, str]
) -> Iterator[ImageUse]:
    wrong: list[diagnosis.Diagnostic] = []
    for path, one in app.get_containers().items():
        if one.image is not None:
            yield from _create_use(one.image, path, substitutes)
        elif isinstance(one, application.WorkloadSpec) and one.build is not None:
            try:
                yield from _list_base_uses(one.build, folder, root, substitutes)
            except diagnosis.InvalidInput as error:
                wrong += error.diagnostics
    if wrong:
        raise diagnosis.InvalidInput(wrong)


def _list_base_uses(
    build: application.Build, folder: Path, root: roots.Root, substitutes: Mapping[str, str]
) -> Iterator[ImageUse]:
    file = Path(os.path.normpath(folder / build.context / build.dockerfile))
    try:
        text = build_files.load_text(file, root) if build.inline is None else build.inline
    except FileNotFoundError:
        problem = diagnosis.Diagnostic(
            diagnosis.SourceLocation(str(file)), "", "there is no such file", "correct `build`"
        )
        raise diagnosis.InvalidInput([problem]) from None
    parsed = base_images.BaseImages.parse(text, file=str(file), args=build.args)
    fixed = {base: f"{one.message}; {one.hint}" for base, one in parsed.find_unpinnable().items()}
    for base in parsed.images:
        shown = f"{os.path.relpath(file, folder)}:{base.line}"
        yield from _create_use(base.reference, shown, substitutes, fixed.get(base))


def _create_use(
    written: str, where: str, substitutes: Mapping[str, str], fixed: str | None = None
) -> Iterator[ImageUse]:
    taken = image_reference.find_override(written, substitutes) or written
    digest = image_reference.get_digest(taken)
    if digest and image_reference.remove_tag(taken) == taken:
        return  # a digest without a tag: there is nothing that could be newer
    yield ImageUse(
        reference=image_reference.remove_digest(taken), used_in=(where,), digest=digest, unpinnable_reason=fixed
    )
