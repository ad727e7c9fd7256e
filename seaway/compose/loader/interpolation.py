"""Interpolates variables in a compose file.

https://docs.docker.com/reference/compose-file/interpolation/: ``$NAME``, ``${NAME}``; ``:-`` and ``-`` give a default,
``:?`` and ``?`` an error, ``:+`` and ``+`` an alternative, which may contain variables; ``$$`` is a ``$``.

An unset variable is empty, as with Docker Compose, and is reported. One difference: the environment of this process
sets no variable, and a variable that only this environment sets is an error.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping

from seaway.compose import report
from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

MAX_DEPTH = 20
MAX_CHARACTERS = 4_000_000
"""Of all texts of a project: variables that contain variables multiply."""

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_TEXT_KEYS = re.compile(r"\.(environment|command|entrypoint|working_dir|labels|healthcheck|args|content)(\.|$)")
"""Keys whose texts are no paths of the project."""
_BRACE = re.compile(r"[{}]")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")


Lookups = dict[diagnosis.SourceLocation, dict[str, str]]
"""The variables in the text at a location, with their values."""


class InterpolationError(Exception):
    """A text that cannot be interpolated."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclasses.dataclass(slots=True)
class Usage:
    """The size of all interpolated texts, and the unset variables."""

    characters: int = 0
    unset: dict[str, diagnosis.SourceLocation] = dataclasses.field(default_factory=dict[str, diagnosis.SourceLocation])
    """Location of the first use, by name."""
    folders: set[diagnosis.SourceLocation] = dataclasses.field(default_factory=set[diagnosis.SourceLocation])
    """The texts in which PWD is the folder of the file."""
    lookups: Lookups = dataclasses.field(default_factory=dict[diagnosis.SourceLocation, dict[str, str]], repr=False)

    def insert(self, name: str, text: str, location: diagnosis.SourceLocation) -> str:
        """The value of a variable, for a text at this location."""
        self.lookups.setdefault(location, {})[name] = text
        return self.count_text(text)

    def count_text(self, text: str) -> str:
        self.characters += len(text)
        if self.characters > MAX_CHARACTERS:
            message = f"the variables expand to more than {MAX_CHARACTERS} characters"
            raise InterpolationError("too-large", message, "shorten them")
        return text


@dataclasses.dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a project, or of an included project."""

    values: Mapping[str, str]
    usage: Usage = dataclasses.field(default_factory=Usage)
    env_file: str = ".env"
    """The file for a missing variable."""
    host_names: Collection[str] = ()
    """The names in the environment of this process."""

    def interpolate(self, text: str, location: diagnosis.SourceLocation, depth: int = 0) -> str:
        """The text with its variables. Raises InterpolationError."""
        if "$" not in text and not depth:
            return text
        if depth > MAX_DEPTH:
            message = f"variables are nested more than {MAX_DEPTH} levels deep"
            raise InterpolationError("nested-too-deep", message, "set a variable for the inner part")
        parts: list[str] = []
        position = 0
        while (dollar := text.find("$", position)) >= 0:
            parts.append(self.usage.count_text(text[position:dollar]))
            name = _NAME.match(text, dollar + 1)
            if text[dollar + 1 : dollar + 2] == "{":
                end = _find_closing_brace(text, dollar + 1)
                parts.append(self._expand_braces(text[dollar + 2 : end], location, depth))
                position = end + 1
            elif name:
                parts.append(self._look_up(name[0], location))
                position = name.end()
            else:
                parts.append("$")
                position = dollar + (2 if text[dollar + 1 : dollar + 2] == "$" else 1)
        parts.append(self.usage.count_text(text[position:]))
        return "".join(parts)

    def _expand_braces(self, inner: str, location: diagnosis.SourceLocation, depth: int) -> str:
        match = _NAME.match(inner)
        operator = next((sign for sign in _OPERATORS if match and inner.startswith(sign, match.end())), "")
        if not match or (not operator and match.end() < len(inner)):
            message = f"{diagnosis.quote('${' + inner + '}')} is not a valid variable"
            raise InterpolationError("invalid-variable", message, "write ${NAME}, ${NAME:-default}, or $$ for a $")
        name, rest = match[0], inner[match.end() + len(operator) :]
        if not operator:
            return self._look_up(name, location)
        text = self.values.get(name)
        is_set = bool(text) if operator.startswith(":") else text is not None
        if is_set and not operator.endswith("+"):
            return self.usage.insert(name, text or "", location)
        if operator.endswith("+") and not is_set:
            return ""
        expanded = self.interpolate(rest, location, depth + 1)
        if operator.endswith("-"):
            return self.usage.insert(name, expanded, location)
        if not operator.endswith("?"):
            return expanded
        message = f"the variable {name} is required" + (f": {diagnosis.quote(expanded)}" if expanded else "")
        raise InterpolationError("missing-variable", message, f"write {name}=... to {self.env_file}")

    def _look_up(self, name: str, location: diagnosis.SourceLocation) -> str:
        if name in self.values:
            return self.usage.insert(name, self.values[name], location)
        if name == "PWD":
            self.usage.folders.add(location)
            return "."  # the folder of the file, like every relative path
        if name in self.host_names:
            message = f"the variable {name} is set on this machine, not in the project"
            raise InterpolationError("missing-variable", message, format_hint(name, self.env_file))
        self.usage.unset.setdefault(name, location)
        return ""


def format_hint(name: str, env_file: str) -> str:
    """The hint for a variable without a value."""
    return (
        f"write {name}=... to {env_file}, or ${{{name}:-}} for a default, or $${name} for a variable of the container"
    )


def _find_closing_brace(text: str, start: int) -> int:
    depth = 0
    for match in _BRACE.finditer(text, start):
        depth += 1 if match[0] == "{" else -1
        if not depth:
            return match.start()
    message = f"{diagnosis.quote(text[start - 1 :])} has no closing }}"
    raise InterpolationError("invalid-variable", message, "close it, or write $$ for a $")


def apply(node: nodes.Node, variables: Variables, errors: tree.Errors, path: str = "") -> nodes.Node:
    """Interpolate all scalars, but no keys. The result of a variable is text."""
    if not isinstance(node, nodes.ScalarNode):
        return tree.map_children(node, lambda child, name: apply(child, variables, errors, tree.join(path, name)))
    text = node.text
    try:
        text = variables.interpolate(node.text, node.location)
    except InterpolationError as error:
        errors.add(node, path, error.code, error.message, error.hint)
    if node.location in variables.usage.folders and _TEXT_KEYS.search(path):
        message, hint = "is `.`, and with Docker Compose the folder on its host", "write a path of the container"
        outcome = report.KeyOutcome(
            location=node.location, path="${PWD}", kind="approximated", message=message, hint=hint
        )
        errors.outcomes.append(outcome)
    return node if text == node.text else nodes.ScalarNode(node.location, text)
