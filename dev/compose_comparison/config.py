"""Writes docs/compose-config.md: how Seaway and Docker Compose read each project."""

import dataclasses
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from dev.compose_comparison import docker, normal_form, projects, rejections
from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import diagnosis

HEAD = """\
# How Docker Compose and Seaway read compose files

`docker compose config` (version {version}, without a Docker daemon) and Seaway read every project of the corpus and of
the examples. The two documents are equal, except for the differences below. A test checks this page. Do not edit it:
`make compose-config` writes it.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of a project."""

    name: str
    unexpected: Sequence[str]
    """Unintended differences."""
    intended: Sequence[normal_form.Difference]


def compare(name: str, files: Sequence[Path]) -> Comparison:
    """Read a project with both. Raises diagnosis.InvalidInput: Seaway rejects it."""
    result = docker.run_config(files, profiles=["*"], environment=projects.ENVIRONMENT)
    if result.printed is None:
        return Comparison(name=name, unexpected=[f"Docker rejects it: {result.error}"], intended=[])
    folder = files[0].parent
    project = loader.load(files, within=roots.Root(folder), profiles=["*"], environment=projects.ENVIRONMENT)
    ours, theirs = normal_form.normalize_ours(project, folder), normal_form.normalize_theirs(result.printed)
    unexpected = normal_form.list_differences(ours, theirs, normal_form.DIFFERENCES)
    intended = [] if unexpected else normal_form.find_intended(ours, theirs)
    return Comparison(name=name, unexpected=unexpected, intended=intended)


def list_errors(text: str) -> tuple[str, str]:
    """Return the first errors of Docker and of Seaway for a project; an empty text if it is accepted."""
    with tempfile.TemporaryDirectory() as folder:
        file = rejections.write_project(text, Path(folder))
        result = docker.run_config([file])
        lines = result.error.splitlines()
        line = lines[0 if lines[:1] and lines[0].startswith("panic") else -1] if result.printed is None else ""
        theirs = line.strip().replace(f"{folder}/", "")
        # Docker Compose names any of the services: another one in another run.
        theirs = re.sub(r"^services\.\w+(?=: container name)|(?<=^extends )\w+(?= in )", "*", theirs)
        try:
            loader.load([file], within=roots.Root(Path(folder)))
        except diagnosis.InvalidInput as error:
            return theirs, str(error.diagnostics[0]).removeprefix("docker-compose.yml:")
        return theirs, ""


def format_page(comparisons: Sequence[Comparison]) -> str:
    """Return the whole page."""
    lines = (*_format_differences(comparisons), "", *_format_common_errors(), "", *_format_other_errors())
    return "\n".join((HEAD.format(version=docker.PART.version), *lines, ""))


def _format_differences(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield f"{len(comparisons)} projects: {', '.join(comparison.name for comparison in comparisons)}."
    yield ""
    yield "## Intended differences"
    yield ""
    yield "| difference | reason | projects |"
    yield "|---|---|---|"
    for difference in normal_form.DIFFERENCES:
        names = [comparison.name for comparison in comparisons if difference in comparison.intended]
        text = f"{len(names)} projects" if len(names) > 6 else ", ".join(names)
        yield f"| {difference.title} | {difference.reason} | {text or 'none'} |"


def _format_common_errors() -> Iterator[str]:
    yield "## Errors of both"
    yield ""
    yield "Seaway's location is the line and column of the file, and the path of the key."
    yield ""
    yield "| error | message of Docker Compose | message of Seaway |"
    yield "|---|---|---|"
    for name, text in rejections.CASES.items():
        theirs, ours = map(_escape_cell, list_errors(text))
        yield f"| {name} | {theirs} | {ours} |"


def _format_other_errors() -> Iterator[str]:
    yield "## Errors of only one of the two"
    yield ""
    yield "| input | Docker Compose | Seaway | reason |"
    yield "|---|---|---|---|"
    for name, (text, reason) in (*rejections.ONLY_HERE.items(), *rejections.ONLY_DOCKER.items()):
        theirs, ours = (_escape_cell(message) or "accepts it" for message in list_errors(text))
        yield f"| {name} | {theirs} | {ours} | {reason} |"


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|")
