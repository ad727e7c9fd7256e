"""What may not pass without somebody's word: outages and losses of data, unless the stack allows or waives them."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence

from seaway.model import settings
from seaway.model.validate import waivers
from seaway.review import change

POLICY_IDS: Mapping[change.Impact, str] = dict(
    zip((change.Impact.OUTAGE, change.Impact.DATA_LOSS), settings.POLICY_IDS, strict=True)
)
"""As a waiver names them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """What the policy of a stack says about changes."""

    blocked: tuple[change.ObjectChange, ...]
    notes: tuple[str, ...]
    """Which waiver let something pass, and which one ended too early."""


def apply_policy(
    changes: Iterable[change.ObjectChange], stack_settings: settings.Settings, today: datetime.date
) -> PolicyResult:
    """The changes that may not pass, and what there is to say of waivers."""
    verdicts = {
        change.Impact.OUTAGE: stack_settings.policy.outage,
        change.Impact.DATA_LOSS: stack_settings.policy.data_loss,
    }
    blocked: list[change.ObjectChange] = []
    notes: list[str] = []
    for one in changes:
        if one.impact not in POLICY_IDS or verdicts[one.impact] == "allow":
            continue
        meant = [each for each in stack_settings.waivers if _applies_to(each, one)]
        good = next((each for each in meant if today <= (waivers.parse_date(each.until) or datetime.date.min)), None)
        if good is None:
            blocked.append(one)
            notes += (f"the waiver {each.check} for {one.title} ended on {each.until}" for each in meant)
        else:
            notes.append(f"{one.title}: waived until {good.until} by {good.owner}: {good.reason}")
    return PolicyResult(blocked=tuple(blocked), notes=tuple(dict.fromkeys(notes)))


def format_hint(blocked: Sequence[change.ObjectChange], stack: str) -> str:
    """The way out for who means it."""
    ids = " or ".join(sorted({POLICY_IDS[one.impact] for one in blocked}))
    return f"if it is meant, waive {ids} in Pulumi.{stack}.yaml (seaway:waivers) with a reason, an owner and an end"


def _applies_to(waiver: settings.Waiver, one: change.ObjectChange) -> bool:
    return waiver.check == POLICY_IDS[one.impact] and (not waiver.workloads or one.owner in waiver.workloads)
