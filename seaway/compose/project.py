"""A compose file as the application of a stack: `seaway:app: docker-compose.yml`.

Several files are named with commas between them, the later laid over the earlier; they stand in one folder. As with
`docker compose --file`, no override file is taken that is not named. Profiles are what `COMPOSE_PROFILES` says in the
`.env` beside them, or `seaway:profiles`.
"""

import re
from collections.abc import Collection
from pathlib import Path

from seaway.compose.importer import convert
from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

_NAME = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml")


def is_compose_file(name: str) -> bool:
    """Whether a file, or each of several, is called as compose files are: `docker-compose.yml`, `compose.prod.yaml`."""
    return all(_NAME.fullmatch(one.strip()) for one in Path(name).name.split(","))


def list_files(path: Path) -> list[Path]:
    """The files that a path with commas names."""
    first, *others = path.name.split(",")
    return [path.with_name(one.strip()) for one in (first, *others)]


def convert_files(
    path: Path,
    *,
    within: roots.Root,
    name: str | None = None,
    profiles: Collection[str] = (),
    build_named_images: bool = True,
) -> convert.Conversion:
    """What the files become; nothing outside of ``within`` is read.

    Raises:
        diagnosis.InvalidInput: everything that is wrong with the files. What is refused is among the losses.
    """
    listed = list_files(path)
    done = loader.load(listed, within=within, profiles=profiles)
    above = listed[0].parent
    return convert.convert_document(
        done.root, name=name, folder=above, within=within, outcomes=done.outcomes, build_named_images=build_named_images
    )


def load_application(
    path: Path, display_name: str, root: roots.Root, profiles: Collection[str] = (), *, build_named_images: bool = True
) -> nodes.MappingNode:
    """The application, for whoever deploys. ``shown``: what messages call the file, relative to the project;
    ``root``: what it may name files in; ``builds``: whether an image that has a name is built all the same.

    Raises:
        diagnosis.InvalidInput: what is wrong, or refused.
    """
    for each in list_files(path):
        if not root.exists(each):
            place = diagnosis.SourceLocation(str(Path(display_name).with_name(each.name)))
            remedy = "write the application there, or name the file that it is in"
            raise diagnosis.InvalidInput([diagnosis.Diagnostic(place, "", "there is no such file", remedy)])
    return convert.require_accepted(
        convert_files(path, within=root, profiles=profiles, build_named_images=build_named_images)
    )
