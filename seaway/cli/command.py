"""What all commands share: exit codes, messages on stderr, JSON on stdout, and how a command is declared.

Functions of this package raise diagnosis.InvalidInput for an error in what the user wrote, and errors.Unavailable if
the cluster, a registry, the stack's state or a program does not answer, with the text for the user. ``main`` reports
both, see ``print_errors``.
"""

import contextvars
import dataclasses
import datetime
import importlib
import json
import re
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol, cast

from seaway import errors
from seaway.cli import output
from seaway.project import application_option
from seaway.syntax import diagnosis, redaction

SUCCESS = 0

FAILURE = 1
"""The command failed, or its check did not pass."""

USAGE_ERROR = 2
"""The command line or the configuration is invalid, and nothing was tried. argparse uses this code too."""

ROLLED_BACK = 3
"""`up` failed and restored the last healthy release."""

LOCKED = 4
"""Another update holds the stack's lock, and nothing was changed. It can be tried again later."""

BLOCKED = 5
"""The stack's policy or a check blocks the change."""

APPLICATION: contextvars.ContextVar[str | None] = contextvars.ContextVar("APPLICATION", default=None)
"""The value of ``--application``, which every command that a message names needs too."""

OWN_ORGANIZATION = "organization"
"""Pulumi's name of the organization of a backend that has none, as a file."""

STACKS: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar("STACKS", default=types.MappingProxyType({}))
"""The stacks that the user named, as Pulumi reads them: with an organization, or not."""

_STACK_OPTION = re.compile(r"(--stack )([\w-]+(?:\.[\w-]+)*)(?![\w/])")

_STACK_WORDS = re.compile(r"(\bseaway release (?:promote|rollback))((?: \w[\w.-]*)+)")

INTERRUPTED = 130
"""The user pressed Ctrl-C. Shells use this code."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command. Its module is imported only when the command is named, so that others start fast.

    The module has two functions. ``configure(parser)`` adds the options. ``run(arguments)`` prints results to stdout
    and messages to stderr, and returns the exit code. If it raises diagnosis.InvalidInput, the code is
    ``USAGE_ERROR``, as for UsageError; errors.Unavailable, ``FAILURE``; StackLocked, ``LOCKED``; KeyboardInterrupt,
    ``INTERRUPTED``. The docstring of the module documents other codes and the JSON.
    """

    name: str
    help: str
    module: str = ""
    """Below seaway.cli; empty: that of the name."""
    subcommands: Sequence["Command"] = ()
    pulumi: str = ""
    """The command of Pulumi whose flags it accepts too; they are in ``arguments.pulumi``."""
    runs_application: bool = True
    """Whether it runs an application in Python, if only for its name. ``--no-program`` refuses that, except where
    Pulumi deploys."""
    runs_words: bool = False
    """Whether the words behind ``--`` are a command; they are in ``arguments.command``."""

    def load(self) -> ModuleType:
        """Import the module."""
        return importlib.import_module(f"seaway.cli.{self.module or self.name.replace('-', '_')}")


class UsageError(Exception):
    """The command line names what does not exist, or contradicts itself. The text is one line for the user."""


class StackLocked(errors.Unavailable):
    """Another update holds the stack's lock."""


class SupportsOptions(Protocol):
    """A parser, or a group of options; argparse's common base class is private."""

    def add_argument(self, *names: str, action: str, help: str) -> Any:  # noqa: A002 - argparse's name
        """Add an option."""
        ...


def add_json_option(parser: SupportsOptions, module: str) -> None:
    """Add ``--json``. The docstring of the module documents the fields, and ``print_errors`` those of errors."""
    help_text = f"print JSON; for its fields run pydoc {module}, for errors pydoc seaway.cli.command"
    parser.add_argument("--json", action="store_true", help=help_text)


def report(message: str) -> None:
    """Print a message to stderr."""
    print(f"seaway: {complete_commands(message)}", file=sys.stderr, flush=True)


def qualify_stack(name: str) -> str:
    """The name of a stack for Pulumi. A stack that the user did not name is in the organization of those named.

    https://www.pulumi.com/docs/iac/concepts/stacks/#stack-name
    """
    stacks = STACKS.get()
    organization = next((full.rpartition("/")[0] for full in stacks.values() if "/" in full), "")
    return stacks.get(name) or f"{organization}/{name}".lstrip("/")


def complete_commands(text: str) -> str:
    """The text with the organization and the option ``--application`` of this run in each command that it names."""
    if not qualify_stack("").startswith(f"{OWN_ORGANIZATION}/"):
        text = _STACK_OPTION.sub(lambda match: f"{match[1]}{qualify_stack(match[2])}", text)
        text = _STACK_WORDS.sub(lambda match: f"{match[1]}{' '.join(map(_qualify_named, match[2].split(' ')))}", text)
    return application_option.add_to_commands(text, APPLICATION.get())


def _qualify_named(word: str) -> str:
    return STACKS.get().get(word, word)


def print_json(document: Any) -> None:
    """Print JSON to stdout."""
    output.write_document(f"{format_json(document, indent=2)}\n")


def format_json(document: Any, *, indent: int | None = None) -> str:
    """JSON without passwords of URLs and without a character that a terminal interprets."""
    text = json.dumps(_redact(document), indent=indent, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _redact(field: Any) -> Any:
    """A part of a document without passwords of URLs."""
    if isinstance(field, str):
        return redaction.redact_passwords(field)
    if isinstance(field, dict):
        return {_redact(key): _redact(child) for key, child in cast(dict[str, Any], field).items()}
    return list(map(_redact, cast(list[Any], field))) if isinstance(field, (list, tuple)) else field


def print_errors(error: Exception, *, as_json: bool) -> None:
    """Print an error to stderr, and with ``--json`` also to stdout as ``{"errors": [...]}``.

    Each error has ``code``, ``file``, ``line``, ``column``, ``path``, ``message`` and ``hint``; null: not known.
    """
    if isinstance(error, diagnosis.InvalidInput):
        print(complete_commands(str(error)), file=sys.stderr)
        errors = [
            {
                "code": diagnostic.code,
                **dataclasses.asdict(diagnostic.location),
                "path": diagnostic.path or None,
                "message": diagnostic.message,
                "hint": complete_commands(diagnostic.hint),
            }
            for diagnostic in error.diagnostics
        ]
    else:
        report(str(error))
        missing = dict.fromkeys(("file", "line", "column", "path"))
        errors = [{"code": "unavailable", **missing, "message": str(error), "hint": None}]
    if as_json:
        print_json({"errors": errors})


def format_time(time: datetime.datetime | None = None) -> str:
    """A time, by default the current time, as Kubernetes writes it: ``2026-03-01T10:00:00Z``."""
    return f"{(time or datetime.datetime.now(datetime.UTC)).astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def get_today() -> datetime.date:
    """Today's date in UTC."""
    return datetime.datetime.now(datetime.UTC).date()


def count(number: int, noun: str) -> str:
    """``1 difference``, ``2 differences``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def join_or_dash(names: Iterable[str], separator: str = ", ") -> str:
    """The names as a cell of a table."""
    return separator.join(names) or "-"


def format_clock() -> str:
    """The local time of day."""
    return f"{datetime.datetime.now():%H:%M:%S}"
