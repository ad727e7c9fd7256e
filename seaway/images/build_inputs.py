"""The inputs of an image build in one environment: its context, its base images, and the tag that covers both.

They are read from files only, without Docker and without a registry.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from seaway.files import roots
from seaway.images import base_images, context, file_index, rebuild_reasons, staging
from seaway.model import application, image_reference, settings
from seaway.project import environments, images_lock
from seaway.syntax import diagnosis


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildInputs:
    """One build."""

    context: context.BuildContext
    bases: base_images.BaseImages
    """As the Dockerfile has them."""
    args: Mapping[str, str]
    """Build arguments, those with the environment's base images included."""
    image_contexts: Mapping[str, str]
    """The addresses of the named contexts that are images, with overrides and digests."""
    build_record: rebuild_reasons.BuildRecord
    warnings: tuple[diagnosis.Diagnostic, ...]
    index: file_index.FileIndex
    """The known digests of files, updated."""

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
        """Read the inputs of a build. For the arguments see ``context.BuildContext.read``."""
        index = cached_index or file_index.FileIndex()
        build_context = context.BuildContext.read(folder, build, root, cached_index=index)
        bases = base_images.BaseImages.load(build_context.folder / build.dockerfile, build, root)
        overrides = bases.apply_overrides(stack_settings.image_overrides)
        pins = lock or images_lock.ImagesLock()
        references = {name: overrides.get(name) or pins.pin_reference(base) for name, base in bases.arguments.items()}
        context_images = {
            name: image_reference.find_override(image, stack_settings.image_overrides) or pins.pin_reference(image)
            for name, image in bases.context_images.items()
        }
        changed = {name: reference for name, reference in references.items() if reference != bases.arguments[name]}
        build_record = rebuild_reasons.BuildRecord.create(
            build_context,
            platform=stack_settings.platform,
            base_digests={
                declared: digest
                for declared, reference in (
                    *((bases.arguments[name], reference) for name, reference in changed.items()),
                    *((bases.context_images[name], reference) for name, reference in context_images.items()),
                )
                if declared != reference and (digest := image_reference.get_digest(reference))
            },
            sources={name: image_reference.remove_digest(reference) for name, reference in references.items()},
        )
        return cls(
            context=build_context,
            bases=bases,
            args={**build.args, **changed},
            image_contexts={name: f"{base_images.CONTEXT_IMAGE}{image}" for name, image in context_images.items()},
            build_record=build_record,
            warnings=(*build_context.list_warnings(), *(bases.find_unpinnable().values() if lock else ())),
            index=index,
        )


def read_all(environment: environments.Environment) -> dict[str, BuildInputs]:
    """The inputs of each image that the environment builds, by name."""
    folder = (environment.folder / environment.settings.app).parent
    root = roots.find_root(environment.folder, environment.settings.root)
    lock = images_lock.read_lock(folder, root)
    inputs: dict[str, BuildInputs] = {}
    diagnostics: list[diagnosis.Diagnostic] = []
    for name, build in list_builds(environment.app):
        index = file_index.FileIndex.load(
            staging.get_index_path(environment.folder, environment.format_file_name(name))
        )
        try:
            inputs[name] = BuildInputs.read(folder, build, environment.settings, root, lock=lock, cached_index=index)
        except diagnosis.InvalidInput as error:
            diagnostics += error.diagnostics
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)
    return inputs


def find_errors(environment: environments.Environment) -> Sequence[diagnosis.Diagnostic]:
    """The errors in the contexts, Dockerfiles and base images of all builds."""
    try:
        read_all(environment)
    except diagnosis.InvalidInput as error:
        return error.diagnostics
    return ()


def read_build_records(environment: environments.Environment) -> dict[str, rebuild_reasons.BuildRecord]:
    """The record of each image that the environment builds, by name. It raises the same as ``read_all``."""
    return {name: inputs.build_record for name, inputs in read_all(environment).items()}


def list_secret_files(environment: environments.Environment) -> Sequence[diagnosis.Diagnostic]:
    """The warnings about files in build contexts that look like secrets. A context that cannot be read has none."""
    if not environment.settings.build:
        return ()
    try:
        inputs = read_all(environment)
    except diagnosis.InvalidInput:
        return ()
    return [warning for build in inputs.values() for warning in build.context.list_warnings()]


def list_builds(app: application.Application) -> Iterator[tuple[str, application.Build]]:
    """The names of the images that are built, and how. A job that `uses` a service has the image of the service."""
    for workload in app.get_workloads().values():
        if workload.build is not None and not (isinstance(workload, application.Job) and workload.uses is not None):
            yield workload.name, workload.build
