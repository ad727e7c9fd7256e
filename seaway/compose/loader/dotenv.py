"""Reads files of environment variables for Docker Compose: `.env`, and those of `env_file` and `label_file`.

https://docs.docker.com/reference/compose-file/services/#env_file-format. Other than in an application's `envFile`,
values may have variables, and a name without a value takes that of the project.
"""

import collections
import dataclasses
from collections.abc import Mapping

from seaway.compose.loader import interpolation, tree
from seaway.syntax import diagnosis, dotenv, nodes

MAX_BYTES = 1_000_000


def decode_text(content: bytes, location: diagnosis.SourceLocation, path: str) -> str:
    """The text of a file. Raises diagnosis.InvalidInput."""
    if len(content) > MAX_BYTES:
        message, hint = f"has {len(content)} bytes", f"keep it under {MAX_BYTES} bytes; move long texts to files"
        raise diagnosis.reject(location, path, "file-too-large", message, hint)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text (byte {error.start})"
        raise diagnosis.reject(location, path, "invalid-encoding", message, "save it as UTF-8") from None


def parse(text: str, file: str, path: str, variables: interpolation.Variables) -> Mapping[str, nodes.ScalarNode]:
    """Variables at their lines. A later line wins, and can use earlier lines; variables of the project win over both.

    Raises diagnosis.InvalidInput.
    """
    errors = tree.Errors()
    scalars: dict[str, nodes.ScalarNode] = {}
    earlier: dict[str, str] = {}
    visible = dataclasses.replace(variables, values=collections.ChainMap(dict(variables.values), earlier))
    for assignment in dotenv.parse(text, file, path, errors.diagnostics):
        name, location = assignment.name.rstrip(), diagnosis.SourceLocation(file, assignment.line, 1)
        scalar, raw = nodes.ScalarNode(location, variables.values.get(name, "")), assignment.text
        if raw is None and name not in variables.values:
            if name in variables.host_names:
                message = f"the variable {name} is set on this machine, not in the project"
                hint = f"write {name}=... with its value, or remove the line"
                errors.add(scalar, path, "missing-variable", message, hint)
            continue
        if raw is not None:
            if assignment.quote == '"':
                raw = dotenv.unescape(raw, dollar="$$")
            try:
                text = raw if assignment.quote == "'" else visible.interpolate(raw, location)
            except interpolation.InterpolationError as error:
                errors.add(scalar, path, error.code, f"{name}: {error.message}", error.hint)
                continue
            scalar = nodes.ScalarNode(location, text)
        scalars[name], earlier[name] = scalar, scalar.text
    errors.raise_if_any()
    return scalars


def parse_raw(text: str, file: str, path: str, variables: interpolation.Variables) -> Mapping[str, nodes.ScalarNode]:
    """The same for `format: raw`: the value is everything after the first `=`."""
    errors = tree.Errors()
    scalars: dict[str, nodes.ScalarNode] = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, sign, raw = line.lstrip().partition("=")
        scalar = nodes.ScalarNode(diagnosis.SourceLocation(file, number, 1), raw)
        if not name.strip() and sign:
            errors.add(scalar, path, "invalid-assignment", "is not NAME=value", "write a name before the =")
        elif not name.strip() or name.startswith("#"):
            continue
        elif any(letter.isspace() for letter in name):
            errors.add(scalar, path, "invalid-assignment", "is not NAME=value", "write the name without blanks")
        elif sign:
            scalars[name] = scalar
        elif name in variables.values:
            scalars[name] = nodes.ScalarNode(scalar.location, variables.values[name])
    errors.raise_if_any()
    return scalars
