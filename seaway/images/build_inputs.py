"""What goes into an image in one environment: its context, its base images, and the tag that stands for all of it.

Read from files only: no Docker, no registry.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from seaway.files import roots
from seaway.images import base_images, build_files, context, file_index, rebuild_reasons, staging
from seaway.model import application, image_reference, settings
from seaway.model.validate import structure
from seaway.project import images_lock
from seaway.syntax import diagnosis


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One build."""

    context: context.Context
    args: Mapping[str, str]
    """Build arguments, those that put the environment's base images in place among them."""
    record: rebuild_reasons.Record
    warnings: tuple[diagnosis.Problem, ...]

    @classmethod
    def read(
        cls,
        folder: Path,
        build: application.Build,
        said: settings.Settings,
        root: roots.Root,
        *,
        lock: images_lock.Lock | None,
        known: file_index.Index | None = None,
    ) -> Self:
        """What a build sees.

        Args:
            folder: that of the application's file.
            build: how it is built.
            said: the environment: its platform and its substitutes.
            root: see ``context.Context.read``, as for ``known``.
            lock: the digests of base images.
            known: what is known about the files.

        Raises:
            problems.Invalid: everything that is wrong with the context and the Dockerfile.
        """
        read = context.Context.read(folder, build, root, known=known)
        dockerfile = read.folder / build.dockerfile
        text = build_files.read(dockerfile, root) if build.inline is None else build.inline
        found = base_images.Bases.parse(text, file=str(dockerfile), args=build.args)
        substituted, wrong = found.substitute(said.substitutes)
        if wrong:
            raise diagnosis.Invalid(wrong)
        pins = lock or images_lock.Lock()
        taken = {name: substituted.get(name) or pins.pinned(base) for name, base in found.arguments.items()}
        instead = {name: one for name, one in taken.items() if one != found.arguments[name]}
        exact = {
            found.arguments[name]: digest for name, one in instead.items() if (digest := image_reference.digest(one))
        }
        record = rebuild_reasons.Record.of(
            read,
            platform=said.platform,
            bases=exact,
            sources={name: image_reference.tagged(one) for name, one in taken.items()},
        )
        warnings = (*read.warnings(), *(found.written_out().values() if lock else ()))
        return cls(context=read, args={**build.args, **instead}, record=record, warnings=warnings)


def records(project: Path, app: application.Application, said: settings.Settings) -> dict[str, rebuild_reasons.Record]:
    """What goes into each image that is built, by name. ``project``: its folder.

    Raises:
        problems.Invalid: everything that is wrong with any of them.
    """
    above = (project / said.app).parent
    root = roots.find_root(project, said.root)
    lock = images_lock.read(above, root)
    made: dict[str, rebuild_reasons.Record] = {}
    wrong: list[diagnosis.Problem] = []
    for name, build in builds(app):
        known = file_index.Index.load(staging.index_file(project, name))
        try:
            made[name] = Source.read(above, build, said, root, lock=lock, known=known).record
        except diagnosis.Invalid as error:
            wrong += error.problems
    if wrong:
        raise diagnosis.Invalid(wrong)
    return made


def builds(app: application.Application) -> Iterator[tuple[str, application.Build]]:
    """What is built. A job that `uses` a service has its image."""
    for one in structure.workloads(app).values():
        if one.build is not None and not (isinstance(one, application.Job) and one.uses is not None):
            yield one.name, one.build
