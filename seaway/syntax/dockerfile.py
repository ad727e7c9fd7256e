"""Dockerfiles: their instructions, and the steps of which a build reports progress."""

import dataclasses
import difflib
import json
import posixpath
import re
import shlex
from collections.abc import Iterator

from seaway.syntax import diagnosis

INSTRUCTIONS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)
"""https://docs.docker.com/reference/dockerfile/#overview"""

_OTHER_SYNTAX = re.compile(r"#\s*(?:escape\s*=|syntax\s*=\s*(?!docker/dockerfile\b))", re.IGNORECASE)
"""Directives that change the syntax."""

_STEP_NAME = re.compile(r"\[(?:\S+/\S+ )?(?:(?P<stage>\S+) +)? *(?P<number>\d+)/\d+\] (?P<text>.*)")
"""``[install 3/6] RUN ...``; a build for several platforms has the platform before the stage."""

_COMMAND = re.compile(r'process "/bin/sh -c (.*)" did not complete successfully')


_CONTINUED = re.compile(r"(|.*[^\\])\\[ \t]*")
"""A line that the next line continues: it ends with exactly one backslash."""

_WORD_PART = r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:\\.|[^"\\])*")"""
_SHELL_WORD = re.compile(rf"{_WORD_PART}+", re.DOTALL)
_SHELL_WORDS = re.compile(rf"(?:\s|{_WORD_PART})*", re.DOTALL)
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Heredoc:
    name: str
    strips_tabs: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An instruction that BuildKit executes. ``number`` counts from 1 in its stage."""

    line: int
    stage: str
    number: int
    text: str
    base_line: int
    """The line of the FROM with the base image of its stage."""


def parse_instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """All instructions: line, word in upper case, and arguments.

    Continued lines are joined, here-documents are skipped.
    """
    started, parts, heredocs = 0, list[str](), list[_Heredoc]()
    for number, line in enumerate(re.split(r"\r?\n", text), start=1):
        if heredocs:
            if (line.lstrip("\t") if heredocs[0].strips_tabs else line) == heredocs[0].name:
                heredocs.pop(0)
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        started = started if parts else number
        continued = _CONTINUED.fullmatch(line)
        parts.append(continued[1] if continued else line)
        if continued:
            continue
        word, rest = _split_word("".join(parts))
        parts = []
        heredocs = _find_heredocs(word, rest)
        yield started, word, rest
    if words := "".join(parts).strip():
        yield started, *_split_word(words)


def _split_word(text: str) -> tuple[str, str]:
    word, *others = text.split(maxsplit=1) or [""]
    return word.upper(), others[0].strip() if others else ""


def _find_heredocs(word: str, rest: str) -> list[_Heredoc]:
    """The here-documents that an instruction starts, as BuildKit's parser finds them.

    Only a whole word of the shell starts one: `1<<2`, `<<<text` and a `<<EOF` in quotes belong to the command.
    https://github.com/moby/buildkit/blob/v0.34.2/frontend/dockerfile/parser/parser.go
    """
    if word == "ONBUILD":
        word, rest = _split_word(rest)
    arguments = re.sub(r"(--\S+\s+)*", "", rest, count=1)
    if word not in {"ADD", "COPY", "RUN"} or _is_json_list(arguments) or not _SHELL_WORDS.fullmatch(rest):
        return []
    heredocs: list[_Heredoc] = []
    for shell_word in _SHELL_WORD.findall(rest):
        match = _HEREDOC.fullmatch(shell_word)
        names = shlex.split(match[2]) if match else []
        heredocs += [_Heredoc(name=name, strips_tabs=match[1] == "-") for name in names if match and len(names) == 1]
    return heredocs


def _is_json_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def check_instructions(text: str, file: str) -> None:
    """Refuse unknown instructions, as the builder would."""
    if any(map(_OTHER_SYNTAX.match, text.splitlines())):
        return
    diagnostics: list[diagnosis.Diagnostic] = []
    for line, word, _ in parse_instructions(text):
        if word not in INSTRUCTIONS:
            similar = difflib.get_close_matches(word, INSTRUCTIONS, n=1)
            hint = f"did you mean {similar[0]}?" if similar else "end the line above with a \\ if it continues there"
            location, message = diagnosis.SourceLocation(file, line), f"{word} is not an instruction of a Dockerfile"
            diagnostics.append(diagnosis.Diagnostic(location, "", message, hint, "unknown-instruction"))
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)


def parse_from(arguments: str) -> tuple[str, str]:
    """The image and the name of the stage, in lower case, of a FROM. An empty text: there is none."""
    image, *others = [word for word in arguments.split() if not word.startswith("--")] or [""]
    return image, others[1].lower() if len(others) == 2 and others[0].upper() == "AS" else ""


def find_working_dir(text: str, target: str | None = None) -> str:
    """The WORKDIR of the stage ``target``, or of the last stage; empty: it is that of the base image, or unknown."""
    folders: dict[str, str] = {}
    folder = stage = ""
    for _, word, rest in parse_instructions(text):
        if word == "FROM":
            if target and stage == target.lower():
                break
            image, stage = parse_from(rest)
            folder = folders.get(image.lower(), "")
        elif word == "WORKDIR":
            folder = "" if "$" in rest else posixpath.join(folder, rest.strip("\"'"))
        folders[stage] = folder
    return folder if folder.startswith("/") else ""


def list_steps(text: str) -> Iterator[Step]:
    """The steps, numbered as BuildKit numbers them in its log."""
    stages: dict[str, int] = {}
    index, stage, number, base_line = -1, "", 0, 0
    for line, word, rest in parse_instructions(text):
        if word == "FROM":
            (image, name), index = parse_from(rest), index + 1
            base, stage = image.lower(), name or f"stage-{index}"
            number = 0 if base in stages or base == "scratch" else 1
            base_line = stages[stage] = stages.get(base, line)
        elif word in {"ADD", "COPY", "RUN", "WORKDIR"}:
            number += 1
        else:
            continue
        if number:
            yield Step(line=line, stage=stage, number=number, text=f"{word} {rest}", base_line=base_line)


def find_step(text: str, name: str) -> Step | None:
    """The step with a name of BuildKit's log; None: the name is not that of an instruction."""
    match = _STEP_NAME.match(name)
    if match is None:
        return None
    steps = {(step.stage, step.number, step.text.partition(" ")[0]): step for step in list_steps(text)}
    # BuildKit names no stage if there is only one.
    stage = match["stage"] or next((stage for stage, _, _ in steps), "")
    return steps.get((stage.lower(), int(match["number"]), match["text"].partition(" ")[0]))


def find_command(text: str, error: str) -> Step | None:
    """The step that runs the command which an error names; None: no step, or more than one, runs it."""
    match = _COMMAND.search(error)
    if match is None:
        return None
    command = " ".join(match[1].replace('\\"', '"').split())
    steps = [step for step in list_steps(text) if " ".join(step.text.split()).endswith(f" {command}")]
    return steps[0] if len(steps) == 1 else None
