"""The base images of a Dockerfile, and how an environment puts another in their place.

A build argument before the first FROM is the way that the Dockerfile itself offers:
``ARG BASE_IMAGE=python:3.12-slim`` and ``FROM ${BASE_IMAGE}``. The file is never rewritten.
https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact
"""

import dataclasses
import itertools
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Self

from seaway.model import image_reference
from seaway.project import images_lock
from seaway.syntax import diagnosis


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """An image that a stage starts from, or takes files from."""

    reference: str
    """As it is after the build arguments: what is pulled if nothing takes its place."""
    argument: str | None
    """The build argument that holds exactly this reference; none: it is written out."""
    line: int
    is_copy_source: bool = False
    """Whether no stage starts from it: COPY --from or RUN --mount takes files of it."""

    @property
    def is_pinned(self) -> bool:
        """Whether the Dockerfile itself has its digest."""
        return image_reference.get_digest(self.reference) is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BaseImages:
    """All base images of one Dockerfile, in the order of its lines."""

    file: str
    images: tuple[BaseImage, ...]

    @classmethod
    def parse(cls, text: str, *, file: str, args: Mapping[str, str] | None = None) -> Self:
        """Reads a Dockerfile. ``args`` are the build arguments of the application; they win over defaults."""
        values: dict[str, str] = {}
        stages: set[str] = {"scratch"}
        found: list[BaseImage] = []
        before = True
        for line, word, rest in _parse_instructions(text):
            if word == "ARG" and before:
                for name, default in _parse_arguments(rest):
                    values[name] = (args or {}).get(name, _expand(default, values))
            elif word == "FROM":
                before = False
                words = [each for each in rest.split() if not each.startswith("--")]
                reference = _expand(words[0], values) if words else ""
                if reference and reference.lower() not in stages:
                    alone = re.fullmatch(r"\$(?:\{(\w+)(?::?-[^}]*)?\}|(\w+))", words[0])
                    name = (alone[1] or alone[2]) if alone else None
                    found.append(BaseImage(reference=reference, argument=name if name in values else None, line=line))
                if len(words) == 3 and words[1].upper() == "AS":
                    stages.add(words[2].lower())
            elif word in {"COPY", "RUN"}:
                found += [
                    BaseImage(reference=name, argument=None, line=line, is_copy_source=True)
                    for name in _list_copy_sources(rest)
                ]
        # A stage may also be named by its number, and COPY may even name a later one.
        used = [base for base in found if not (base.is_copy_source and _is_stage(base.reference, stages))]
        return cls(file=file, images=tuple(used))

    @property
    def arguments(self) -> dict[str, str]:
        """The build arguments that hold base images, and what they hold without any substitute."""
        return {base.argument: base.reference for base in self.images if base.argument is not None}

    def apply_overrides(
        self, image_overrides: Mapping[str, str]
    ) -> tuple[dict[str, str], tuple[diagnosis.Diagnostic, ...]]:
        """Build arguments that put the substitutes in place, and a problem for each base that offers no way."""
        args: dict[str, str] = {}
        wrong: list[diagnosis.Diagnostic] = []
        for base in self.images:
            instead = image_reference.find_override(base.reference, image_overrides)
            if instead is None:
                continue
            if base.argument is not None:
                args[base.argument] = instead
                continue
            who = "this line" if base.is_copy_source else "FROM"
            text = f"this environment has a substitute for {base.reference}, but {who} names it"
            wrong.append(
                diagnosis.Diagnostic(diagnosis.SourceLocation(self.file, base.line), "", text, _format_hint(base))
            )
        return args, tuple(wrong)

    def find_unpinnable(self) -> dict[BaseImage, diagnosis.Diagnostic]:
        """The bases that no lock file can pin: without a build argument, and without a digest of their own."""
        return {
            base: self._report_unpinnable(base) for base in self.images if base.argument is None and not base.is_pinned
        }

    def _report_unpinnable(self, base: BaseImage) -> diagnosis.Diagnostic:
        wrong = f"{base.reference} is written out, so {images_lock.FILE_NAME} cannot pin it"
        return diagnosis.Diagnostic(diagnosis.SourceLocation(self.file, base.line), "", wrong, _format_hint(base))


def _format_hint(base: BaseImage) -> str:
    if base.is_copy_source:
        return (
            f"write `ARG COPIED_IMAGE={base.reference}` above the first FROM, "
            "`FROM ${COPIED_IMAGE} AS copied` as a stage above this one, and take the files from `copied` here"
        )
    return f"write `ARG BASE_IMAGE={base.reference}` above the first FROM, and `FROM ${{BASE_IMAGE}}` here"


def _is_stage(name: str, stages: Collection[str]) -> bool:
    return name.isdigit() or name.lower() in stages


def _list_copy_sources(rest: str) -> Iterator[str]:
    """What ``COPY --from=...`` and ``RUN --mount=...,from=...`` take files from: stages and images."""
    for flag in itertools.takewhile(lambda word: word.startswith("--"), rest.split()):
        name, _, value = flag.partition("=")
        if name == "--from":
            yield value
        elif name == "--mount":
            yield from (part.partition("=")[2] for part in value.split(",") if part.lower().startswith("from="))


def _parse_instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, instruction and the rest of each that may name an image.

    Continued lines are one, here-documents are passed over.
    """
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
        word, *others = " ".join(parts).split(maxsplit=1)
        rest = others[0] if others else ""
        parts = []
        if word.upper() in {"RUN", "COPY", "ADD"}:
            # Only where a word begins: `1<<2` and `<<<text` are the shell's.
            heredocs = re.findall(r"(?:^|\s)\d*<<-?[\"']?(\w+)[\"']?", rest)
        if word.upper() in {"ARG", "FROM", "COPY", "RUN"}:
            yield started, word.upper(), rest.strip()


def _parse_arguments(rest: str) -> Iterator[tuple[str, str]]:
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
