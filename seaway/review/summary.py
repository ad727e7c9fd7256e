"""The summary of a preview, for all output formats."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from seaway.review import change, impact, policy, raw_fields

MAX_LISTED_NAMES = 5
"""More names are only counted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """The results of all checks, whether or not the change causes them. A line starts with the id of the check."""

    summary: str
    """The number of checks, and how many passed."""
    refused: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSummary:
    """All results of a preview."""

    app_name: str
    stack: str
    source: str
    """The comparison: `pulumi preview`, or two revisions."""
    changes: tuple[change.ObjectChange, ...]
    """By descending impact."""
    images: tuple[change.ImageDiff, ...]
    blocked: Sequence[change.ObjectChange] = ()
    """The changes that the policy of the stack blocks."""
    notes: tuple[str, ...] = ()
    """Warnings, waivers, and limits of the preview."""
    checks: CheckSummary | None = None
    raw: tuple[raw_fields.RawField, ...] = ()
    """The fields below `raw` that change a secure default, whether or not the change causes them."""
    errors: tuple[str, ...] = ()
    """Why the preview failed: then the changes may be incomplete."""

    @property
    def headline(self) -> str:
        """One line: ``shop, stack dev: 1 added, 2 changed; outage: db; rolling: web``."""
        operations = [object_change.diff.op for object_change in self.changes]
        counts = {op: operations.count(op) for op in ("added", "changed", "replaced", "removed")}
        parts = ["the preview failed"] if self.errors else []
        if operations or not self.errors:
            parts.append(", ".join(f"{count} {op}" for op, count in counts.items() if count) or "no changes")
        worst: dict[str, change.Impact] = {}
        for object_change in self.changes:
            worst.setdefault(object_change.diff.owner or object_change.diff.title, object_change.impact)
        for level in (change.Impact.DATA_LOSS, change.Impact.OUTAGE, change.Impact.ROLLING):
            if names := [name for name, worst_level in worst.items() if worst_level is level]:
                parts.append(f"{level.label}: {', '.join(names)}")
        return f"{self.app_name}, stack {self.stack}: {'; '.join(parts)}"

    @property
    def blocked_reason(self) -> str | None:
        """Why the change must not pass, in one line; None: it may."""
        reasons: list[str] = []
        if self.blocked:
            names = _join_names(f"{change.diff.title} ({policy.POLICY_IDS[change.impact]})" for change in self.blocked)
            hint = policy.format_hint(self.blocked, self.stack)
            reasons.append(f"blocked by the policy of stack {self.stack}: {names}; {hint}")
        if self.checks and self.checks.refused:
            ids = dict.fromkeys(line.partition(" ")[0] for line in self.checks.refused)
            hint = f"for the fixes run: seaway check --stack {self.stack}"
            reasons.append(f"refused by checks: {_join_names(ids)}; {hint}")
        return "; ".join(reasons) or None

    def to_plain(self) -> dict[str, Any]:
        """As `seaway preview --json` prints it; the fields are described in ``seaway.cli.preview``."""
        return {
            "application": self.app_name,
            "stack": self.stack,
            "source": self.source,
            "changes": [
                {
                    "what": object_change.diff.op,
                    "object": {"kind": object_change.diff.kind, "name": object_change.diff.name},
                    "owner": object_change.diff.owner,
                    "impact": object_change.impact.label,
                    "reason": object_change.reason,
                    "blocked": object_change in self.blocked,
                    "fields": [dataclasses.asdict(field_diff) for field_diff in object_change.fields],
                }
                for object_change in self.changes
            ],
            "images": [dataclasses.asdict(image) for image in self.images],
            "notes": list(self.notes),
            "checks": dataclasses.asdict(self.checks) if self.checks else None,
            "raw": [dataclasses.asdict(field) for field in self.raw],
            "errors": list(self.errors),
        }


def _join_names(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - MAX_LISTED_NAMES} more" if len(listed) > MAX_LISTED_NAMES else ""
    return ", ".join(listed[:MAX_LISTED_NAMES]) + more


def create_changes(
    object_diffs: Iterable[change.ObjectDiff], images: Sequence[change.ImageDiff]
) -> tuple[change.ObjectChange, ...]:
    """The changes of objects, by descending impact, then by name."""
    changes: list[change.ObjectChange] = []
    for object_diff in object_diffs:
        level, reason = impact.assess_change(object_diff)
        fields = change.compare_fields(object_diff, images)
        changes.append(change.ObjectChange(diff=object_diff, fields=fields, impact=level, reason=reason))
    return tuple(sorted(changes, key=_get_sort_key))


def _get_sort_key(object_change: change.ObjectChange) -> tuple[int, str, str, str]:
    object_diff = object_change.diff
    return -object_change.impact, object_diff.owner or "", object_diff.kind, object_diff.name
