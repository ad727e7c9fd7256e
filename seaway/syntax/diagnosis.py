"""What is wrong with what somebody wrote: where, what, and what to do about it."""

import dataclasses
import json
from collections.abc import Iterable, Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class SourceLocation:
    """A place in a file; line and column count from 1. A value that comes without a line has None."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclasses.dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong. ``wrong`` shows the value; ``remedy`` says what to do.

    >>> place = Place("app/app.yaml", 12, 5)
    >>> print(Problem(place, "services.web.port", "70000 is no TCP port", "write one from 1 to 65535"))
    app/app.yaml:12:5: services.web.port: 70000 is no TCP port; write one from 1 to 65535
    """

    location: SourceLocation
    path: str
    message: str
    hint: str

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        return f"{self.location}: {path}{self.message}; {self.hint}"


class InvalidInput(Exception):  # noqa: N818 - it says what the input is
    """All problems of one input, each once, in the order of their places. Its text has one a line."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics), key=_get_sort_key))
        super().__init__("\n".join(map(str, self.diagnostics)))


def _get_sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    place = diagnostic.location
    return place.file, place.line or 0, place.column or 0, diagnostic.path, diagnostic.message


def quote(text: str) -> str:
    """A text as a message shows it: in quotes, on one line, cut where it gets long."""
    return json.dumps(text if len(text) <= 60 else f"{text[:60]}...", ensure_ascii=False)


def escape_text(text: str) -> str:
    """In one line; what cannot be seen, moves the cursor or turns the direction of what is read, as an escape.

    For what the cluster or a file says: it may hold anything.

    >>> print(visible("a\x1b[2Jb"))
    a\\x1b[2Jb
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclasses.dataclass(frozen=True, slots=True)
class SourceLocations:
    """Where each part of an application was written.

    ``broken`` holds the paths of what could not be decoded: it is missing from the application, or has its default
    there, and a rule must not say anything about that.
    """

    origin: SourceLocation
    by_path: Mapping[str, SourceLocation] = dataclasses.field(default_factory=dict[str, SourceLocation])
    undecoded: frozenset[str] = frozenset()

    def has_undecoded(self, *paths: str) -> bool:
        """Was one of these written, but not in a way that could be decoded?"""
        return not self.undecoded.isdisjoint(paths)

    def find(self, path: str) -> SourceLocation:
        """The place of a path, or of the nearest thing around it that was written."""
        while path and path not in self.by_path:
            path = path.rpartition(".")[0]
        return self.by_path.get(path, self.origin)
