"""Runs the checks: each result is passed, failed, waived, or about a waiver that has expired or is unused."""

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from seaway.checks import all_checks, check, check_context
from seaway.manifests import objects
from seaway.model import settings
from seaway.project import environments
from seaway.syntax import diagnosis

State = Literal["passed", "failed", "waived", "expired", "unused"]
"""``expired``: a waiver covers the finding, but its last day is over. ``unused``: a waiver covers no finding."""

# The class Result has fields with the names of these.
_Check = check.Check
_Severity = check.Severity


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A check with one of its findings, or without any."""

    check: _Check
    state: State
    severity: _Severity
    """The severity in this environment; an expired waiver is always an error."""
    finding: check_context.Finding | None = None
    waiver: settings.Waiver | None = None

    @property
    def is_refused(self) -> bool:
        """Whether it prevents a deployment."""
        return self.severity == "error" and self.state in ("failed", "expired")

    @property
    def outcome(self) -> str:
        """The result in a table: ``error``, ``waived until 2026-12-31``."""
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
        """The result as `seaway check --json` prints it."""
        finding, waiver = self.finding, self.waiver
        return {
            "check": self.check.id,
            "title": self.check.title,
            "severity": self.severity,
            "state": self.state,
            "finding": dataclasses.asdict(finding) if finding else None,
            "waiver": {"reason": waiver.reason, "owner": waiver.owner, "until": waiver.until} if waiver else None,
        }


def run_checks(
    environment: environments.Environment, release_objects: Iterable[objects.ReleaseObject], today: datetime.date
) -> list[Result]:
    """Run all checks on the objects of an environment: a result for each finding, in the order of the registry.

    Args:
        release_objects: the result of ``objects.objects``. An image without a text is being built.
        today: decides which waivers have expired.
    """
    context = check_context.CheckContext(environment=environment, objects=tuple(release_objects))
    waivers = {waiver.check: waiver for waiver in environment.settings.waivers}
    return [
        result for check_ in all_checks.CHECKS for result in _evaluate(check_, context, waivers.get(check_.id), today)
    ]


def _evaluate(
    check_: check.Check, context: check_context.CheckContext, waiver: settings.Waiver | None, today: datetime.date
) -> Iterator[Result]:
    severity = check_.get_severity(context.environment.settings)
    findings = list(check_.find(context))
    if not findings:
        yield Result(check=check_, state="passed", severity=severity)
    is_waiver_used = False
    for finding in findings:
        if waiver is None or (waiver.workloads and finding.owner not in waiver.workloads):
            yield Result(check=check_, state="failed", severity=severity, finding=finding)
            continue
        is_waiver_used = True
        is_expired = today > datetime.date.fromisoformat(waiver.until)
        yield Result(
            check=check_,
            state="expired" if is_expired else "waived",
            severity="error" if is_expired else severity,
            finding=finding,
            waiver=waiver,
        )
    if waiver is not None and not is_waiver_used:
        key = f"seaway:waivers.{check_.id}"
        unused = check_context.Finding(
            owner=None,
            object=f"Pulumi.{context.environment.settings.stack}.yaml",
            path=key,
            message="covers no finding" + (f" of {', '.join(waiver.workloads)}" if waiver.workloads else ""),
            hint=f"pulumi config rm --path '{key}'",
        )
        # Also after its last day: the finding that it covered is fixed.
        yield Result(check=check_, state="unused", severity="warning", finding=unused, waiver=waiver)


def make_diagnostic(result: Result, location: diagnosis.SourceLocation) -> diagnosis.Diagnostic:
    """The finding of a result as a diagnostic. Its code is the id of the check."""
    finding = result.finding
    if finding is None:
        raise ValueError(f"{result.check.id} has no finding")
    message = f"{finding.message}, and its {result.outcome}" if result.state == "expired" else finding.message
    hint = f"{finding.hint} (for an exception: {diagnosis.format_help('checks')})"
    return diagnosis.Diagnostic(location, finding.field_path, message, hint, result.check.id)


def format_summary(results: Sequence[Result]) -> str:
    """The number of checks by result, in one line: ``36 checks: 31 passed, 1 error, 3 warnings, 1 waived``."""
    conditions: Mapping[str, Callable[[Result], bool]] = {
        "error": lambda result: result.is_refused,
        "warning": lambda result: result.severity == "warning" and result.state in ("failed", "unused"),
        "waived": lambda result: result.state == "waived",
    }
    ids = {result.check.id for result in results}
    counts = [f"{len(ids) - len({result.check.id for result in results if result.state != 'passed'})} passed"]
    for noun, condition in conditions.items():
        if number := len({result.check.id for result in results if condition(result)}):
            counts.append(f"{number} {noun}{'s' if number > 1 and noun != 'waived' else ''}")
    return f"{len(ids)} checks: {', '.join(counts)}"


def summarize_for_record(results: Sequence[Result]) -> dict[str, str]:
    """The results in a release's record, by id: ``passed``, or each outcome with its owners, ``warning: api, web``."""
    owners_by_check: dict[str, dict[str, set[str]]] = {}
    for result in (result for result in results if result.state != "unused"):
        owners = owners_by_check.setdefault(result.check.id, {}).setdefault(result.outcome, set())
        if result.finding:
            owners.add(result.finding.owner or "the application")
    return {
        id_: "; ".join(
            f"{outcome}: {', '.join(sorted(owners))}" if owners else outcome for outcome, owners in outcomes.items()
        )
        for id_, outcomes in owners_by_check.items()
    }


def format_lines(results: Iterable[Result]) -> list[str]:
    """One line for each check and outcome: its first finding, and the other workloads with the same result."""
    groups: dict[tuple[str, str], list[check_context.Finding | None]] = {}
    for result in results:
        groups.setdefault((result.check.id, result.outcome), []).append(result.finding)
    return [_format_line(id_, outcome, findings) for (id_, outcome), findings in groups.items()]


def _format_line(id_: str, outcome: str, findings: Sequence[check_context.Finding | None]) -> str:
    first = findings[0]
    if first is None:
        return f"{id_} {outcome}"
    others = sorted({finding.owner for finding in findings if finding and finding.owner} - {first.owner})
    also = f" (and {', '.join(others)})" if others else ""
    return f"{id_} {outcome}: {first}{also}"
