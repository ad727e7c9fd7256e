"""An entry, and the validation of a new entry."""

import dataclasses
import datetime
import unicodedata
from collections.abc import Mapping

MAX_NAME_LENGTH = 60
MAX_MESSAGE_LENGTH = 1000
"""In characters. The database has the same limits, in 0001_entries.sql."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """A validated entry of a visitor, not stored yet."""

    name: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stored entry."""

    id: int
    name: str
    message: str
    written: datetime.datetime

    def to_json(self) -> dict[str, str | int]:
        """Return the entry as the API sends it. The time is ISO 8601 in UTC."""
        written = self.written.astimezone(datetime.UTC).isoformat(timespec="seconds")
        return {"id": self.id, "name": self.name, "message": self.message, "written": written}


class InvalidError(Exception):
    """A new entry is not valid. `problems` has a message for each such field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = dict(problems)


def validate(fields: Mapping[str, object]) -> NewEntry:
    """Return the entry in the fields of a request. Raises InvalidError with the problems of all fields."""
    problems = dict.fromkeys(sorted(fields.keys() - {"name", "message"}), "is unknown; send name and message")
    name, message = fields.get("name"), fields.get("message")
    for field, text, max_length, multiline in (
        ("name", name, MAX_NAME_LENGTH, False),
        ("message", message, MAX_MESSAGE_LENGTH, True),
    ):
        if problem := _find_problem(text, max_length, multiline=multiline):
            problems[field] = problem
    if problems:
        raise InvalidError(problems)
    return NewEntry(name=_clean(str(name)), message=_clean(str(message)))


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()


def _find_problem(sent: object, max_length: int, *, multiline: bool) -> str | None:
    if sent is None:
        return "is missing"
    if not isinstance(sent, str):
        return f"is of type {type(sent).__name__}; send a string"
    text = _clean(sent)
    if not text:
        return "is empty"
    if len(text) > max_length:
        return f"has {len(text)} characters; the limit is {max_length}"
    allowed = "\n\t" if multiline else ""
    # Cc: control characters (PostgreSQL cannot store NUL). Cs: halves of surrogate pairs.
    if any(unicodedata.category(character) in ("Cc", "Cs") and character not in allowed for character in text):
        return "contains a control character; remove it"
    return None
