"""A preview as a whole: what a reviewer reads, whoever draws it."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from seaway.review import change, impact, policy

MAX_LISTED_NAMES = 5
"""Names in a line; more are counted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """What the checks say of what would be deployed, whether this change brings it or not; a line begins with an id."""

    summary: str
    """How many there are, and how many passed."""
    refused: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSummary:
    """Everything that is told."""

    app_name: str
    stack: str
    source: str
    """What was compared: `pulumi preview`, or two revisions."""
    changes: tuple[change.ObjectChange, ...]
    """The worst first."""
    images: tuple[change.ImageDiff, ...]
    policy_result: policy.PolicyResult
    notes: tuple[str, ...] = ()
    """Warnings, waivers, and what could not be known."""
    checks: CheckSummary | None = None
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
        return f"{self.app_name}, stack {self.stack}: {'; '.join(told)}"

    @property
    def blocked_reason(self) -> str | None:
        """Why it may not pass, in one line; None: it may."""
        told: list[str] = []
        if found := self.policy_result.blocked:
            names = _join_names(f"{one.title} ({policy.POLICY_IDS[one.impact]})" for one in found)
            told.append(
                f"blocked by the policy of stack {self.stack}: {names}; {policy.format_hint(found, self.stack)}"
            )
        if self.checks and self.checks.refused:
            ids = dict.fromkeys(line.partition(" ")[0] for line in self.checks.refused)
            told.append(f"refused by checks: {_join_names(ids)}; seaway check --stack {self.stack} has the way out")
        return "; ".join(told) or None

    def to_plain(self) -> dict[str, Any]:
        """As `seaway preview --json` prints it; the fields are described in ``seaway.cli.preview``."""
        blocked = set(map(id, self.policy_result.blocked))
        return {
            "application": self.app_name,
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


def _join_names(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - MAX_LISTED_NAMES} more" if len(found) > MAX_LISTED_NAMES else ""
    return ", ".join(found[:MAX_LISTED_NAMES]) + more


def create_changes(
    object_diffs: Iterable[change.ObjectDiff], images: Sequence[change.ImageDiff]
) -> tuple[change.ObjectChange, ...]:
    """The changes of pairs of objects, the worst first, then in the order of their names."""
    known = dict(change.index_images(images))
    made = [_create_change(one, known) for one in object_diffs]
    return tuple(sorted(made, key=lambda one: (-one.impact, one.owner or "", one.kind, one.name)))


def _create_change(pair: change.ObjectDiff, images: dict[str, change.ImageDiff]) -> change.ObjectChange:
    level, reason = impact.assess_change(pair)
    return change.ObjectChange(
        op=pair.op,
        kind=pair.kind,
        name=pair.name,
        owner=pair.owner,
        fields=change.compare_fields(pair, images),
        impact=level,
        reason=reason,
    )
