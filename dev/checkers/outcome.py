"""What a checker says of one object, whichever checker it is."""

import dataclasses
import fnmatch
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_HASH = re.compile(r"-([0-9a-f]{10}|unresolved)$")


def key(kind: str, name: str) -> str:
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
    told: str = ""
    """Where it did not: why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Findings that are meant, and why."""

    tool: str
    check: str
    objects: tuple[str, ...] = ("*",)
    """As a shell's patterns: ``everything: StatefulSet/*``, ``*: Job/*``."""
    told: str = ""
    """If all that is found is this: a check may look for several things, and one of them is meant."""
    because: str

    def covers(self, one: Outcome) -> bool:
        """Whether it is about this finding."""
        name = f"{one.example}: {one.object}"
        mine = any(fnmatch.fnmatchcase(name, pattern) for pattern in self.objects)
        meant = not self.told or all(part.endswith(self.told) for part in one.told.split("; "))
        return (self.tool, self.check) == (one.tool, one.check) and mine and meant


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """All outcomes, and what becomes of those that did not pass."""

    outcomes: Sequence[Outcome]
    failed: Sequence[Outcome]
    """Neither passed nor waived."""
    waived: Sequence[tuple[Waiver, Sequence[Outcome]]]
    idle: Sequence[Waiver]
    """Waive nothing."""

    @property
    def good(self) -> bool:
        """Whether every exception has its reason, and every reason its exception."""
        return not self.failed and not self.idle

    def counts(self, tool: str) -> Counter[str]:
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


def judge(outcomes: Iterable[Outcome], waivers: Sequence[Waiver]) -> Judged:
    """What is waived, what is not, and which waivers are for nothing."""
    every = sorted(set(outcomes))
    found = [one for one in every if not one.passed]
    covered = [(waiver, [one for one in found if waiver.covers(one)]) for waiver in waivers]
    return Judged(
        outcomes=every,
        failed=[one for one in found if not any(waiver.covers(one) for waiver in waivers)],
        waived=[(waiver, ones) for waiver, ones in covered if ones],
        idle=[waiver for waiver, ones in covered if not ones],
    )
