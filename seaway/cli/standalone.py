"""An application that the command line names by its file, for `kubectl apply`; with the settings of a stack or none."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from seaway.checks import registry
from seaway.cli import stack
from seaway.files import roots
from seaway.images import build_inputs
from seaway.manifests import inputs, objects
from seaway.model import settings
from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis, nodes

STACK_PLACEHOLDER = "kubectl"
"""In place of a stack's name, where there is none: who applies the objects."""


def read_environment(arguments: argparse.Namespace) -> environments.Environment:
    """The environment of an application that the command line names, with the settings of a stack or the defaults.

    Raises:
        diagnosis.InvalidInput: with all errors in the application, or in the stack where the command line names one.
    """
    environment = _read_with_stack(arguments) if arguments.stack else _read_without_stack(arguments)
    default = environment.namespace if arguments.stack else environment.app.name
    return dataclasses.replace(environment, fixed_namespace=arguments.namespace or default)


def _read_with_stack(arguments: argparse.Namespace) -> environments.Environment:
    folder = stack.find_project_folder(Path.cwd())
    values = stack_file.read_config(stack.find_file(folder, arguments.stack))
    name = nodes.ScalarNode(values.location, _format_path(Path(arguments.app), folder))
    entries = {**values.pairs, "app": nodes.Pair(values.location, name)}
    if arguments.profile:
        listed = tuple(nodes.ScalarNode(values.location, each) for each in arguments.profile)
        entries["profiles"] = nodes.Pair(values.location, nodes.SequenceNode(values.location, listed))
    config = nodes.MappingNode(values.location, entries)
    return environments.read_environment(config, folder=folder, stack=arguments.stack, check_ids=registry.IDS)


def _read_without_stack(arguments: argparse.Namespace) -> environments.Environment:
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
    node = load.parse_file(
        file, name, roots.find_working_root(), profiles, build_named_images=arguments.to == "compose"
    )
    return dataclasses.replace(environments.Environment.create(app, said), folder=folder, node=node)


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
