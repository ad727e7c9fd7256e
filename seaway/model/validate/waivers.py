"""Rules about waivers: they name existing checks and workloads, have an owner, and expire."""

import datetime
import re
from collections.abc import Collection, Iterator

from seaway.model import application, settings
from seaway.model.validate import structure
from seaway.syntax import decode, diagnosis, nodes

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_KINDS = ("services", "stores", "jobs")


def check(
    app: application.Application,
    locations: diagnosis.SourceLocations,
    stack_settings: settings.Settings,
    config: nodes.MappingNode,
    *,
    checks: Collection[str],
    today: datetime.date | None,
) -> Iterator[diagnosis.Diagnostic]:
    """The errors in the waivers of a stack.

    Args:
        app: the application whose workloads a waiver may name.
        locations: the locations in the application.
        stack_settings: the settings of the stack.
        config: the configuration of the stack, for its locations.
        checks: the ids of all checks and policies.
        today: None: accept expired waivers and unknown workloads. A date, or a newer workload, must not block a
            rollback.
    """
    names = [workload.name for workload in app.get_workloads().values()]
    pairs = nodes.get_pairs(config, "waivers")
    for waiver in stack_settings.waivers:
        path = f"seaway:waivers.{waiver.check}"
        pair = pairs.get(waiver.check, nodes.Pair(config.location, config))
        keys = nodes.get_pairs(nodes.MappingNode(pair.location, pairs), waiver.check)
        by_path = {f"{path}.{key}": inner.location for key, inner in keys.items()}
        waiver_locations = diagnosis.SourceLocations(pair.location, by_path)
        if waiver.check not in checks:
            yield waiver_locations.report(path, "unknown-check", *describe_unknown_check(waiver.check, checks))
        # A policy waiver may name a workload that the change removes.
        for name in waiver.workloads if waiver.check not in settings.POLICY_IDS else ():
            is_undecoded = structure.has_undecoded_workload(locations, name, *_KINDS)
            if today is not None and name not in names and not is_undecoded:
                message = f"there is no service, store or job {diagnosis.quote(name)}"
                hint = decode.suggest_name(name, names)
                yield waiver_locations.report(f"{path}.workloads", "unknown-workload", message, hint)
        for key, text in (("reason", waiver.reason), ("owner", waiver.owner)):
            if not text.strip():
                hint = "write it for a reader who sees it in a year"
                yield waiver_locations.report(f"{path}.{key}", "missing-value", "is empty", hint)
        last_day = parse_date(waiver.until)
        if last_day is None:
            message = f"{diagnosis.quote(waiver.until)} is not a valid date"
            yield waiver_locations.report(f"{path}.until", "invalid-date", message, "write the last day as 2026-12-31")
        elif today is not None and today > last_day:
            message = f"the waiver expired on {waiver.until} (owner: {waiver.owner})"
            hint = f"fix the finding and run pulumi config rm --path '{path}', or agree on another last day"
            yield waiver_locations.report(f"{path}.until", "waiver-expired", message, hint)


def describe_unknown_check(id_: str, checks: Collection[str]) -> tuple[str, str]:
    """The message and the hint for a check that does not exist."""
    closest = decode.find_closest(id_.upper(), checks)
    hint = f"did you mean {closest}?" if closest else "docs/checks.md lists all checks"
    return f"there is no check {diagnosis.quote(id_)}", hint


def parse_date(text: str) -> datetime.date | None:
    """A date such as 2026-12-31; None: the text is not a date."""
    try:
        return datetime.date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
