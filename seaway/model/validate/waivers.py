"""The rules about waivers themselves: what they name exists, somebody answers for them, and they end."""

import datetime
import re
from collections.abc import Collection, Iterator

from seaway.model import application, settings
from seaway.syntax import decode, diagnosis, nodes

_KINDS = ("services", "stores", "jobs")
_KEYS: tuple[str, ...] = ("workloads", "reason", "owner", "until")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: nodes.MappingNode,
    *,
    checks: Collection[str],
    today: datetime.date | None,
) -> Iterator[diagnosis.Diagnostic]:
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
    there = [one.name for one in app.get_workloads().values()]
    written = nodes.get_pairs(config, "waivers")
    for one in stack_settings.waivers:
        path = f"seaway:waivers.{one.check}"
        entry = written.get(one.check, nodes.Pair(config.location, config))
        place = dict.fromkeys(_KEYS, entry.location)
        if isinstance(entry.node, nodes.MappingNode):
            place |= {key: inner.location for key, inner in entry.node.pairs.items()}
        if one.check not in checks:
            wrong = f"there is no check {diagnosis.quote(one.check)}"
            close = decode.find_closest(one.check.upper(), checks)
            remedy = f"did you mean {close}?" if close else "docs/checks.md has all of them"
            yield diagnosis.Diagnostic(entry.location, path, wrong, remedy)
        # What a change takes away, is named by the waiver that lets it go, and by nothing else any more.
        for name in one.workloads if one.check not in settings.POLICY_IDS else ():
            lost = locations.has_undecoded(*_KINDS, *(f"{kind}.{name}" for kind in _KINDS))
            if today is not None and name not in there and not lost:
                wrong = f"there is no service, store or job {diagnosis.quote(name)}"
                yield diagnosis.Diagnostic(
                    place["workloads"], f"{path}.workloads", wrong, decode.suggest_name(name, there)
                )
        for key, text in (("reason", one.reason), ("owner", one.owner)):
            if not text.strip():
                yield diagnosis.Diagnostic(
                    place[key], f"{path}.{key}", "is empty", "write it for who reads it in a year"
                )
        last = parse_date(one.until)
        if last is None:
            wrong = f"{diagnosis.quote(one.until)} is no day"
            yield diagnosis.Diagnostic(place["until"], f"{path}.until", wrong, "write the last day as 2026-12-31")
        elif today is not None and today > last:
            wrong = f"the waiver ended on {one.until} ({one.owner} answers for it)"
            remedy = f"mend what it is for and pulumi config rm --path '{path}', or agree on another last day"
            yield diagnosis.Diagnostic(place["until"], f"{path}.until", wrong, remedy)


def parse_date(text: str) -> datetime.date | None:
    """The day that is written as 2026-12-31; None: it is none."""
    try:
        return datetime.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
