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
_SIGNS = (":-", ":?", ":+", "-", "?", "+")


class WrongError(Exception):
    """A text that cannot be interpolated: what is wrong with it, and what to do."""

    def __init__(self, wrong: str, remedy: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.remedy = remedy


@dataclasses.dataclass(slots=True)
class Spent:
    """What interpolation has written, and not found."""

    characters: int = 0
    unset: dict[str, diagnosis.Place] = dataclasses.field(default_factory=dict[str, diagnosis.Place])
    """The variables that are set nowhere, and where each is used first."""
    fresh: list[str] = dataclasses.field(default_factory=list[str])

    def met(self, place: diagnosis.Place) -> None:
        """What was just met is used there."""
        for name in self.fresh:
            self.unset.setdefault(name, place)
        self.fresh.clear()

    def add(self, text: str) -> str:
        self.characters += len(text)
        if self.characters > MAX_CHARACTERS:
            raise WrongError(f"all variables together become more than {MAX_CHARACTERS} characters", "shorten them")
        return text


@dataclasses.dataclass(frozen=True, slots=True)
class Variables:
    """The variables of one project, or of one that it includes."""

    values: Mapping[str, str]
    spent: Spent = dataclasses.field(default_factory=Spent)
    where: str = ".env"
    """The file that a missing variable belongs into."""
    host: Collection[str] = ()
    """Names of what the environment of this process has: nothing of it is taken."""

    def substituted(self, text: str) -> str:
        """The text with its variables. Raises WrongError."""
        return self._text(text, 0) if "$" in text else text

    def _text(self, text: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise WrongError(f"variables are nested more than {MAX_DEPTH} deep", "set a variable for the inner part")
        done: list[str] = []
        at = 0
        while (sign := text.find("$", at)) >= 0:
            done.append(self.spent.add(text[at:sign]))
            following = text[sign + 1 : sign + 2]
            name = _NAME.match(text, sign + 1)
            if following == "$":
                done.append("$")
                at = sign + 2
            elif following == "{":
                end = _closing(text, sign + 1)
                done.append(self._braced(text[sign + 2 : end], depth))
                at = end + 1
            elif name:
                done.append(self._value(name[0]))
                at = name.end()
            else:
                done.append("$")
                at = sign + 1
        done.append(self.spent.add(text[at:]))
        return "".join(done)

    def _braced(self, inner: str, depth: int) -> str:
        name = _NAME.match(inner)
        sign = next((sign for sign in _SIGNS if name and inner.startswith(sign, name.end())), "")
        if not name or (not sign and name.end() < len(inner)):
            shown = diagnosis.quoted("${" + inner + "}")
            raise WrongError(f"{shown} is no variable", "write ${NAME}, ${NAME:-default}, or $$ for a $")
        if not sign:
            return self._value(name[0])
        value = self.values.get(name[0])
        there = bool(value) if sign.startswith(":") else value is not None
        rest = inner[name.end() + len(sign) :]
        if sign.endswith("+"):
            return self._text(rest, depth + 1) if there else ""
        if there:
            return self.spent.add(value or "")
        if sign.endswith("-"):
            return self._text(rest, depth + 1)
        said = self._text(rest, depth + 1)
        wrong = f"the variable {name[0]} is required" + (f": {diagnosis.quoted(said)}" if said else "")
        raise WrongError(wrong, f"write {name[0]}=... into {self.where}")

    def _value(self, name: str) -> str:
        if name in self.values:
            return self.spent.add(self.values[name])
        if name in self.host:
            wrong = f"the variable {name} is one of this machine, and none of the project"
            raise WrongError(wrong, missing(name, self.where))
        self.spent.fresh.append(name)
        return ""


def missing(name: str, where: str) -> str:
    """What to do where a variable has no value."""
    return f"write {name}=... into {where}, or ${{{name}:-}} with a default; $${name} where the container replaces it"


def _closing(text: str, at: int) -> int:
    """Where the brace at ``at`` is closed."""
    depth = 0
    for found in re.compile(r"[{}]").finditer(text, at):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.start()
    shown = diagnosis.quoted(text[at - 1 :])
    raise WrongError(f"{shown} has no }} at its end", "close it, or write $$ for a $")


def apply(node: nodes.Node, variables: Variables, found: list[diagnosis.Problem], path: str = "") -> nodes.Node:
    """The node with its values interpolated; keys stay. What comes from a variable is text."""
    match node:
        case nodes.Scalar():
            try:
                text = variables.substituted(node.text)
            except WrongError as error:
                found.append(diagnosis.Problem(node.place, path, error.wrong, error.remedy))
                return node
            variables.spent.met(node.place)
            return node if text == node.text else nodes.Scalar(node.place, text)
        case nodes.Table(entries=entries):
            entered = {
                name: nodes.Entry(entry.place, apply(entry.node, variables, found, tree.join(path, name)))
                for name, entry in entries.items()
            }
            return nodes.Table(node.place, entered)
        case nodes.Items(items=items):
            inner = (apply(item, variables, found, tree.join(path, number)) for number, item in enumerate(items))
            return nodes.Items(node.place, tuple(inner))
        case _:
            return node
