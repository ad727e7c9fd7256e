"""Cron expressions, as Kubernetes parses them.

https://pkg.go.dev/github.com/robfig/cron/v3#hdr-CRON_Expression_Format
"""

import re
from collections.abc import Mapping, Sequence

MACROS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: Sequence[tuple[str, range, Mapping[str, int]]] = (
    ("minute", range(60), {}),
    ("hour", range(24), {}),
    ("day of a month", range(1, 32), {}),
    ("month", range(1, 13), {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of a week", range(7), {name: number for number, name in enumerate(_DAYS)}),
)
_MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:([*?])|(\w+)(?:-(\w+))?)(?:/([0-9]{1,9}))?")
_EVERY_MACRO = re.compile(r"@every ([1-9]\d*[hms])+")


def find_error(text: str) -> str | None:
    """The error in a schedule, as the end of a sentence that begins with the schedule; None: it is valid."""
    if text.startswith("@"):
        return None if text in MACROS or _EVERY_MACRO.fullmatch(text) else "is not a macro of cron"
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"has {len(fields)} {'field' if len(fields) == 1 else 'fields'} instead of five"
    matches: list[set[int]] = []
    for field, (name, numbers, names) in zip(fields, _FIELDS, strict=True):
        selected: set[int] = set()
        for part in field.split(","):
            part_numbers = _parse_part(part, numbers, names)
            if not part_numbers:
                return f'contains "{part}", which is not a valid {name} ({numbers[0]}-{numbers[-1]})'
            selected.update(part_numbers)
        matches.append(selected)
    _, _, days, months, _ = matches
    if fields[4][0] in "*?" and all(min(days) > _MONTH_LENGTHS[month - 1] for month in months):
        return "never runs: no selected month has that day"
    return None


def _parse_part(part: str, numbers: range, names: Mapping[str, int]) -> range | None:
    """The numbers that a part of a field selects: ``*``, ``5``, ``mon-fri``, ``*/15``, ``10/5`` (from 10)."""
    match = _PART.fullmatch(part)
    if match is None:
        return None
    wildcard, first, last, step = match.groups()
    start = numbers[0] if wildcard else _parse_number(first, names)
    end = numbers[-1] if wildcard else _parse_number(last or first, names)
    if start not in numbers or end not in numbers or step == "0":
        return None
    if step and not wildcard and not last:
        end = numbers[-1]
    return range(start, end + 1, int(step or 1))


def _parse_number(text: str, names: Mapping[str, int]) -> int:
    return names.get(text.lower(), int(text) if re.fullmatch("[0-9]{1,9}", text) else -1)
