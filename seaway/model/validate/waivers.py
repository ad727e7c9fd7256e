"""The rules about waivers themselves: what they name exists, somebody answers for them, and they end."""

import datetime
import re
from collections.abc import Collection, Iterator

from seaway.model import application, settings
from seaway.model.validate import structure
from seaway.syntax import decode, diagnosis, nodes

_KINDS = ("services", "stores", "jobs")
_KEYS: tuple[str, ...] = ("of", "reason", "owner", "until")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def check(
    app: application.Application,
    places: diagnosis.Places,
    said: settings.Settings,
    values: nodes.Table,
    *,
    checks: Collection[str],
    today: datetime.date | None,
) -> Iterator[diagnosis.Problem]:
    """What is wrong with the waivers of a stack.

    Args:
        app: whose services, stores and jobs a waiver may name.
        places: what of it is known.
        said: the stack's settings.
        values: the stack's configuration, for the places.
        checks: the ids that there are.
        today: None: a waiver may have ended, and may be of what the application does not have: a rollback is refused
            neither because of a date nor because of what is newer.
    """
    there = [one.name for one in structure.workloads(app).values()]
    written = nodes.inside(values, "waivers")
    for one in said.waivers:
        path = f"seaway:waivers.{one.check}"
        entry = written.get(one.check, nodes.Entry(values.place, values))
        place = dict.fromkeys(_KEYS, entry.place)
        if isinstance(entry.node, nodes.Table):
            place |= {key: inner.place for key, inner in entry.node.entries.items()}
        if one.check not in checks:
            wrong = f"there is no check {diagnosis.quoted(one.check)}"
            close = decode.closest(one.check.upper(), checks)
            remedy = f"did you mean {close}?" if close else "docs/checks.md has all of them"
            yield diagnosis.Problem(entry.place, path, wrong, remedy)
        # What a change takes away, is named by the waiver that lets it go, and by nothing else any more.
        for name in one.of if one.check not in settings.POLICIES else ():
            lost = places.lost(*_KINDS, *(f"{kind}.{name}" for kind in _KINDS))
            if today is not None and name not in there and not lost:
                wrong = f"there is no service, store or job {diagnosis.quoted(name)}"
                yield diagnosis.Problem(place["of"], f"{path}.of", wrong, decode.nearest(name, there))
        for key, text in (("reason", one.reason), ("owner", one.owner)):
            if not text.strip():
                yield diagnosis.Problem(place[key], f"{path}.{key}", "is empty", "write it for who reads it in a year")
        last = day(one.until)
        if last is None:
            wrong = f"{diagnosis.quoted(one.until)} is no day"
            yield diagnosis.Problem(place["until"], f"{path}.until", wrong, "write the last day as 2026-12-31")
        elif today is not None and today > last:
            wrong = f"the waiver ended on {one.until} ({one.owner} answers for it)"
            remedy = f"mend what it is for and pulumi config rm --path '{path}', or agree on another last day"
            yield diagnosis.Problem(place["until"], f"{path}.until", wrong, remedy)


def day(text: str) -> datetime.date | None:
    """The day that is written as 2026-12-31; None: it is none."""
    try:
        return datetime.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
