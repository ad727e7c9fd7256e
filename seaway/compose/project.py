"""Compose files as the application of a stack: `seaway:app: docker-compose.yml`.

Several files of one folder are separated by commas; a later file overrides an earlier one. As with
`docker compose --file`, an override file must be named. `COMPOSE_PROFILES` in `.env`, or `seaway:profiles`, selects the
profiles.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from seaway.compose.importer import convert
from seaway.compose.loader import loader, schema
from seaway.files import roots
from seaway.syntax import diagnosis

_NAME = re.compile(r"([\w.-]*[._-])?compose([._-][\w.-]+)?\.ya?ml")


def is_compose_file(name: str) -> bool:
    """Whether all names in a path with commas are those of compose files: `compose.yaml`, `compose.prod.yaml`."""
    return all(_NAME.fullmatch(file.strip()) for file in Path(name).name.split(","))


def has_keys(names: Collection[str]) -> bool:
    """Whether a service in compose may have all of these keys."""
    return schema.load()["definitions"]["service"]["properties"].keys() >= {*names}


def list_files(path: Path) -> list[Path]:
    """The files in a path with commas."""
    return [path.with_name(name.strip()) for name in path.name.split(",")]


def convert_files(
    files: Sequence[Path],
    *,
    within: roots.Root,
    name: str | None = None,
    profiles: Collection[str] = (),
    build_named_images: bool = True,
    display_name: Path | None = None,
    hint: str = "name an existing Compose file",
) -> tuple[loader.LoadedProject, convert.Conversion]:
    """Load and convert files; each overrides the previous one. Refused keys are among the outcomes.

    Args:
        files: the files.
        within: the only files that may be read.
        name: the name of the application. None: that of the project.
        profiles: the active profiles.
        build_named_images: False uses the image of a service that also has a build.
        display_name: the path of one of the files in the message of a missing file. None: the path itself.
        hint: for a missing file.
    """
    for file in files:
        if not within.exists(file):
            location = diagnosis.SourceLocation(str(display_name.with_name(file.name) if display_name else file))
            raise diagnosis.reject(location, "", "file-not-found", "the file does not exist", hint)
    project = loader.load(files, within=within, profiles=profiles)
    return project, convert.convert_document(
        project.root,
        name=name,
        folder=files[0].parent,
        within=within,
        outcomes=project.outcomes,
        lookups=project.lookups,
        build_named_images=build_named_images,
    )


def load_application(
    path: Path, display_name: str, root: roots.Root, profiles: Collection[str] = (), *, build_named_images: bool = True
) -> convert.Conversion:
    """The application for a deployment. No key is refused. For the arguments see `convert_files`."""
    _, conversion = convert_files(
        list_files(path),
        within=root,
        profiles=profiles,
        build_named_images=build_named_images,
        display_name=Path(display_name),
        hint="create it, or set seaway:app to the file of the application",
    )
    convert.require_accepted(conversion)
    return conversion
