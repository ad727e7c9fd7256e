"""An application that the command line names by its file, for `kubectl apply`; with the settings of a stack or none."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from seaway.cli import stack
from seaway.images import build_inputs
from seaway.manifests import inputs, objects
from seaway.model import settings
from seaway.project import load, stack_file
from seaway.release import lock, project
from seaway.syntax import diagnosis, nodes

NOBODY = "kubectl"
"""In place of a stack's name, where there is none: who applies the objects."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings(settings.Settings):
    """Those of a stack, or the defaults, for a namespace that the command line names."""

    home: str

    def namespace(self, application: str) -> str:
        """The one that was named."""
        return self.home


def read(arguments: argparse.Namespace) -> tuple[project.Project, Path]:
    """What is deployed, and the folder that its settings speak of.

    Raises:
        problems.Invalid: everything that is wrong with the application, or with the stack where one is named.
    """
    one, folder = _of_stack(arguments) if arguments.stack else _alone(arguments)
    default = one.settings.namespace(one.app.name) if arguments.stack else one.app.name
    said = {each.name: getattr(one.settings, each.name) for each in dataclasses.fields(one.settings)}
    return dataclasses.replace(one, settings=Settings(**said, home=arguments.namespace or default)), folder


def _of_stack(arguments: argparse.Namespace) -> tuple[project.Project, Path]:
    folder = stack.project(Path.cwd())
    values = stack_file.read(stack.known(folder, arguments.stack))
    name = nodes.Scalar(values.place, _relative(Path(arguments.app), folder))
    entries = {**values.entries, "app": nodes.Entry(values.place, name)}
    if arguments.profile:
        listed = tuple(nodes.Scalar(values.place, each) for each in arguments.profile)
        entries["profiles"] = nodes.Entry(values.place, nodes.Items(values.place, listed))
    return project.read(nodes.Table(values.place, entries), folder=folder, stack=arguments.stack), folder


def _alone(arguments: argparse.Namespace) -> tuple[project.Project, Path]:
    folder, file = Path.cwd(), Path(arguments.app)
    # What has a name is somebody else's to build and push: `docker compose build --push`.
    app = load.load(file, profiles=arguments.profile, builds=arguments.to == "compose")
    # What Docker publishes stays reachable, and nobody says that there is an ingress controller.
    name, profiles = _relative(file, folder), tuple(arguments.profile)
    said = settings.Settings(stack=NOBODY, context="-", app=name, profiles=profiles, exposure="nodePort")
    built = dict(build_inputs.builds(app))
    if built and arguments.to != "compose":
        wrong = f"{', '.join(built)} must be built and pushed, and without a stack nobody says where to"
        remedy = "name one with --stack that has seaway:registry, or write `image:`"
        raise diagnosis.Invalid([diagnosis.Problem(diagnosis.Place(arguments.app), "", wrong, remedy)])
    return project.Project(app=app, stated=app, base=app, settings=said, lock=lock.Lock(), release=None), folder


def _relative(file: Path, folder: Path) -> str:
    """A path as messages show it; of what is elsewhere, the whole of it."""
    name = os.path.relpath(file, folder)
    return str(file.absolute()) if name.startswith("..") else name


def applicable(found: Sequence[objects.Object]) -> Iterator[objects.Object]:
    """What can be applied as it is. A Secret whose values nobody here has is told of, and left to whoever has them."""
    for each in found:
        values: dict[str, str] = each.manifest.get("data", {}) if each.kind == "Secret" else {}
        if not each.name.endswith(f"-{inputs.UNRESOLVED}") or not values:
            yield each
            continue
        keys = " ".join(f"--from-literal={key}=<value>" for key in values)
        where = each.manifest["metadata"]["namespace"]
        print(
            f"seaway: the Secret {each.name} is left out, since its values are not here;"
            f" kubectl create secret generic {each.name} -n {where} {keys}",
            file=sys.stderr,
        )
