"""Outcomes of checks, for all checkers."""

import dataclasses
import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_HASH = re.compile(r"-([0-9a-f]{10}|unresolved)$")


def object_key(kind: str, name: str) -> str:
    """Return a name of an object that does not depend on its content: ``Job/migrate-*``."""
    return f"{kind}/{_HASH.sub('-*', name)}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Outcome:
    """The result of a check of an object."""

    tool: str
    check: str
    title: str
    example: str
    object: str
    """``Deployment/web``, with all of its containers."""
    passed: bool
    message: str = ""
    """The reason of a failure."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Accepted failures, with the reason."""

    tool: str
    check: str
    objects: tuple[str, ...] = ("*",)
    """Shell patterns: ``everything: StatefulSet/*``, ``*: Job/*``."""
    message: str = ""
    """Limits the waiver to failures with only this message: a check may report several problems."""
    reason: str

    def covers(self, outcome: Outcome) -> bool:
        """Return whether the waiver accepts this failure."""
        name = f"{outcome.example}: {outcome.object}"
        object_matches = any(fnmatch.fnmatchcase(name, pattern) for pattern in self.objects)
        message_matches = not self.message or all(part.endswith(self.message) for part in outcome.message.split("; "))
        return (self.tool, self.check) == (outcome.tool, outcome.check) and object_matches and message_matches


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All outcomes, failures and waivers."""

    outcomes: Sequence[Outcome]
    failed: Sequence[Outcome]
    """Failures without a waiver."""
    waived: Sequence[tuple[Waiver, Sequence[Outcome]]]
    unused: Sequence[Waiver]

    @property
    def is_clean(self) -> bool:
        """Whether every failure has a waiver, and every waiver a failure."""
        return not self.failed and not self.unused

    def count_outcomes(self, tool: str) -> Counter[str]:
        """Count the checks, objects, and passed, waived and failed outcomes of a checker."""
        outcomes = [outcome for outcome in self.outcomes if outcome.tool == tool]
        return Counter(
            checks=len({outcome.check for outcome in outcomes}),
            objects=len({(outcome.example, outcome.object) for outcome in outcomes}),
            passed=sum(outcome.passed for outcome in outcomes),
            waived=sum(outcome.tool == tool for _, failures in self.waived for outcome in failures),
            failed=sum(outcome.tool == tool for outcome in self.failed),
        )


def apply_waivers(outcomes: Iterable[Outcome], waivers: Sequence[Waiver]) -> Report:
    """Sort outcomes into waived and other failures, and find unused waivers."""
    all_outcomes = sorted(set(outcomes))
    failures = [outcome for outcome in all_outcomes if not outcome.passed]
    waived = [(waiver, [failure for failure in failures if waiver.covers(failure)]) for waiver in waivers]
    return Report(
        outcomes=all_outcomes,
        failed=[failure for failure in failures if not any(waiver.covers(failure) for waiver in waivers)],
        waived=[(waiver, covered) for waiver, covered in waived if covered],
        unused=[waiver for waiver, covered in waived if not covered],
    )
