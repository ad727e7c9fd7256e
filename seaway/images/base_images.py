"""The base images of a Dockerfile, and how an environment overrides them.

A Dockerfile offers an override with a build argument before the first FROM: ``ARG BASE_IMAGE=python:3.12-slim`` and
``FROM ${BASE_IMAGE}``. The file is never rewritten.
https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact
"""

import dataclasses
import itertools
import re
import shlex
import types
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

from seaway.files import roots
from seaway.images import build_files
from seaway.model import application, image_reference
from seaway.project import images_lock
from seaway.syntax import diagnosis, dockerfile

SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"
"""The build argument that overrides `# syntax=`, the image of the program that reads the Dockerfile.
https://docs.docker.com/build/buildkit/frontend/"""

_SYNTAX = re.compile(
    r"(?:#!.*\n)?(?:#[ \t]*(?:escape|check)[ \t]*=.*\n)*(?:#|//)[ \t]*syntax[ \t]*=[ \t]*(\S+)", re.IGNORECASE
)

_MAX_CHARACTERS = 1000
"""Of an image, with its arguments expanded: an argument that contains others twice grows without end."""

CONTEXT_IMAGE = "docker-image://"
"""Beginning of a named context that is an image."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """An image that a stage starts from or copies files from."""

    reference: str
    """With build arguments expanded, without overrides."""
    argument: str | None
    """The build argument that holds exactly this reference. None: the Dockerfile names the image itself."""
    line: int
    is_copy_source: bool = False
    """Whether only COPY --from or RUN --mount uses the image."""
    context: str | None = None
    """The named context of the build that holds the reference. None: the Dockerfile holds it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BaseImages:
    """All base images of one Dockerfile, in the order of its lines."""

    file: str
    images: tuple[BaseImage, ...]
    text: str
    """The Dockerfile."""

    @classmethod
    def load(cls, file: Path, build: application.Build, root: roots.Root) -> Self:
        """Read the base images of a build; ``file``: its Dockerfile, unless the Dockerfile is inline.

        Raises:
            FileNotFoundError: there is no such file.
        """
        text = build_files.load_text(file, root) if build.inline is None else build.inline
        shown = root.format_path(file)
        dockerfile.check_instructions(text, shown)
        return cls.parse(text, file=shown, args=build.args, contexts=build.contexts)

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        file: str,
        args: Mapping[str, str] | None = None,
        contexts: Mapping[str, str] = types.MappingProxyType({}),
    ) -> Self:
        """Parse a Dockerfile.

        Args:
            args: the build arguments of the application. They override defaults.
            contexts: the named contexts of the build. They replace images and stages of the same name.
                https://docs.docker.com/reference/cli/docker/buildx/build/#build-context
        """
        named = {image_reference.normalize(name): name for name in contexts}
        values: dict[str, str] = {}
        stages: set[str] = {"scratch"}
        images: list[BaseImage] = []
        before_first_from = True
        directive = _SYNTAX.match(text)
        if frontend := (args or {}).get(SYNTAX_ARGUMENT) or (directive and directive[1]):
            line = text.count("\n", 0, directive.start(1)) + 1 if directive else 1
            images.append(BaseImage(reference=frontend, argument=SYNTAX_ARGUMENT, line=line))
        for line, word, rest in dockerfile.parse_instructions(text):
            if word == "ARG" and before_first_from:
                for name, default in _parse_arguments(rest):
                    values[name] = (args or {}).get(name, _expand(default, values))
            elif word == "FROM":
                before_first_from = False
                declared, stage = dockerfile.parse_from(rest)
                reference = _expand(declared, values)
                if stage and image_reference.normalize(stage) in named:
                    images.append(BaseImage(reference=stage, argument=None, line=line))
                elif reference and reference.lower() not in stages:
                    variable = re.fullmatch(r"\$(?:\{(\w+)(?::?-[^}]*)?\}|(\w+))", declared)
                    name = (variable[1] or variable[2]) if variable else None
                    images.append(BaseImage(reference=reference, argument=name if name in values else None, line=line))
                if stage:
                    stages.add(stage)
            elif word in {"COPY", "RUN"}:
                images += [
                    BaseImage(reference=name, argument=None, line=line, is_copy_source=True)
                    for name in _list_copy_sources(rest)
                ]
        # COPY may name a stage by its number, and even a later stage.
        used = [image for image in images if not (image.is_copy_source and _is_stage(image.reference, stages))]
        resolved = (_resolve_context(image, named, contexts) for image in used)
        return cls(file=file, images=tuple(image for image in resolved if image), text=text)

    @property
    def arguments(self) -> dict[str, str]:
        """The build arguments that hold base images, with the references that the Dockerfile has."""
        return {image.argument: image.reference for image in self.images if image.argument is not None}

    def apply_overrides(self, image_overrides: Mapping[str, str]) -> dict[str, str]:
        """The build arguments that apply the overrides."""
        args: dict[str, str] = {}
        diagnostics: list[diagnosis.Diagnostic] = []
        for image in self.images:
            override = image_reference.find_override(image.reference, image_overrides)
            if override is None or image.context is not None:
                continue
            if image.argument is not None:
                args[image.argument] = override
                continue
            message = (
                f"this environment overrides {image.reference}, but"
                f" {'this line' if image.is_copy_source else 'FROM'} names it without a build argument"
            )
            diagnostics.append(self._report(image, "fixed-base-image", message))
        if diagnostics:
            raise diagnosis.InvalidInput(diagnostics)
        return args

    def find_unpinnable(self) -> dict[BaseImage, diagnosis.Diagnostic]:
        """The images that the lock file cannot pin: without a build argument, and without a digest of their own."""
        message = f"is not in a build argument, so {images_lock.FILE_NAME} cannot pin it"
        return {
            image: self._report(image, "unpinnable-image", f"{image.reference} {message}")
            for image in self.images
            if image.argument is None and image.context is None and image_reference.get_digest(image.reference) is None
        }

    @property
    def context_images(self) -> dict[str, str]:
        """The images that named contexts hold, by context."""
        return {image.context: image.reference for image in self.images if image.context is not None}

    def _report(self, image: BaseImage, code: str, message: str) -> diagnosis.Diagnostic:
        if image.is_copy_source:
            hint = (
                f"write `ARG COPIED_IMAGE={image.reference}` above the first FROM,"
                " `FROM ${COPIED_IMAGE} AS copied` as a stage above this one, and copy the files from `copied` here"
            )
        else:
            hint = f"write `ARG BASE_IMAGE={image.reference}` above the first FROM, and `FROM ${{BASE_IMAGE}}` here"
        return diagnosis.Diagnostic(diagnosis.SourceLocation(self.file, image.line), "", message, hint, code)


def _resolve_context(image: BaseImage, named: Mapping[str, str], contexts: Mapping[str, str]) -> BaseImage | None:
    """The image that is used where a named context has its name; None: none, it is a folder or another source."""
    name = named.get(image_reference.normalize(image.reference))
    if name is None:
        return image
    if not contexts[name].startswith(CONTEXT_IMAGE):
        return None
    return dataclasses.replace(image, reference=contexts[name].removeprefix(CONTEXT_IMAGE), argument=None, context=name)


def _is_stage(name: str, stages: Collection[str]) -> bool:
    return name.isdigit() or name.lower() in stages


def _list_copy_sources(rest: str) -> Iterator[str]:
    """The stages and images that ``COPY --from=...`` and ``RUN --mount=...,from=...`` name."""
    for flag in itertools.takewhile(lambda word: word.startswith("--"), rest.split()):
        name, _, value = flag.partition("=")
        if name == "--from":
            yield value
        elif name == "--mount":
            yield from (part.partition("=")[2] for part in value.split(",") if part.lower().startswith("from="))


def _parse_arguments(rest: str) -> Iterator[tuple[str, str]]:
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()  # An open quote: the builder reports it.
    for word in words:
        name, _, default = word.partition("=")
        yield name, default


def _expand(text: str, values: Mapping[str, str]) -> str:
    """Expand ``$NAME``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME-default}``, which FROM allows."""

    def value(match: re.Match[str]) -> str:
        name, default = match["plain"] or match["name"], match["default"] or ""
        return values.get(name) or default

    pattern = r"\$(?:(?P<plain>\w+)|\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\})"
    return re.sub(pattern, value, text[:_MAX_CHARACTERS])[:_MAX_CHARACTERS]
