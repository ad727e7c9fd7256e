"""The base images of a Dockerfile, and how an environment puts another in their place.

A build argument before the first FROM is the way that the Dockerfile itself offers:
``ARG BASE_IMAGE=python:3.12-slim`` and ``FROM ${BASE_IMAGE}``. The file is never rewritten.
https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact
"""

import dataclasses
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Self

from seaway.model import problems


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An image that a stage starts from."""

    reference: str
    """As it is after the build arguments: what is pulled if nothing takes its place."""
    argument: str | None
    """The build argument that holds exactly this reference; none: it is written out in FROM."""
    line: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bases:
    """All base images of one Dockerfile, in the order of its stages."""

    file: str
    found: tuple[Base, ...]

    @classmethod
    def parse(cls, text: str, *, file: str, args: Mapping[str, str] | None = None) -> Self:
        """Reads a Dockerfile. ``args`` are the build arguments of the application; they win over defaults."""
        values: dict[str, str] = {}
        stages: set[str] = {"scratch"}
        found: list[Base] = []
        before = True
        for line, word, rest in _instructions(text):
            if word == "ARG" and before:
                for name, default in _arguments(rest):
                    values[name] = (args or {}).get(name, _expand(default, values))
            elif word == "FROM":
                before = False
                words = [each for each in rest.split() if not each.startswith("--")]
                reference = _expand(words[0], values) if words else ""
                if reference and reference.lower() not in stages:
                    alone = re.fullmatch(r"\$(?:\{(\w+)(?::?-[^}]*)?\}|(\w+))", words[0])
                    name = (alone[1] or alone[2]) if alone else None
                    found.append(Base(reference=reference, argument=name if name in values else None, line=line))
                if len(words) == 3 and words[1].upper() == "AS":
                    stages.add(words[2].lower())
        return cls(file=file, found=tuple(found))

    def substitute(self, substitutes: Mapping[str, str]) -> tuple[dict[str, str], tuple[problems.Problem, ...]]:
        """Build arguments that put the substitutes in place, and a problem for each base that offers no way."""
        args: dict[str, str] = {}
        wrong: list[problems.Problem] = []
        for base in self.found:
            if base.reference not in substitutes:
                continue
            if base.argument is not None:
                args[base.argument] = substitutes[base.reference]
                continue
            place = problems.Place(self.file, base.line)
            remedy = f"write `ARG BASE_IMAGE={base.reference}` above the first FROM, and `FROM ${{BASE_IMAGE}}` here"
            wrong.append(
                problems.Problem(
                    place, "", f"this environment has a substitute for {base.reference}, but FROM names it", remedy
                )
            )
        return args, tuple(wrong)


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, instruction and the rest of each ARG and FROM; continued lines are one, here-documents are passed over."""
    started, parts, heredocs = 0, list[str](), list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if heredocs:
            if line.strip() == heredocs[0]:
                heredocs.pop(0)
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        started = started if parts else number
        stripped = line.rstrip()
        parts.append(stripped.removesuffix("\\"))
        if stripped.endswith("\\"):
            continue
        word, _, rest = " ".join(parts).strip().partition(" ")
        parts = []
        if word.upper() in {"RUN", "COPY", "ADD"}:
            heredocs = re.findall(r"<<-?[\"']?(\w+)[\"']?", rest)
        if word.upper() in {"ARG", "FROM"}:
            yield started, word.upper(), rest.strip()


def _arguments(rest: str) -> Iterator[tuple[str, str]]:
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()  # an open quote: the builder will say so
    for word in words:
        name, _, default = word.partition("=")
        yield name, default


def _expand(text: str, values: Mapping[str, str]) -> str:
    """``$NAME``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME-default}``, as far as FROM allows them."""

    def value(match: re.Match[str]) -> str:
        name, default = match["plain"] or match["name"], match["default"] or ""
        return values.get(name) or default

    return re.sub(r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\})", value, text)
