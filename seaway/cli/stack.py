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
class Stack:
    """One environment of one application, and where it runs."""

    name: str
    context: str
    """Of the kubeconfig."""
    app: str
    """Name of the application."""
    namespace: str
    folder: Path
    """Of the project: where Pulumi.yaml stands."""


def add(parser: argparse.ArgumentParser) -> None:
    """The option that ``find`` reads."""
    told = "the stack [$PULUMI_STACK, the one that pulumi stack select chose, or the only one]"
    parser.add_argument("-s", "--stack", metavar="STACK", help=told)


def find(arguments: argparse.Namespace) -> Stack:
    """The stack that a command line means, in the project of the working directory.

    Raises:
        problems.Invalid: no project, no stack, or a file of theirs that cannot be read.
    """
    folder = project(Path.cwd())
    return named(folder, arguments.stack or _chosen(folder, os.environ), _say(folder))


def named(folder: Path, name: str, remedy: str | None = None) -> Stack:
    """A stack of the project in ``folder``.

    Raises:
        problems.Invalid: there is no such stack (see ``known``), or a file of its cannot be read.
    """
    values = stack_file.read(known(folder, name, remedy))
    context = values.entries.get("context")
    if context is None or not isinstance(context.node, nodes.Scalar):
        remedy = "pulumi config set seaway:context <value>"
        raise diagnosis.Invalid([diagnosis.Problem(values.place, "seaway:context", "is not set", remedy)])
    said = settings.Settings(stack=name, context=context.node.text)
    if stack_file.builds(values):
        app = _name(folder, stack_file.app(values), stack_file.find_root(values, folder))
    else:
        app = _pinned(folder, name)
    return Stack(name=name, context=said.context, app=app, namespace=said.namespace(app), folder=folder)


def known(folder: Path, name: str, remedy: str | None = None) -> Path:
    """The file of a stack.

    Raises:
        problems.Invalid: there is no such stack; ``remedy`` says what to do, or the stacks that there are do.
    """
    file = folder / f"Pulumi.{name}.yaml"
    if file.is_file():
        return file
    there = everyone(folder)
    remedy = remedy or (f"there are: {', '.join(there)}" if there else "pulumi stack init <stack> begins one")
    wrong = f"there is no stack {diagnosis.quoted(name)}"
    raise diagnosis.Invalid([diagnosis.Problem(diagnosis.Place(file.name), "", wrong, remedy)])


def project(start: Path) -> Path:
    """The nearest folder with a Pulumi.yaml, as Pulumi looks for it.

    Raises:
        problems.Invalid: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / PROJECT).is_file():
            return folder
    problem = diagnosis.Problem(diagnosis.Place(str(start)), "", f"no {PROJECT} here or above", "cd to your checkout")
    raise diagnosis.Invalid([problem])


def _chosen(folder: Path, environment: Mapping[str, str]) -> str:
    """The stack that is not named on the command line."""
    there = everyone(folder)
    # The full name is organization/project/stack.
    selected = (environment.get("PULUMI_STACK") or _selected(folder, environment) or "").rpartition("/")[2]
    if selected:
        return selected
    if len(there) == 1:
        return there[0]
    wrong = "no stack is chosen" if there else "there is no stack"
    raise diagnosis.Invalid([diagnosis.Problem(diagnosis.Place(str(folder)), "", wrong, _say(folder))])


def _say(folder: Path) -> str:
    there = everyone(folder)
    return f"say which with --stack: {', '.join(there)}" if there else "pulumi stack init <stack> begins one"


def everyone(folder: Path) -> list[str]:
    """The stacks that have a file."""
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in folder.glob("Pulumi.*.yaml"))


def _selected(folder: Path, environment: Mapping[str, str]) -> str | None:
    """What ``pulumi stack select`` chose for this project; None where that is not plain.

    Pulumi keeps it, by backend, in ``workspaces/<project>-<SHA-1 of Pulumi.yaml's path>-workspace.json`` of its home.
    https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/workspace/workspace.go
    """
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    # As Pulumi's own, and nothing that must withstand an attack.
    path = hashlib.sha1(str(folder / PROJECT).encode(), usedforsecurity=False).hexdigest()
    file = home / "workspaces" / f"{_name(folder, PROJECT, roots.Root(folder))}-{path}-workspace.json"
    try:
        saved: dict[str, Any] = json.loads(file.read_bytes())
        stacks: dict[str, str] = saved.get("stacks") or {}
    except (OSError, ValueError, AttributeError):
        return None
    backend = environment.get("PULUMI_BACKEND_URL")
    if backend in stacks:
        return stacks[backend]
    return _only(stacks.values()) or saved.get("stack")


def _only(found: Iterable[str]) -> str | None:
    """The one value, if they are all the same."""
    different = set(found)
    return different.pop() if len(different) == 1 else None


def _name(folder: Path, file: str, within: roots.Root) -> str:
    """The name at the top of the application's file, or of the project's, whatever else may be wrong in it."""
    place = diagnosis.Place(file)
    root = _written(folder / file, file, within)
    entry = root.entries.get("name") if isinstance(root, nodes.Table) else None
    if entry is None or not isinstance(entry.node, nodes.Scalar) or not entry.node.text:
        raise diagnosis.Invalid([diagnosis.Problem(place, "name", "is missing", "add `name:`")])
    return entry.node.text


def _written(path: Path, file: str, within: roots.Root) -> nodes.Node:
    if path.suffix != ".py" and "compose" not in path.name:
        hint = "it says the name in its line `name:`"
        return nodes.parse(within.read(path, "", diagnosis.Place(file), "", hint=hint), file)
    from seaway.project import load  # noqa: PLC0415 - whoever writes YAML need not wait for what reads the rest

    return load.parsed(path, file, within)


def _pinned(folder: Path, name: str) -> str:
    """The name of the application in the release that a stack pins: the working tree may hold anything."""
    from seaway.release import project as projects  # noqa: PLC0415 - 0.1 s that a stack that builds need not pay

    return projects.read_pinned(folder, name).application.name
