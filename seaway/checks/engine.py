"""Running the checks: what passed, what did not, and what is waived until when."""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from seaway.checks import check, check_context, registry
from seaway.manifests import objects as made
from seaway.model import application, settings
from seaway.syntax import diagnosis

_Check = check.Check
_Severity = check.Severity

State = Literal["passed", "failed", "waived", "expired", "idle"]
"""``expired``: it would be waived, but for the waiver's last day. ``idle``: the waiver waives nothing."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One check and one finding of it, or none."""

    check: _Check
    state: State
    severity: _Severity
    """How much it weighs in this environment; an expired waiver is an error whatever it was for."""
    finding: check_context.Finding | None = None
    waiver: settings.Waiver | None = None

    @property
    def is_refused(self) -> bool:
        """Whether it keeps an environment from being deployed."""
        return self.severity == "error" and self.state in ("failed", "expired")

    @property
    def outcome(self) -> str:
        """Its weight as people read it: ``error``, ``waived until 2026-12-31``."""
        match self.state, self.waiver:
            case "waived", settings.Waiver(until=until):
                return f"waived until {until}"
            case "expired", settings.Waiver(until=until):
                return f"waiver ended {until}"
            case "passed", _:
                return "passed"
            case _:
                return self.severity

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        found, waiver = self.finding, self.waiver
        return {
            "check": self.check.id,
            "title": self.check.title,
            "severity": self.severity,
            "state": self.state,
            "finding": dataclasses.asdict(found) if found else None,
            "waiver": {"reason": waiver.reason, "owner": waiver.owner, "until": waiver.until} if waiver else None,
        }


def run_checks(
    app: application.Application,
    stack_settings: settings.Settings,
    release_objects: Iterable[made.ReleaseObject],
    today: datetime.date,
    *,
    checks: Sequence[check.Check] = registry.CHECKS,
) -> list[Result]:
    """All checks over the objects that an environment has, in the order of the table; a result for each finding.

    Args:
        app: resolved.
        stack: with the waivers, whose days are dates and whose ids are those of checks (``model.waivers``).
        objects: as ``manifests.objects`` makes them. An image that is no text is one that is being built.
        today: by which waivers are still good.
        checks: others than all.
    """
    seen = check_context.CheckContext(app=app, stack_settings=stack_settings, objects=tuple(release_objects))
    waivers = {one.check: one for one in stack_settings.waivers}
    return [result for each in checks for result in _evaluate(each, seen, waivers.get(each.id), today)]


def _evaluate(
    each: check.Check, context: check_context.CheckContext, waiver: settings.Waiver | None, today: datetime.date
) -> Iterator[Result]:
    severity = each.get_severity(context.stack_settings)
    over = waiver is not None and today > datetime.date.fromisoformat(waiver.until)
    found = list(each.find(context))
    covered = [waiver is not None and (not waiver.workloads or one.owner in waiver.workloads) for one in found]
    if not found:
        yield Result(check=each, state="passed", severity=severity)
    for one, waived in zip(found, covered, strict=True):
        if not waived:
            yield Result(check=each, state="failed", severity=severity, finding=one)
        elif over:
            yield Result(check=each, state="expired", severity="error", finding=one, waiver=waiver)
        else:
            yield Result(check=each, state="waived", severity=severity, finding=one, waiver=waiver)
    if waiver is not None and not any(covered):
        key = f"seaway:waivers.{each.id}"
        finding = check_context.Finding(
            owner=None,
            object=f"Pulumi.{context.stack_settings.stack}.yaml",
            path=key,
            message="waives nothing: there is no such finding"
            + (f" of {', '.join(waiver.workloads)}" if waiver.workloads else ""),
            hint=f"pulumi config rm --path '{key}'",
        )
        # Over or not: who takes it away has mended what it was for.
        yield Result(check=each, state="idle", severity="warning", finding=finding, waiver=waiver)


def make_diagnostic(result: Result, location: diagnosis.SourceLocation) -> diagnosis.Diagnostic:
    """A finding as everything that is wrong is told."""
    if result.finding is None:
        raise ValueError(f"{result.check.id} has found nothing")
    wrong = (
        f"{result.finding.message}, and its {result.outcome}" if result.state == "expired" else result.finding.message
    )
    remedy = f"{result.finding.hint} (an exception: docs/checks.md)"
    return diagnosis.Diagnostic(location, f"{result.check.id} {result.finding.field_path}", wrong, remedy)


def format_summary(results: Sequence[Result]) -> str:
    """How many checks of each, in one line: ``36 checks: 31 passed, 1 error, 3 warnings, 1 waived``."""
    wanted: Mapping[str, Callable[[Result], bool]] = {
        "error": lambda one: one.is_refused,
        "warning": lambda one: one.severity == "warning" and one.state in ("failed", "idle"),
        "waived": lambda one: one.state == "waived",
    }
    ids = list(dict.fromkeys(one.check.id for one in results))
    bad = {one.check.id for one in results if one.state != "passed"}
    told = [f"{len(ids) - len(bad)} passed"]
    for what, test in wanted.items():
        if number := len({one.check.id for one in results if test(one)}):
            told.append(f"{number} {what}{'s' if number > 1 and what != 'waived' else ''}")
    return f"{len(ids)} checks: {', '.join(told)}"


def summarize_for_record(results: Sequence[Result]) -> dict[str, str]:
    """By id, what a release's record keeps: ``passed``, or each weight with its owners, ``warning: api, web``."""
    kept: dict[str, dict[str, list[str]]] = {}
    for one in (one for one in results if one.state != "idle"):
        owners = kept.setdefault(one.check.id, {}).setdefault(one.outcome, [])
        if one.finding:
            owners.append(one.finding.owner or "the application")
    return {
        id_: "; ".join(f"{told}: {', '.join(sorted(set(who)))}" if who else told for told, who in weights.items())
        for id_, weights in kept.items()
    }


def format_lines(results: Iterable[Result]) -> list[str]:
    """One a check and weight, for where there is little room: the first finding, and who else has the same."""
    grouped: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        grouped.setdefault((one.check.id, one.outcome), []).append(one)
    return [_format_line(told, ones) for (_, told), ones in grouped.items()]


def _format_line(outcome: str, results: Sequence[Result]) -> str:
    first = results[0].finding
    others = sorted({one.finding.owner or "" for one in results if one.finding} - {first.owner if first else ""})
    also = f" (and {', '.join(others)})" if others else ""
    return f"{results[0].check.id} {outcome}: {first}{also}" if first else f"{results[0].check.id} {outcome}"
