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
from seaway.project import load, release_lock, stack_file
from seaway.release import project
from seaway.syntax import diagnosis, nodes

STACK_PLACEHOLDER = "kubectl"
"""In place of a stack's name, where there is none: who applies the objects."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NamespacedSettings(settings.Settings):
    """Those of a stack, or the defaults, for a namespace that the command line names."""

    fixed_namespace: str

    def namespace(self, application: str) -> str:
        """The one that was named."""
        return self.fixed_namespace


def read_environment(arguments: argparse.Namespace) -> tuple[project.Environment, Path]:
    """What is deployed, and the folder that its settings speak of.

    Raises:
        diagnosis.InvalidInput: everything that is wrong with the application, or with the stack where one is named.
    """
    one, folder = _read_with_stack(arguments) if arguments.stack else _read_without_stack(arguments)
    default = one.settings.format_namespace(one.app.name) if arguments.stack else one.app.name
    said = {each.name: getattr(one.settings, each.name) for each in dataclasses.fields(one.settings)}
    return dataclasses.replace(
        one, settings=NamespacedSettings(**said, fixed_namespace=arguments.namespace or default)
    ), folder


def _read_with_stack(arguments: argparse.Namespace) -> tuple[project.Environment, Path]:
    folder = stack.find_project_folder(Path.cwd())
    values = stack_file.read_config(stack.find_file(folder, arguments.stack))
    name = nodes.ScalarNode(values.location, _format_path(Path(arguments.app), folder))
    entries = {**values.pairs, "app": nodes.Pair(values.location, name)}
    if arguments.profile:
        listed = tuple(nodes.ScalarNode(values.location, each) for each in arguments.profile)
        entries["profiles"] = nodes.Pair(values.location, nodes.SequenceNode(values.location, listed))
    return project.read_environment(
        nodes.MappingNode(values.location, entries), folder=folder, stack=arguments.stack
    ), folder


def _read_without_stack(arguments: argparse.Namespace) -> tuple[project.Environment, Path]:
    folder, file = Path.cwd(), Path(arguments.app)
    # What has a name is somebody else's to build and push: `docker compose build --push`.
    app = load.load_application(file, profiles=arguments.profile, build_named_images=arguments.to == "compose")
    # What Docker publishes stays reachable, and nobody says that there is an ingress controller.
    name, profiles = _format_path(file, folder), tuple(arguments.profile)
    said = settings.Settings(stack=STACK_PLACEHOLDER, context="-", app=name, profiles=profiles, publish="nodePort")
    built = dict(build_inputs.list_builds(app))
    if built and arguments.to != "compose":
        wrong = f"{', '.join(built)} must be built and pushed, and without a stack nobody says where to"
        remedy = "name one with --stack that has seaway:registry, or write `image:`"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(diagnosis.SourceLocation(arguments.app), "", wrong, remedy)])
    return project.Environment(
        app=app, declared=app, base=app, settings=said, lock=release_lock.Lock(), release=None
    ), folder


def _format_path(file: Path, folder: Path) -> str:
    """A path as messages show it; of what is elsewhere, the whole of it."""
    name = os.path.relpath(file, folder)
    return str(file.absolute()) if name.startswith("..") else name


def filter_applicable(rendered: Sequence[objects.ReleaseObject]) -> Iterator[objects.ReleaseObject]:
    """What can be applied as it is. A Secret whose values nobody here has is told of, and left to whoever has them."""
    for each in rendered:
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
