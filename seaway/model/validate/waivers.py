"""Rules about waivers: they name existing checks and workloads, have an owner, and expire."""

import datetime
import re
from collections.abc import Collection

from seaway.model import application, settings
from seaway.model.validate import parts
from seaway.syntax import decode, diagnosis

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: diagnosis.SourceLocations,
    *,
    checks: Collection[str],
    today: datetime.date | None,
) -> diagnosis.Diagnostics:
    """The errors in the waivers of a stack.

    Args:
        app: the application whose workloads a waiver may name.
        config: the locations of the settings of the stack.
        checks: the ids of all checks and policies.
        today: None: accept expired waivers and unknown workloads. A date, or a newer workload, must not block a
            rollback.
    """
    names = [workload.name for workload in app.get_workloads().values()]
    for waiver in stack_settings.waivers:
        part = config.at(f"seaway:waivers.{waiver.check}")
        if waiver.check not in checks:
            yield part.report("unknown-check", *describe_unknown_check(waiver.check, checks))
        # A policy waiver may name a workload that the change removes.
        for name in waiver.workloads if waiver.check not in settings.POLICY_IDS else ():
            is_undecoded = parts.has_undecoded_workload(locations, name, *parts.KINDS)
            if today is not None and name not in names and not is_undecoded:
                message = f"there is no service, store or job {diagnosis.quote(name)}"
                yield part.at("workloads").report("unknown-workload", message, decode.suggest_name(name, names))
        for key, text in (("reason", waiver.reason), ("owner", waiver.owner)):
            if not text.strip():
                yield part.at(key).report("missing-value", "is empty", "write it for a reader who sees it in a year")
        last_day = parse_date(waiver.until)
        if last_day is None:
            message = f"{diagnosis.quote(waiver.until)} is not a valid date"
            yield part.at("until").report("invalid-date", message, "write the last day as 2026-12-31")
        elif today is not None and today > last_day:
            message = f"the waiver expired on {waiver.until} (owner: {waiver.owner})"
            path = diagnosis.quote_word(part.path)
            hint = f"fix the finding and run pulumi config rm --path {path}, or agree on another last day"
            yield part.at("until").report("waiver-expired", message, hint)


def describe_unknown_check(id_: str, checks: Collection[str]) -> tuple[str, str]:
    """The message and the hint for a check that does not exist."""
    closest = decode.find_closest(id_.upper(), checks)
    hint = f"did you mean {closest}?" if closest else f"for all checks: {diagnosis.format_help('checks')}"
    return f"there is no check {diagnosis.quote(id_)}", hint


def parse_date(text: str) -> datetime.date | None:
    """A date such as 2026-12-31; None: the text is not a date."""
    try:
        return datetime.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
