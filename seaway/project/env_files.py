"""The files that ``envFile`` names: `NAME=value` per line, as `docker compose` reads them, except for `${...}`.

https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax

A value is the text in the file. Nothing of the machine that reads it is added: a name without `=` is refused, and a `$`
means a `$`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seaway.files import working_tree
from seaway.kubernetes.api import references
from seaway.model import application
from seaway.model.validate import mounts
from seaway.syntax import diagnosis, dotenv

_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def read_env_files(
    app: application.Application, locations: diagnosis.SourceLocations, tree: working_tree.WorkingTree | None
) -> tuple[application.Application, list[diagnosis.Diagnostic]]:
    """The application with the values of its files in ``env``, where its own values win, and the errors in the files.

    They are files of ``tree``. None: the application is that of a release, which has all values and reads no files.
    """
    diagnostics: list[diagnosis.Diagnostic] = []

    def merge_files(path: str, container_spec: application.ContainerSpec) -> Mapping[str, Any]:
        files = container_spec.env_file
        paths = {f"{path}.envFile.{number}": file for number, file in enumerate(files)}
        if isinstance(files, str):
            paths = {f"{path}.envFile": files}
        values: dict[str, str] = {}
        for key_path, file in paths.items():
            values |= _read_env_file(file, key_path, locations, tree, diagnostics)
        return {"env": {**values, **container_spec.env}, "env_file": ()} if files else {}

    return app.replace_containers(merge_files), diagnostics


def _read_env_file(
    file: str,
    key_path: str,
    locations: diagnosis.SourceLocations,
    tree: working_tree.WorkingTree | None,
    diagnostics: list[diagnosis.Diagnostic],
) -> Mapping[str, str]:
    if tree is None:
        message = f"{diagnosis.quote(file)} is a file of the working tree, and this stack deploys a release"
        hint = "write its values here, below `env`"
        diagnostics.append(locations.at(key_path).report("file-in-release", message, hint))
        return {}
    try:
        path, subject = tree.folder / file, diagnosis.quote(file)
        hint = mounts.RELATIVE_PATH_HINT
        text = tree.root.read(path, subject, locations.find(key_path), key_path, hint=hint).decode("utf-8-sig")
    except UnicodeDecodeError:
        message = f"{file} is not UTF-8 text"
        diagnostics.append(locations.at(key_path).report("invalid-encoding", message, "save it as UTF-8"))
        return {}
    except diagnosis.InvalidInput as error:
        diagnostics.extend(error.diagnostics)
        return {}
    display_path = str(Path(locations.origin.file).parent / file)
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for variable in dotenv.parse(text, display_path, key_path, diagnostics):
        if refusal := _check_assignment(variable, lines):
            location = diagnosis.SourceLocation(display_path, variable.line, 1)
            diagnostics.append(diagnosis.Diagnostic(location, key_path, *refusal))
            continue
        value = variable.text or ""
        value = dotenv.unescape(value) if variable.quote == '"' else value
        values[variable.name] = references.quote(value)
        lines[variable.name] = variable.line
    return values


def _check_assignment(variable: dotenv.Assignment, lines: Mapping[str, int]) -> tuple[str, str, str] | None:
    """Message, hint and code of an error; ``lines`` has the variables before it. Docker Compose is less strict here."""
    name = variable.name
    if variable.sign != "=" or name != name.rstrip():
        hint = "write NAME=value, without blanks around the =; a comment begins with #"
        return "is not NAME=value", hint, "invalid-assignment"
    if not _NAME.fullmatch(name):
        message = f"{diagnosis.quote(name)} is not a valid name of an environment variable"
        return message, "use letters, digits, _, - and .; the first character is not a digit", "invalid-name"
    if name in lines:
        return f"{name} is in line {lines[name]} too", "remove one of the two", "duplicate-name"
    return None
