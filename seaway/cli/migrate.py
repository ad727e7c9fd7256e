"""``seaway migrate``: rewrites app.yaml and the stacks' files of version 0.1.0 with today's keys.

Without ``--write`` it prints the changes as a diff, and changes nothing. Comments and layout stay. Releases, records
and lock files are not rewritten: this version reads them as they are.

Exit codes: 0, done; 1, some lines must be changed by hand, listed on stderr; 2, a file cannot be read or is not YAML.
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from seaway.cli import command, display, stack
from seaway.files import roots, writer
from seaway.project import load, migration, python_program, stack_file
from seaway.syntax import diagnosis, yaml_parser


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file, as it is and as it would be. ``root``: the folder that it may be read and written in."""

    name: str
    path: Path
    root: roots.Root
    text: str
    migration: migration.Migration


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--write", action="store_true", help="write the files [print the changes as a diff]")


def run(arguments: argparse.Namespace) -> int:
    folder = stack.find_project_folder(Path.cwd())
    undecided: list[diagnosis.Diagnostic] = []
    files = list(_migrate(folder, undecided))
    changed = [file for file in files if file.migration.text != file.text]
    for file in changed:
        if arguments.write:
            writer.write_file(file.root.folder, file.path, file.migration.text)
            print(f"{file.name} is rewritten")
        else:
            display.print_diff(file.name, file.text, file.migration.text)
    if not changed:
        print("All files have the keys of this version.")
    elif not arguments.write:
        print("Nothing is written yet: seaway migrate --write", file=sys.stderr)
    for diagnostic in undecided:
        print(diagnostic, file=sys.stderr)
    return command.FAILURE if undecided else command.SUCCESS


def _migrate(folder: Path, undecided: list[diagnosis.Diagnostic]) -> Iterator[_File]:
    """The stacks' files, then the applications that they name, each once."""
    applications: dict[str, roots.Root] = {}
    for name in stack.list_names(folder):
        file = f"Pulumi.{name}.yaml"
        for application_name in stack_file.list_applications(folder / file):
            values = stack_file.read_config(folder / file, application_name)
            app = stack_file.get_app_path(values)
            if stack_file.is_building(values) or os.path.lexists(folder / app):
                applications[app] = stack_file.find_root(values, folder)
        yield _read(folder, file, roots.Root(folder), undecided)
    for name, root in applications.items():
        if load.is_compose_file(folder / name):
            continue  # its keys are those of Docker Compose
        if name.endswith(python_program.SUFFIX):
            hint = "rename its arguments by hand; the table is in CHANGELOG.md"
            location, message = diagnosis.SourceLocation(name), "is a program in Python"
            undecided.append(diagnosis.Diagnostic(location, "", message, hint, "manual-migration"))
            continue
        yield _read(folder, name, root, undecided)


def _read(folder: Path, name: str, root: roots.Root, undecided: list[diagnosis.Diagnostic]) -> _File:
    hint = "name the application's file in seaway:app"
    # A link is followed, and the file that it leads to is written.
    path = root.resolve_path(folder / name, "the file", diagnosis.SourceLocation(name), "")
    content = root.read(path, "the file", diagnosis.SourceLocation(name), "", hint=hint)
    yaml_parser.parse(content, name)  # refuses what is not UTF-8
    text = content.decode()
    shape = migration.STACK_FILE if name.startswith("Pulumi.") else migration.APPLICATION
    result = migration.migrate(text, name, shape)
    undecided += result.undecided
    return _File(name=name, path=path, root=root, text=text, migration=result)
