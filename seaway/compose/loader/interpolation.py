"""Variables in the values of a Compose file.

https://docs.docker.com/reference/compose-file/interpolation/: ``$NAME``, ``${NAME}``, with ``:-`` ``-`` a default,
``:?`` ``?`` an error, ``:+`` ``+`` another text; what follows the sign may have variables again; ``$$`` is a ``$``.

A variable that is set nowhere is an empty text, as with Docker Compose, and it is told. One difference: what the
environment of whoever runs this has is no value; a variable that is found only there is wrong.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping

from seaway.compose.loader import tree
from seaway.syntax import diagnosis, nodes

MAX_DEPTH = 20
MAX_CHARACTERS = 4_000_000
"""Of all values of one project together: variables that name variables multiply."""

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")


class InterpolationError(Exception):
    """A text that cannot be interpolated: what is wrong with it, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclasses.dataclass(slots=True)
class Usage:
    """What interpolation has written, and not found."""

    characters: int = 0
    unset: dict[str, diagnosis.SourceLocation] = dataclasses.field(default_factory=dict[str, diagnosis.SourceLocation])
    """The variables that are set nowhere, and where each is used first."""
    pending: list[str] = dataclasses.field(default_factory=list[str])

    def record_use(self, location: diagnosis.SourceLocation) -> None:
        """What was just met is used there."""
        for name in self.pending:
            self.unset.setdefault(name, location)
        self.pending.clear()

    def count_text(self, text: str) -> str:
        self.characters += len(text)
        if self.characters > MAX_CHARACTERS:
            raise InterpolationError(
                f"all variables together become more than {MAX_CHARACTERS} characters", "shorten them"
            )
        return text


@dataclasses.dataclass(frozen=True, slots=True)
class Variables:
    """The variables of one project, or of one that it includes."""

    values: Mapping[str, str]
    usage: Usage = dataclasses.field(default_factory=Usage)
    env_file: str = ".env"
    """The file that a missing variable belongs into."""
    host_names: Collection[str] = ()
    """Names of what the environment of this process has: nothing of it is taken."""

    def interpolate(self, text: str) -> str:
        """The text with its variables. Raises WrongError."""
        return self._interpolate(text, 0) if "$" in text else text

    def _interpolate(self, text: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise InterpolationError(
                f"variables are nested more than {MAX_DEPTH} deep", "set a variable for the inner part"
            )
        done: list[str] = []
        at = 0
        while (sign := text.find("$", at)) >= 0:
            done.append(self.usage.count_text(text[at:sign]))
            following = text[sign + 1 : sign + 2]
            name = _NAME.match(text, sign + 1)
            if following == "$":
                done.append("$")
                at = sign + 2
            elif following == "{":
                end = _find_closing_brace(text, sign + 1)
                done.append(self._expand_braces(text[sign + 2 : end], depth))
                at = end + 1
            elif name:
                done.append(self._look_up(name[0]))
                at = name.end()
            else:
                done.append("$")
                at = sign + 1
        done.append(self.usage.count_text(text[at:]))
        return "".join(done)

    def _expand_braces(self, inner: str, depth: int) -> str:
        name = _NAME.match(inner)
        sign = next((sign for sign in _OPERATORS if name and inner.startswith(sign, name.end())), "")
        if not name or (not sign and name.end() < len(inner)):
            shown = diagnosis.quote("${" + inner + "}")
            raise InterpolationError(f"{shown} is no variable", "write ${NAME}, ${NAME:-default}, or $$ for a $")
        if not sign:
            return self._look_up(name[0])
        value = self.values.get(name[0])
        there = bool(value) if sign.startswith(":") else value is not None
        rest = inner[name.end() + len(sign) :]
        if sign.endswith("+"):
            return self._interpolate(rest, depth + 1) if there else ""
        if there:
            return self.usage.count_text(value or "")
        if sign.endswith("-"):
            return self._interpolate(rest, depth + 1)
        said = self._interpolate(rest, depth + 1)
        wrong = f"the variable {name[0]} is required" + (f": {diagnosis.quote(said)}" if said else "")
        raise InterpolationError(wrong, f"write {name[0]}=... into {self.env_file}")

    def _look_up(self, name: str) -> str:
        if name in self.values:
            return self.usage.count_text(self.values[name])
        if name in self.host_names:
            wrong = f"the variable {name} is one of this machine, and none of the project"
            raise InterpolationError(wrong, format_hint(name, self.env_file))
        self.usage.pending.append(name)
        return ""


def format_hint(name: str, env_file: str) -> str:
    """What to do where a variable has no value."""
    return (
        f"write {name}=... into {env_file}, or ${{{name}:-}} with a default; $${name} where the container replaces it"
    )


def _find_closing_brace(text: str, start: int) -> int:
    """Where the brace at ``at`` is closed."""
    depth = 0
    for found in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.start()
    shown = diagnosis.quote(text[start - 1 :])
    raise InterpolationError(f"{shown} has no }} at its end", "close it, or write $$ for a $")


def apply(node: nodes.Node, variables: Variables, found: list[diagnosis.Diagnostic], path: str = "") -> nodes.Node:
    """The node with its values interpolated; keys stay. What comes from a variable is text."""
    match node:
        case nodes.ScalarNode():
            try:
                text = variables.interpolate(node.text)
            except InterpolationError as error:
                found.append(diagnosis.Diagnostic(node.location, path, error.message, error.hint))
                return node
            variables.usage.record_use(node.location)
            return node if text == node.text else nodes.ScalarNode(node.location, text)
        case nodes.MappingNode(pairs=entries):
            entered = {
                name: nodes.Pair(entry.location, apply(entry.node, variables, found, tree.join(path, name)))
                for name, entry in entries.items()
            }
            return nodes.MappingNode(node.location, entered)
        case nodes.SequenceNode(items=items):
            inner = (apply(item, variables, found, tree.join(path, number)) for number, item in enumerate(items))
            return nodes.SequenceNode(node.location, tuple(inner))
        case _:
            return node
