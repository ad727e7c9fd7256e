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
from seaway.model.validate import structure
from seaway.project import images_lock
from seaway.syntax import diagnosis

State = Literal["current", "outdated", "not pinned", "unreachable"]

AT_ONCE = 8
"""Registries that are asked at the same time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One image, and where the application names it."""

    reference: str
    """As it is written there, or what the environment takes instead; without a digest."""
    where: tuple[str, ...]
    digest: str | None = None
    """Written beside it, by hand."""
    fixed: str | None = None
    """Why it cannot be pinned, and what to do; None: it can be."""

    @property
    def ours(self) -> bool:
        """Whether the lock file is where its digest belongs."""
        return self.digest is None and self.fixed is None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One image, compared with its registry."""

    use: Use
    pinned: str | None
    now: str | None
    """None: the registry could not be asked."""
    why: str = ""
    """In a line, what keeps it from being asked, pinned or renewed."""

    @property
    def state(self) -> State:
        """What is known of it."""
        if self.now is None:
            return "unreachable"
        if self.pinned is None:
            return "not pinned"
        return "current" if self.pinned == self.now else "outdated"


def uses(app: application.Application, folder: Path, root: roots.Root, substitutes: Mapping[str, str]) -> list[Use]:
    """The images that an application names, sorted: its own, and those that its Dockerfiles begin with.

    ``folder`` is that of the application's file, ``root`` what Dockerfiles must be in; ``substitutes``
    are those of an environment.

    Raises:
        problems.Invalid: everything that is wrong with the Dockerfiles.
    """
    made: dict[tuple[str, str | None], Use] = {}
    for one in _uses(app, folder, root, substitutes):
        before = made.setdefault((one.reference, one.digest), one)
        where = tuple(dict.fromkeys((*before.where, *one.where)))
        # Where one place can be pinned, the image belongs into the file.
        made[one.reference, one.digest] = dataclasses.replace(before if before.ours else one, where=where)
    return sorted(made.values(), key=lambda one: (one.reference, one.digest or ""))


def compare(found: Iterable[Use], lock: images_lock.Lock) -> list[Found]:
    """Each image with what its registry says now.

    Raises:
        problems.Invalid: there is no program to ask with.
    """
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as asking:
        return list(asking.map(_compare, found, itertools.repeat(lock)))


def renewed(lock: images_lock.Lock, found: Iterable[Found], unused: Iterable[str] = ()) -> images_lock.Lock:
    """The lock with what the registries say now. What could not be asked keeps its digest; what is unused goes."""
    now = {one.use.reference: one.now for one in found if one.use.ours and one.now is not None}
    # One line an image, however its name was written before.
    same = {image_reference.short(name) for name in (*now, *unused)}
    kept = {name: digest for name, digest in lock.pins.items() if image_reference.short(name) not in same}
    return images_lock.Lock(pins={**kept, **now})


def _compare(one: Use, lock: images_lock.Lock) -> Found:
    pinned = one.digest or (lock.digest(one.reference) if one.ours else None)
    try:
        now = registry.digest(one.reference)
    except registry.Unavailable as error:
        return Found(use=one, pinned=pinned, now=None, why=str(error))
    why = one.fixed or ""
    if one.digest and one.digest != now:
        why = f"{one.reference} has its digest in {', '.join(one.where)}; renew it there"
    return Found(use=one, pinned=pinned, now=now, why=why)


def _uses(
    app: application.Application, folder: Path, root: roots.Root, substitutes: Mapping[str, str]
) -> Iterator[Use]:
    wrong: list[diagnosis.Problem] = []
    for path, one in structure.processes(app).items():
        if one.image is not None:
            yield from _use(one.image, path, substitutes)
        elif isinstance(one, application.Container) and one.build is not None:
            try:
                yield from _bases(one.build, folder, root, substitutes)
            except diagnosis.Invalid as error:
                wrong += error.problems
    if wrong:
        raise diagnosis.Invalid(wrong)


def _bases(build: application.Build, folder: Path, root: roots.Root, substitutes: Mapping[str, str]) -> Iterator[Use]:
    file = Path(os.path.normpath(folder / build.context / build.dockerfile))
    try:
        text = build_files.read(file, root) if build.inline is None else build.inline
    except FileNotFoundError:
        problem = diagnosis.Problem(diagnosis.Place(str(file)), "", "there is no such file", "correct `build`")
        raise diagnosis.Invalid([problem]) from None
    parsed = base_images.Bases.parse(text, file=str(file), args=build.args)
    fixed = {base: f"{one.wrong}; {one.remedy}" for base, one in parsed.written_out().items()}
    for base in parsed.found:
        shown = f"{os.path.relpath(file, folder)}:{base.line}"
        yield from _use(base.reference, shown, substitutes, fixed.get(base))


def _use(written: str, where: str, substitutes: Mapping[str, str], fixed: str | None = None) -> Iterator[Use]:
    taken = image_reference.substitute(written, substitutes) or written
    digest = image_reference.digest(taken)
    if digest and image_reference.by_digest(taken) == taken:
        return  # a digest without a tag: there is nothing that could be newer
    yield Use(reference=image_reference.tagged(taken), where=(where,), digest=digest, fixed=fixed)
