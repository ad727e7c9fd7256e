"""docs/compose-config.md: what we read of each project beside what Docker Compose reads."""

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import diagnosis
from tests.compose import docker, projects, refused, same

HEAD = """\
# What Docker Compose reads, and what we read

Every project of the corpus and of the examples, before `docker compose config` (version {version}, with no Docker
daemon) and before our own reader: the two documents are the same, but for the differences below. Written by
`make compose-config`: do not edit; a test holds it.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One project, read twice."""

    name: str
    wrong: Sequence[str]
    """What is not the same, and should be."""
    seen: Sequence[same.Difference]
    """What is meant not to be the same."""


def compared(name: str, files: Sequence[Path]) -> Compared:
    """Read one twice. Raises diagnosis.InvalidInput: we refuse it."""
    said = docker.config(files, profiles=["*"], environment=projects.ENVIRONMENT)
    if said.printed is None:
        return Compared(name=name, wrong=[f"Docker refuses it: {said.refused}"], seen=[])
    folder = files[0].parent
    done = loader.load(files, within=roots.Root(folder), profiles=["*"], environment=projects.ENVIRONMENT)
    mine, theirs = same.ours(done, folder), same.theirs(said.printed)
    wrong = same.left(mine, theirs, same.DIFFERENCES)
    return Compared(name=name, wrong=wrong, seen=[] if wrong else same.seen(mine, theirs))


def judged(text: str) -> tuple[str, str]:
    """What Docker and what we say against a project; an empty text where it is accepted."""
    with tempfile.TemporaryDirectory() as folder:
        file = refused.write(text, Path(folder))
        said = docker.config([file])
        lines = said.refused.splitlines()
        line = lines[0 if lines[:1] and lines[0].startswith("panic") else -1] if said.printed is None else ""
        theirs = line.strip().replace(f"{folder}/", "")
        try:
            loader.load([file], within=roots.Root(Path(folder)))
        except diagnosis.InvalidInput as wrong:
            return theirs, str(wrong.diagnostics[0]).removeprefix("docker-compose.yml:")
        return theirs, ""


def page(found: Sequence[Compared]) -> str:
    """The whole page."""
    lines = (*_same(found), "", *_refused(), "", *_only())
    return "\n".join((HEAD.format(version=docker.PART.version), *lines, ""))


def _same(found: Sequence[Compared]) -> Iterator[str]:
    yield f"{len(found)} projects: {', '.join(one.name for one in found)}."
    yield ""
    yield "## Differences that are meant"
    yield ""
    yield "| what | why | seen in |"
    yield "|---|---|---|"
    for each in same.DIFFERENCES:
        names = [one.name for one in found if each in one.seen]
        many = f"{len(names)} projects" if len(names) > 6 else ", ".join(names)
        yield f"| {each.what} | {each.why} | {many or 'none of these'} |"


def _refused() -> Iterator[str]:
    yield "## What both refuse"
    yield ""
    yield "Our place is line:column of the file, and the path of the key."
    yield ""
    yield "| the mistake | Docker Compose says | we say |"
    yield "|---|---|---|"
    for name, text in refused.CASES.items():
        theirs, ours = map(_cell, judged(text))
        yield f"| {name} | {theirs} | {ours} |"


def _only() -> Iterator[str]:
    yield "## What one of the two refuses"
    yield ""
    yield "| what | Docker Compose | we | why |"
    yield "|---|---|---|---|"
    for name, (text, why) in (*refused.ONLY_HERE.items(), *refused.ONLY_DOCKER.items()):
        theirs, ours = (_cell(said) or "accept it" for said in judged(text))
        yield f"| {name} | {theirs.replace('accept it', 'accepts it')} | {ours} | {why} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
