"""An entry, and the rules for a new one."""

import dataclasses
import datetime
import unicodedata
from collections.abc import Mapping

NAME_MAX = 60
MESSAGE_MAX = 1000
"""In characters. The database has the same limits: 0001_entries.sql."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """What a visitor wrote, checked."""

    name: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands in the book."""

    id: int
    name: str
    message: str
    written: datetime.datetime

    def as_json(self) -> dict[str, str | int]:
        """For the API; the time is ISO 8601 in UTC."""
        written = self.written.astimezone(datetime.UTC).isoformat(timespec="seconds")
        return {"id": self.id, "name": self.name, "message": self.message, "written": written}


class InvalidError(Exception):
    """A new entry breaks rules; `problems` has one text for each field that does."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = dict(problems)


def check(fields: Mapping[str, object]) -> New:
    """A new entry from what was sent. Raises InvalidError with all problems at once."""
    problems = dict.fromkeys(sorted(fields.keys() - {"name", "message"}), "is not known; send name and message")
    name, message = fields.get("name"), fields.get("message")
    for field, value, longest, lines in (("name", name, NAME_MAX, False), ("message", message, MESSAGE_MAX, True)):
        if problem := _problem(value, longest, lines=lines):
            problems[field] = problem
    if problems:
        raise InvalidError(problems)
    return New(name=_clean(str(name)), message=_clean(str(message)))


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()


def _problem(value: object, longest: int, *, lines: bool) -> str | None:
    if value is None:
        return "is missing"
    if not isinstance(value, str):
        return f"is a {type(value).__name__}; send text"
    text = _clean(value)
    if not text:
        return "is empty; write something"
    if len(text) > longest:
        return f"has {len(text)} characters; at most {longest} fit"
    allowed = "\n\t" if lines else ""
    # Cc are control characters, of which PostgreSQL cannot store NUL; Cs are halves of characters.
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in allowed for character in text):
        return "holds a control character; leave it out"
    return None
