"""Errors in what a user wrote: each has a location, a stable code, a message and a hint."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from seaway.syntax import redaction


@dataclasses.dataclass(frozen=True, slots=True)
class SourceLocation:
    """A location in a file. Lines and columns count from 1; None: the value has no line."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclasses.dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error. The message shows the value; the hint suggests a fix; the code never changes.

    >>> location = SourceLocation("app/app.yaml", 12, 5)
    >>> message = "70000 is not a valid port (1-65535)"
    >>> print(Diagnostic(location, "services.web.port", message, "use its port", "invalid-port"))
    app/app.yaml:12:5: services.web.port: 70000 is not a valid port (1-65535); use its port [invalid-port]
    """

    location: SourceLocation
    path: str
    message: str
    hint: str
    code: str

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        return f"{escape_text(f'{self.location}: {path}')}{self.message}; {self.hint} [{self.code}]"


Diagnostics = Iterator[Diagnostic]


class InvalidInput(Exception):  # noqa: N818 - describes the input
    """All diagnostics of one input, without duplicates, sorted by location. Its text has one per line.

    What reads the files of a user, or computes from them, raises it.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics), key=_get_sort_key))
        super().__init__("\n".join(map(str, self.diagnostics)))


def reject(location: SourceLocation, path: str, code: str, message: str, hint: str) -> InvalidInput:
    """The exception for one diagnostic: ``raise diagnosis.reject(...)``."""
    return InvalidInput([Diagnostic(location, path, message, hint, code)])


def format_help(topic: str) -> str:
    """The command that prints a page of docs/, or its section about a cause, also where there is no checkout."""
    return f"seaway help {topic}"


def _get_sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    location = diagnostic.location
    return location.file, location.line or 0, location.column or 0, diagnostic.path, diagnostic.message


def quote(text: str) -> str:
    """The text as a message shows it: in quotes, on one line, cut after 60 characters."""
    return json.dumps(text if len(text) <= 60 else f"{text[:60]}...", ensure_ascii=False)


def quote_word(text: str) -> str:
    """The text in single quotes, as one word of a command that the user copies into a shell."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def escape_text(text: str) -> str:
    """The text on one line as it may be printed: with control, invisible and bidirectional characters escaped, and
    without the passwords of URLs.

    For text from the cluster, from a file or from a program: it may hold anything.

    >>> print(escape_text("a\x1b[2Jb"))
    a\\x1b[2Jb
    """
    return escape_characters(redaction.redact_passwords(text))


def clean_lines(text: str) -> str:
    """The lines of a text, each as ``escape_text`` has it."""
    return "\n".join(map(escape_text, text.expandtabs().split("\n")))


def escape_characters(text: str) -> str:
    """The text with control, invisible and bidirectional characters escaped, and nothing hidden."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c.isprintable() and not _INVISIBLE.match(c) else c.encode("unicode_escape").decode() for c in text
    )


_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters, marks and symbols without a form, which Python calls printable.
https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point"""


_ANSI_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def clean_line(line: str) -> str:
    """A line of a program's output, as a terminal shows it: without colours, and the last state of a progress bar."""
    shown = _ANSI_SEQUENCE.sub("", line).rstrip().rpartition("\r")[2]
    return _CONTROL.sub(" ", shown.expandtabs(4)).rstrip()


def cut_line(line: str, max_width: int) -> str:
    """The first ``max_width`` characters of a line."""
    return line if len(line) <= max_width else f"{line[: max_width - 1]}…"


@dataclasses.dataclass(frozen=True, slots=True)
class SourceLocations:
    """The location of each part of an application.

    ``undecoded`` holds the paths that could not be decoded. They are missing from the application or have their default
    there, so no rule may report them again.
    """

    origin: SourceLocation
    by_path: Mapping[str, SourceLocation] = dataclasses.field(default_factory=dict[str, SourceLocation])
    undecoded: frozenset[str] = frozenset()

    def has_undecoded(self, *paths: str) -> bool:
        """Whether one of these paths was written but could not be decoded."""
        return not self.undecoded.isdisjoint(paths)

    def find(self, path: str) -> SourceLocation:
        """The location of a path, or of its nearest ancestor that was written."""
        while path and path not in self.by_path:
            path = path.rpartition(".")[0]
        return self.by_path.get(path, self.origin)

    def at(self, path: str) -> "Part":
        """The part at a path."""
        return Part(self, path)


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part of an application as it was written, for the rules about it."""

    locations: SourceLocations
    path: str

    def at(self, *keys: str | int) -> Self:
        """The value of a key, or an element of a list."""
        return type(self)(self.locations, ".".join((self.path, *map(str, keys))))

    def at_declared(self, key: str) -> Self:
        """The value of a key; the part itself where the key was not written: it has its short form, or is left out."""
        return self.at(key) if self.is_declared(key) else self

    def is_declared(self, key: str) -> bool:
        """Whether a key was written."""
        return f"{self.path}.{key}" in self.locations.by_path

    def has_undecoded(self, *keys: str) -> bool:
        """Whether one of these keys was written but could not be decoded."""
        return self.locations.has_undecoded(*(f"{self.path}.{key}" for key in keys))

    @property
    def location(self) -> SourceLocation:
        """Its location, or that of its nearest ancestor that was written."""
        return self.locations.find(self.path)

    def report(self, code: str, message: str, hint: str) -> Diagnostic:
        """A diagnostic about the part."""
        return Diagnostic(self.location, self.path, message, hint, code)
