"""The environment that ``render`` and ``export`` print: a stack's, or one for the application file of ``--app``."""

import argparse
import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from seaway.checks import all_checks
from seaway.cli import command, stack
from seaway.files import roots
from seaway.images import build_inputs
from seaway.manifests import config, inputs, objects
from seaway.model import settings
from seaway.project import environments, load
from seaway.syntax import diagnosis, nodes

STACK_PLACEHOLDER = "kubectl"
"""The stack's name where there is no stack."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that ``read_environment`` reads."""
    stack.add_option(parser)
    help_text = "use this application file: YAML, Python or Docker Compose [the stack's]"
    parser.add_argument("--app", metavar="FILE", help=help_text)
    help_text = "with --app: include services of a Docker Compose profile"
    parser.add_argument("--profile", action="append", default=[], metavar="P", help=help_text)
    add_root_option(parser)


def add_root_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that ``roots.find_working_root`` reads."""
    help_text = "read files below this folder; git: the Git repository [the project of the working directory, or this]"
    parser.add_argument("--root", metavar="FOLDER", help=help_text)


def read_environment(arguments: argparse.Namespace, *, needs_registry: bool) -> environments.Environment:
    """The environment of the stack, or of the application that ``--app`` names.

    Args:
        needs_registry: whether an application without a stack must not build images.
    """
    namespace = getattr(arguments, "namespace", None)
    if arguments.app is None:
        options = {"--namespace": namespace, "--profile": arguments.profile, "--root": arguments.root}
        for option, argument in options.items():
            if argument:
                message = "requires --app: a stack has its own"
                raise diagnosis.reject(
                    diagnosis.SourceLocation(option), "", "conflicting-options", message, "remove it, or add --app FILE"
                )
        return load_environment(stack.find_target(arguments))
    if arguments.stack:
        environment = _read_with_stack(arguments)
    else:
        environment = _read_without_stack(arguments, needs_registry=needs_registry)
    default = environment.namespace if arguments.stack else environment.app.name
    return dataclasses.replace(environment, fixed_namespace=namespace or default)


def load_environment(target: stack.TargetStack) -> environments.Environment:
    """The environment of a stack."""
    return environments.load_environment(
        target.folder,
        target.name,
        application_name=target.application_name,
        check_ids=all_checks.IDS,
        find_more=build_inputs.find_errors,
    )


def _read_with_stack(arguments: argparse.Namespace) -> environments.Environment:
    folder = stack.find_project_folder(Path.cwd())
    config = stack.read_config(folder, arguments.stack, arguments.application)
    location = config.location
    app = nodes.ScalarNode(location, _format_path(Path(arguments.app), folder))
    pairs = {**config.pairs, "app": nodes.Pair(location, app)}
    if arguments.profile:
        profiles = tuple(nodes.ScalarNode(location, profile) for profile in arguments.profile)
        pairs["profiles"] = nodes.Pair(location, nodes.SequenceNode(location, profiles))
    return environments.read_environment(
        nodes.MappingNode(location, pairs),
        folder=folder,
        stack=arguments.stack,
        application_name=arguments.application,
        check_ids=all_checks.IDS,
    )


def _read_without_stack(arguments: argparse.Namespace, *, needs_registry: bool) -> environments.Environment:
    root, file = roots.find_working_root(arguments.root), Path(arguments.app)
    folder = root.folder if arguments.root else Path.cwd()
    name, profiles = _format_path(file, folder), tuple(arguments.profile)
    # An image with a name is built and pushed outside of Seaway, with `docker compose build --push`.
    app = load.load_application(file, root=root, profiles=arguments.profile, build_named_images=not needs_registry)
    if needs_registry and (builds := dict(build_inputs.list_builds(app))):
        message = f"{', '.join(builds)} must be built and pushed, but without a stack there is no registry"
        hint = "name a stack that has seaway:registry with --stack, or set `image:`"
        raise diagnosis.reject(diagnosis.SourceLocation(arguments.app), "", "missing-registry", message, hint)
    # Ports that Docker publishes stay reachable, and an ingress controller may not exist.
    stack_settings = settings.Settings(
        stack=STACK_PLACEHOLDER, context="-", app=name, profiles=profiles, publish="nodePort"
    )
    source = load.parse_file(file, name, root, profiles, build_named_images=not needs_registry)
    environment = environments.Environment.create(app, stack_settings)
    return dataclasses.replace(environment, folder=folder, node=source.node, source=source)


def _format_path(file: Path, folder: Path) -> str:
    """The path relative to ``folder``; outside of it, the absolute path."""
    name = os.path.relpath(file, folder)
    return str(file.absolute()) if name.startswith("..") else name


def filter_applicable(rendered: Sequence[objects.ReleaseObject]) -> Iterator[objects.ReleaseObject]:
    """The objects that can be applied. A Secret without its values is omitted and reported."""
    for release_object in rendered:
        keys: dict[str, str] = release_object.manifest.get("data", {}) if release_object.kind == "Secret" else {}
        if not release_object.name.endswith((f"-{inputs.UNRESOLVED}", config.PROGRAM_SECRET_SUFFIX)) or not keys:
            yield release_object
            continue
        literals = " ".join(f"--from-literal={key}=<value>" for key in keys)
        namespace = release_object.manifest["metadata"]["namespace"]
        command.report(
            f"Secret {release_object.name} is omitted, since its values are not known here; create it:"
            f" kubectl create secret generic {release_object.name} -n {namespace} {literals}"
        )
