"""The policy of a stack: it blocks outages and data loss, unless the stack allows or waives them."""

import datetime
from collections.abc import Iterable, Mapping, Sequence

from seaway.model import settings
from seaway.model.validate import waivers
from seaway.review import change

POLICY_IDS: Mapping[change.Impact, str] = dict(
    zip((change.Impact.OUTAGE, change.Impact.DATA_LOSS), settings.POLICY_IDS, strict=True)
)
"""The ids of the policies in waivers."""


def apply_policy(
    changes: Iterable[change.ObjectChange], stack_settings: settings.Settings, today: datetime.date
) -> tuple[list[change.ObjectChange], list[str]]:
    """The changes that the policy of a stack blocks; and notes on waivers that let a change pass or have expired."""
    actions = {
        change.Impact.OUTAGE: stack_settings.policy.outage,
        change.Impact.DATA_LOSS: stack_settings.policy.data_loss,
    }
    blocked: list[change.ObjectChange] = []
    notes: list[str] = []
    for object_change in changes:
        if actions.get(object_change.impact, "allow") == "allow":
            continue
        applicable = [waiver for waiver in stack_settings.waivers if _applies_to(waiver, object_change)]
        title = object_change.diff.title
        for waiver in applicable:
            if today <= (waivers.parse_date(waiver.until) or datetime.date.min):
                notes.append(f"{title}: waived until {waiver.until} by {waiver.owner}: {waiver.reason}")
                break
        else:
            blocked.append(object_change)
            notes += (f"the waiver {waiver.check} for {title} ended on {waiver.until}" for waiver in applicable)
    return blocked, list(dict.fromkeys(notes))


def format_hint(blocked: Sequence[change.ObjectChange], stack: str) -> str:
    """How to let intended changes pass."""
    ids = " or ".join(sorted({POLICY_IDS[object_change.impact] for object_change in blocked}))
    return (
        f"if the change is intended, waive {ids} in Pulumi.{stack}.yaml (seaway:waivers) with a reason, an owner and an"
        " end date"
    )


def _applies_to(waiver: settings.Waiver, object_change: change.ObjectChange) -> bool:
    return waiver.check == POLICY_IDS[object_change.impact] and (
        not waiver.workloads or object_change.diff.owner in waiver.workloads
    )
