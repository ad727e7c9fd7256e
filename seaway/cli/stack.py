"""The stack that a command targets. Reading it needs neither Pulumi nor its state, passphrase or secret values."""

import argparse
import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seaway.cli import command
from seaway.files import roots
from seaway.model import image_reference, settings
from seaway.project import environments, load, stack_file
from seaway.syntax import diagnosis, nodes, yaml_parser

PROJECT = "Pulumi.yaml"
NO_STACK_HINT = "create one with pulumi stack init <stack>"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TargetStack:
    """A stack, and where it runs."""

    name: str
    context: str
    """Name of the kubeconfig context."""
    app: str
    """Name of the application."""
    namespace: str
    folder: Path
    """The project folder, which has Pulumi.yaml."""
    app_file: str
    """The application's file, relative to the project folder."""
    application_name: str | None = None
    """In ``seaway:applications``; None: the main application."""

    @property
    def lock_name(self) -> str:
        """The name of the application's lock file."""
        return environments.format_lock_name(self.name, self.application_name)

    @property
    def options(self) -> str:
        """The options that name it."""
        return environments.format_options(self.name, self.application_name)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that ``find_target`` reads."""
    help_text = "the stack [$PULUMI_STACK, else the one selected with pulumi stack select, else the only one]"
    parser.add_argument("-s", "--stack", metavar="STACK", type=parse_name, help=help_text)
    add_application_option(parser)


def add_application_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names an application of a stack with several."""
    help_text = "an application in seaway:applications of the stack [the one of seaway:app]"
    parser.add_argument("--application", metavar="NAME", help=help_text)


def parse_name(text: str) -> str:
    """The name of a stack that the user named as Pulumi does: ``prod``, ``acme/prod`` or ``acme/shop/prod``.

    Files and objects have the name alone. Pulumi gets it with the organization, see ``command.qualify_stack``.
    """
    *prefixes, name = text.split("/")
    location, subject = diagnosis.SourceLocation("--stack"), diagnosis.quote(text)
    if len(prefixes) > 2 or (prefixes and not all((*prefixes, name))):
        message, hint = "is not a name of a stack", "write STACK, ORGANIZATION/STACK or ORGANIZATION/PROJECT/STACK"
        raise diagnosis.reject(location, subject, "invalid-name", message, hint)
    if len(prefixes) > 1:
        folder = find_project_folder(Path.cwd())
        if (project := _read_name(folder, PROJECT, roots.Root(folder))) != prefixes[1]:
            message, hint = f"is a stack of another project than {project}, which {PROJECT} has", "cd to that project"
            raise diagnosis.reject(location, subject, "unknown-stack", message, hint)
    command.STACKS.set({**command.STACKS.get(), name: text})
    return name


def find_target(arguments: argparse.Namespace) -> TargetStack:
    """The stack of a command line, in the project of the working directory."""
    folder = find_project_folder(Path.cwd())
    name = arguments.stack or _choose_name(folder, os.environ)
    return read_target(folder, name, arguments.application, hint=_format_choice_hint(folder))


def read_target(
    folder: Path, name: str, application_name: str | None = None, *, hint: str | None = None
) -> TargetStack:
    """Read a stack of the project in ``folder``."""
    config = read_config(folder, name, application_name, hint=hint)
    context = config.pairs.get("context")
    if context is None or not isinstance(context.node, nodes.ScalarNode):
        hint = "pulumi config set seaway:context <value>"
        raise diagnosis.reject(config.location, "seaway:context", "missing-value", "is not set", hint)
    if stack_file.is_building(config):
        app = _read_name(folder, stack_file.get_app_path(config), stack_file.find_root(config, folder))
    else:
        # Of the pinned release: the application in the working tree may have another name.
        app = environments.read_pinned_release(
            folder, environments.format_lock_name(name, application_name)
        ).application.name
    namespace = settings.Settings(stack=name, context=context.node.text).format_namespace(app)
    app_file = stack_file.get_app_path(config)
    return TargetStack(
        name=name,
        context=context.node.text,
        app=app,
        namespace=namespace,
        folder=folder,
        app_file=app_file,
        application_name=application_name,
    )


def read_config(
    folder: Path, name: str, application_name: str | None = None, *, hint: str | None = None
) -> nodes.MappingNode:
    """The configuration of an application in the stack's file."""
    return stack_file.read_config(find_file(folder, name, hint), application_name)


def read_settings(folder: Path, name: str, application_name: str | None = None) -> settings.Settings:
    """The settings of an application in the stack's file."""
    return stack_file.decode_settings(read_config(folder, name, application_name), name)


def read_debug_image(target: TargetStack) -> str:
    """The image of ephemeral containers in an environment."""
    stack_settings = read_settings(target.folder, target.name, target.application_name)
    image = stack_settings.debug_image
    return image_reference.find_override(image, stack_settings.image_overrides) or image


def find_file(folder: Path, name: str, hint: str | None = None) -> Path:
    """The file of a stack."""
    file = folder / f"Pulumi.{name}.yaml"
    if file.is_file():
        return file
    names = list_names(folder)
    hint = hint or (f"the stacks are: {', '.join(names)}" if names else NO_STACK_HINT)
    message = f"stack {diagnosis.quote(name)} does not exist"
    raise diagnosis.reject(diagnosis.SourceLocation(file.name), "", "unknown-stack", message, hint)


def find_project_folder(start: Path) -> Path:
    """The nearest folder with a Pulumi.yaml, as Pulumi finds it."""
    for folder in (start, *start.parents):
        if (folder / PROJECT).is_file():
            return folder
    location = diagnosis.SourceLocation(str(start))
    message, hint = f"there is no {PROJECT} here or in a parent folder", "cd to your project, or: seaway new NAME"
    raise diagnosis.reject(location, "", "file-not-found", message, hint)


def list_names(folder: Path) -> list[str]:
    """The stacks that have a file."""
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in folder.glob("Pulumi.*.yaml"))


def read_pinning_config(
    folder: Path, name: str, application_name: str | None, message: str, hint: str
) -> nodes.MappingNode:
    """The configuration of a stack that deploys the release it pins."""
    config = read_config(folder, name, application_name)
    if stack_file.is_building(config):
        location = config.pairs["build"].location if "build" in config.pairs else config.location
        raise diagnosis.reject(location, "seaway:build", "stack-builds", message, hint)
    return config


def _choose_name(folder: Path, variables: Mapping[str, str]) -> str:
    """The name of the stack when the command line does not have it."""
    names = list_names(folder)
    if selected := variables.get("PULUMI_STACK") or _read_selected(folder, variables):
        return parse_name(selected)
    if len(names) == 1:
        return names[0]
    message = "no stack is selected" if names else "there is no stack"
    raise diagnosis.reject(diagnosis.SourceLocation(str(folder)), "", "no-stack", message, _format_choice_hint(folder))


def _format_choice_hint(folder: Path) -> str:
    names = list_names(folder)
    return f"select one with --stack: {', '.join(names)}" if names else NO_STACK_HINT


def _read_selected(folder: Path, variables: Mapping[str, str]) -> str | None:
    """The stack that ``pulumi stack select`` selected for this project; None where it is ambiguous.

    Pulumi stores it, by backend, in ``workspaces/<project>-<SHA-1 of Pulumi.yaml's path>-workspace.json`` of its home.
    https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/workspace/workspace.go
    """
    home = Path(variables.get("PULUMI_HOME") or Path.home() / ".pulumi")
    # The hash that Pulumi uses in the file's name; it is not for security.
    path = hashlib.sha1(str(folder / PROJECT).encode(), usedforsecurity=False).hexdigest()
    file = home / "workspaces" / f"{_read_name(folder, PROJECT, roots.Root(folder))}-{path}-workspace.json"
    try:
        saved: dict[str, Any] = json.loads(file.read_bytes())
        stacks: dict[str, str] = saved.get("stacks") or {}
    except (OSError, ValueError, AttributeError):
        return None
    backend = variables.get("PULUMI_BACKEND_URL")
    if backend in stacks:
        return stacks[backend]
    return next(iter(stacks.values())) if len(set(stacks.values())) == 1 else saved.get("stack")


def _read_name(folder: Path, file: str, root: roots.Root) -> str:
    """The top-level name in the application's file or in Pulumi.yaml, whatever else is invalid in it."""
    location = diagnosis.SourceLocation(file)
    path = folder / file
    if path.suffix != ".py" and not load.is_compose_file(path):
        content = root.read(path, "", location, "", hint="Seaway reads the application's name from it")
        node = yaml_parser.parse(content, file)
    else:
        node = load.parse_file(path, file, root).node
    pair = node.pairs.get("name") if isinstance(node, nodes.MappingNode) else None
    if pair is None or not isinstance(pair.node, nodes.ScalarNode) or not pair.node.text:
        raise diagnosis.reject(location, "name", "missing-value", "is missing", "add `name:`")
    return pair.node.text
