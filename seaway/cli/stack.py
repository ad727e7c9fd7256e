"""Which stack a command is about, found without Pulumi, its state, a passphrase or a secret's value."""

import argparse
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seaway.files import roots
from seaway.model import settings
from seaway.project import stack_file
from seaway.syntax import diagnosis, nodes

PROJECT = "Pulumi.yaml"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TargetStack:
    """One environment of one application, and where it runs."""

    name: str
    context: str
    """Of the kubeconfig."""
    app: str
    """Name of the application."""
    namespace: str
    folder: Path
    """Of the project: where Pulumi.yaml stands."""


def add_option(parser: argparse.ArgumentParser) -> None:
    """The option that ``find`` reads."""
    told = "the stack [$PULUMI_STACK, the one that pulumi stack select chose, or the only one]"
    parser.add_argument("-s", "--stack", metavar="STACK", help=told)


def find_target(arguments: argparse.Namespace) -> TargetStack:
    """The stack that a command line means, in the project of the working directory.

    Raises:
        diagnosis.InvalidInput: no project, no stack, or a file of theirs that cannot be read.
    """
    folder = find_project_folder(Path.cwd())
    return read_target(folder, arguments.stack or _choose_name(folder, os.environ), _format_choice_hint(folder))


def read_target(folder: Path, name: str, hint: str | None = None) -> TargetStack:
    """A stack of the project in ``folder``.

    Raises:
        diagnosis.InvalidInput: there is no such stack (see ``known``), or a file of its cannot be read.
    """
    values = stack_file.read_config(find_file(folder, name, hint))
    context = values.pairs.get("context")
    if context is None or not isinstance(context.node, nodes.ScalarNode):
        hint = "pulumi config set seaway:context <value>"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(values.location, "seaway:context", "is not set", hint)])
    said = settings.Settings(stack=name, context=context.node.text)
    if stack_file.is_building(values):
        app = _read_name(folder, stack_file.get_app_path(values), stack_file.find_root(values, folder))
    else:
        app = _read_pinned_name(folder, name)
    return TargetStack(name=name, context=said.context, app=app, namespace=said.format_namespace(app), folder=folder)


def find_file(folder: Path, name: str, hint: str | None = None) -> Path:
    """The file of a stack.

    Raises:
        diagnosis.InvalidInput: there is no such stack; ``remedy`` says what to do, or the stacks that there are do.
    """
    file = folder / f"Pulumi.{name}.yaml"
    if file.is_file():
        return file
    there = list_names(folder)
    hint = hint or (f"there are: {', '.join(there)}" if there else "pulumi stack init <stack> begins one")
    wrong = f"there is no stack {diagnosis.quote(name)}"
    raise diagnosis.InvalidInput([diagnosis.Diagnostic(diagnosis.SourceLocation(file.name), "", wrong, hint)])


def find_project_folder(start: Path) -> Path:
    """The nearest folder with a Pulumi.yaml, as Pulumi looks for it.

    Raises:
        diagnosis.InvalidInput: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / PROJECT).is_file():
            return folder
    problem = diagnosis.Diagnostic(
        diagnosis.SourceLocation(str(start)), "", f"no {PROJECT} here or above", "cd to your checkout"
    )
    raise diagnosis.InvalidInput([problem])


def _choose_name(folder: Path, variables: Mapping[str, str]) -> str:
    """The stack that is not named on the command line."""
    there = list_names(folder)
    # The full name is organization/project/stack.
    selected = (variables.get("PULUMI_STACK") or _read_selected(folder, variables) or "").rpartition("/")[2]
    if selected:
        return selected
    if len(there) == 1:
        return there[0]
    wrong = "no stack is chosen" if there else "there is no stack"
    raise diagnosis.InvalidInput(
        [diagnosis.Diagnostic(diagnosis.SourceLocation(str(folder)), "", wrong, _format_choice_hint(folder))]
    )


def _format_choice_hint(folder: Path) -> str:
    there = list_names(folder)
    return f"say which with --stack: {', '.join(there)}" if there else "pulumi stack init <stack> begins one"


def list_names(folder: Path) -> list[str]:
    """The stacks that have a file."""
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in folder.glob("Pulumi.*.yaml"))


def _read_selected(folder: Path, variables: Mapping[str, str]) -> str | None:
    """What ``pulumi stack select`` chose for this project; None where that is not plain.

    Pulumi keeps it, by backend, in ``workspaces/<project>-<SHA-1 of Pulumi.yaml's path>-workspace.json`` of its home.
    https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/workspace/workspace.go
    """
    home = Path(variables.get("PULUMI_HOME") or Path.home() / ".pulumi")
    # As Pulumi's own, and nothing that must withstand an attack.
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
    return _find_common(stacks.values()) or saved.get("stack")


def _find_common(candidates: Iterable[str]) -> str | None:
    """The one value, if they are all the same."""
    different = set(candidates)
    return different.pop() if len(different) == 1 else None


def _read_name(folder: Path, file: str, within: roots.Root) -> str:
    """The name at the top of the application's file, or of the project's, whatever else may be wrong in it."""
    place = diagnosis.SourceLocation(file)
    root = _parse_file(folder / file, file, within)
    entry = root.pairs.get("name") if isinstance(root, nodes.MappingNode) else None
    if entry is None or not isinstance(entry.node, nodes.ScalarNode) or not entry.node.text:
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(place, "name", "is missing", "add `name:`")])
    return entry.node.text


def _parse_file(path: Path, file: str, root: roots.Root) -> nodes.Node:
    if path.suffix != ".py" and "compose" not in path.name:
        hint = "it says the name in its line `name:`"
        return nodes.parse(root.read(path, "", diagnosis.SourceLocation(file), "", hint=hint), file)
    from seaway.project import load  # noqa: PLC0415 - whoever writes YAML need not wait for what reads the rest

    return load.parse_file(path, file, root)


def _read_pinned_name(folder: Path, name: str) -> str:
    """The name of the application in the release that a stack pins: the working tree may hold anything."""
    from seaway.project import environments  # noqa: PLC0415 - 0.1 s that a stack that builds need not pay

    return environments.read_pinned_release(folder, name).application.name
