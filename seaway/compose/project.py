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


def recognised(name: str) -> bool:
    """Whether a file, or each of several, is called as compose files are: `docker-compose.yml`, `compose.prod.yaml`."""
    return all(_NAME.fullmatch(one.strip()) for one in Path(name).name.split(","))


def files(path: Path) -> list[Path]:
    """The files that a path with commas names."""
    first, *others = path.name.split(",")
    return [path.with_name(one.strip()) for one in (first, *others)]


def converted(
    path: Path, *, within: roots.Root, name: str | None = None, profiles: Collection[str] = (), builds: bool = True
) -> convert.Converted:
    """What the files become; nothing outside of ``within`` is read.

    Raises:
        problems.Invalid: everything that is wrong with the files. What is refused is among the losses.
    """
    listed = files(path)
    done = loader.read(listed, within=within, profiles=profiles)
    above = listed[0].parent
    return convert.convert(done.root, name=name, folder=above, within=within, told=done.losses, builds=builds)


def application(
    path: Path, shown: str, root: roots.Root, profiles: Collection[str] = (), *, builds: bool = True
) -> nodes.Table:
    """The application, for whoever deploys. ``shown``: what messages call the file, relative to the project;
    ``root``: what it may name files in; ``builds``: whether an image that has a name is built all the same.

    Raises:
        problems.Invalid: what is wrong, or refused.
    """
    for each in files(path):
        if not root.exists(each):
            place = diagnosis.Place(str(Path(shown).with_name(each.name)))
            remedy = "write the application there, or name the file that it is in"
            raise diagnosis.Invalid([diagnosis.Problem(place, "", "there is no such file", remedy)])
    return convert.checked(converted(path, within=root, profiles=profiles, builds=builds))
