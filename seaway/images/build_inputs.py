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
from seaway.project import environments, images_lock
from seaway.syntax import diagnosis


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputs:
    """One build."""

    context: context.BuildContext
    args: Mapping[str, str]
    """Build arguments, those that put the environment's base images in place among them."""
    build_record: rebuild_reasons.BuildRecord
    warnings: tuple[diagnosis.Diagnostic, ...]

    @classmethod
    def read(
        cls,
        folder: Path,
        build: application.Build,
        stack_settings: settings.Settings,
        root: roots.Root,
        *,
        lock: images_lock.ImagesLock | None,
        cached_index: file_index.FileIndex | None = None,
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
            diagnosis.InvalidInput: everything that is wrong with the context and the Dockerfile.
        """
        read = context.BuildContext.read(folder, build, root, cached_index=cached_index)
        dockerfile = read.folder / build.dockerfile
        text = build_files.load_text(dockerfile, root) if build.inline is None else build.inline
        found = base_images.BaseImages.parse(text, file=str(dockerfile), args=build.args)
        substituted, wrong = found.apply_overrides(stack_settings.image_overrides)
        if wrong:
            raise diagnosis.InvalidInput(wrong)
        pins = lock or images_lock.ImagesLock()
        taken = {name: substituted.get(name) or pins.pin_reference(base) for name, base in found.arguments.items()}
        instead = {name: one for name, one in taken.items() if one != found.arguments[name]}
        exact = {
            found.arguments[name]: digest
            for name, one in instead.items()
            if (digest := image_reference.get_digest(one))
        }
        record = rebuild_reasons.BuildRecord.create(
            read,
            platform=stack_settings.platform,
            base_digests=exact,
            sources={name: image_reference.remove_digest(one) for name, one in taken.items()},
        )
        warnings = (*read.list_warnings(), *(found.find_unpinnable().values() if lock else ()))
        return cls(context=read, args={**build.args, **instead}, build_record=record, warnings=warnings)


def read_build_records(environment: environments.Environment) -> dict[str, rebuild_reasons.BuildRecord]:
    """What goes into each image that is built, by name.

    Raises:
        diagnosis.InvalidInput: everything that is wrong with any of them.
    """
    stack_settings = environment.settings
    above = (environment.folder / stack_settings.app).parent
    root = roots.find_root(environment.folder, stack_settings.root)
    lock = images_lock.read_lock(above, root)
    made: dict[str, rebuild_reasons.BuildRecord] = {}
    wrong: list[diagnosis.Diagnostic] = []
    for name, build in list_builds(environment.app):
        known = file_index.FileIndex.load(staging.get_index_path(environment.folder, name))
        try:
            made[name] = BuildInputs.read(
                above, build, stack_settings, root, lock=lock, cached_index=known
            ).build_record
        except diagnosis.InvalidInput as error:
            wrong += error.diagnostics
    if wrong:
        raise diagnosis.InvalidInput(wrong)
    return made


def list_builds(app: application.Application) -> Iterator[tuple[str, application.Build]]:
    """What is built. A job that `uses` a service has its image."""
    for one in app.get_workloads().values():
        if one.build is not None and not (isinstance(one, application.Job) and one.uses is not None):
            yield one.name, one.build
