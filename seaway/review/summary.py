"""A preview as a whole: what a reviewer reads, whoever draws it."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from seaway.review import change, impact, policy

SHOWN = 5
"""Names in a line; more are counted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What the checks say of what would be deployed, whether this change brings it or not; a line begins with an id."""

    summary: str
    """How many there are, and how many passed."""
    refused: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Everything that is told."""

    app: str
    stack: str
    source: str
    """What was compared: `pulumi preview`, or two revisions."""
    changes: tuple[change.Change, ...]
    """The worst first."""
    images: tuple[change.Image, ...]
    verdict: policy.Verdict
    notes: tuple[str, ...] = ()
    """Warnings, waivers, and what could not be known."""
    checks: Checks | None = None
    errors: tuple[str, ...] = ()
    """Why the preview failed: then the changes are those that it found until then."""

    @property
    def headline(self) -> str:
        """All of it in one line: ``shop, stack dev: 1 added, 2 changed; outage: db; rolling: web``."""
        counts = {op: sum(one.op == op for one in self.changes) for op in ("added", "changed", "replaced", "removed")}
        told = ["the preview failed"] if self.errors else []
        if any(counts.values()) or not self.errors:
            told.append(", ".join(f"{count} {op}" for op, count in counts.items() if count) or "no changes")
        worst: dict[str, change.Impact] = {}
        for one in self.changes:
            worst.setdefault(one.owner or one.title, one.impact)
        for level in (change.Impact.DATA_LOSS, change.Impact.OUTAGE, change.Impact.ROLLING):
            if names := [name for name, found in worst.items() if found is level]:
                told.append(f"{level.label}: {', '.join(names)}")
        return f"{self.app}, stack {self.stack}: {'; '.join(told)}"

    @property
    def blocked(self) -> str | None:
        """Why it may not pass, in one line; None: it may."""
        told: list[str] = []
        if found := self.verdict.blocked:
            names = _listed(f"{one.title} ({policy.IDS[one.impact]})" for one in found)
            told.append(f"blocked by the policy of stack {self.stack}: {names}; {policy.remedy(found, self.stack)}")
        if self.checks and self.checks.refused:
            ids = dict.fromkeys(line.partition(" ")[0] for line in self.checks.refused)
            told.append(f"refused by checks: {_listed(ids)}; seaway check --stack {self.stack} has the way out")
        return "; ".join(told) or None

    def plain(self) -> dict[str, Any]:
        """As `seaway preview --json` prints it; the fields are described in ``seaway.cli.preview``."""
        blocked = set(map(id, self.verdict.blocked))
        return {
            "application": self.app,
            "stack": self.stack,
            "source": self.source,
            "changes": [
                {
                    "what": one.op,
                    "object": {"kind": one.kind, "name": one.name},
                    "owner": one.owner,
                    "impact": one.impact.label,
                    "reason": one.reason,
                    "blocked": id(one) in blocked,
                    "fields": [{"path": each.path, "old": each.old, "new": each.new} for each in one.fields],
                }
                for one in self.changes
            ],
            "images": [dataclasses.asdict(one) for one in self.images],
            "notes": list(self.notes),
            "checks": dataclasses.asdict(self.checks) if self.checks else None,
            "errors": list(self.errors),
        }


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def changes(pairs: Iterable[change.Pair], images: Sequence[change.Image]) -> tuple[change.Change, ...]:
    """The changes of pairs of objects, the worst first, then in the order of their names."""
    known = dict(change.images_of(images))
    made = [_change(one, known) for one in pairs]
    return tuple(sorted(made, key=lambda one: (-one.impact, one.owner or "", one.kind, one.name)))


def _change(pair: change.Pair, images: dict[str, change.Image]) -> change.Change:
    level, reason = impact.of(pair)
    return change.Change(
        op=pair.op,
        kind=pair.kind,
        name=pair.name,
        owner=pair.owner,
        fields=change.differences(pair, images),
        impact=level,
        reason=reason,
    )
