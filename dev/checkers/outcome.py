"""What a checker says of one object, whichever checker it is."""

import dataclasses
import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_HASH = re.compile(r"-([0-9a-f]{10}|unresolved)$")


def object_key(kind: str, name: str) -> str:
    """An object, by a name that stays when its content changes: ``Job/migrate-*``."""
    return f"{kind}/{_HASH.sub('-*', name)}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Outcome:
    """One check of one object."""

    tool: str
    check: str
    """Their id."""
    title: str
    example: str
    object: str
    """``Deployment/web``; several containers of it are one."""
    passed: bool
    message: str = ""
    """Where it did not: why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Findings that are meant, and why."""

    tool: str
    check: str
    objects: tuple[str, ...] = ("*",)
    """As a shell's patterns: ``everything: StatefulSet/*``, ``*: Job/*``."""
    message: str = ""
    """If all that is found is this: a check may look for several things, and one of them is meant."""
    reason: str

    def covers(self, outcome: Outcome) -> bool:
        """Whether it is about this finding."""
        name = f"{outcome.example}: {outcome.object}"
        mine = any(fnmatch.fnmatchcase(name, pattern) for pattern in self.objects)
        meant = not self.message or all(part.endswith(self.message) for part in outcome.message.split("; "))
        return (self.tool, self.check) == (outcome.tool, outcome.check) and mine and meant


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All outcomes, and what becomes of those that did not pass."""

    outcomes: Sequence[Outcome]
    failed: Sequence[Outcome]
    """Neither passed nor waived."""
    waived: Sequence[tuple[Waiver, Sequence[Outcome]]]
    unused: Sequence[Waiver]
    """Waive nothing."""

    @property
    def is_clean(self) -> bool:
        """Whether every exception has its reason, and every reason its exception."""
        return not self.failed and not self.unused

    def count_outcomes(self, tool: str) -> Counter[str]:
        """Of a checker: checks, objects, passed, waived, failed."""
        mine = [one for one in self.outcomes if one.tool == tool]
        waived = sum(one.tool == tool for _, ones in self.waived for one in ones)
        return Counter(
            checks=len({one.check for one in mine}),
            objects=len({(one.example, one.object) for one in mine}),
            passed=sum(one.passed for one in mine),
            waived=waived,
            failed=sum(one.tool == tool for one in self.failed),
        )


def apply_waivers(outcomes: Iterable[Outcome], waivers: Sequence[Waiver]) -> Report:
    """What is waived, what is not, and which waivers are for nothing."""
    every = sorted(set(outcomes))
    found = [one for one in every if not one.passed]
    covered = [(waiver, [one for one in found if waiver.covers(one)]) for waiver in waivers]
    return Report(
        outcomes=every,
        failed=[one for one in found if not any(waiver.covers(one) for waiver in waivers)],
        waived=[(waiver, ones) for waiver, ones in covered if ones],
        unused=[waiver for waiver, ones in covered if not ones],
    )
