"""What may not pass without somebody's word: outages and losses of data, unless the stack allows or waives them."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence

from seaway.model import settings
from seaway.model.validate import waivers
from seaway.review import change

IDS: Mapping[change.Impact, str] = dict(
    zip((change.Impact.OUTAGE, change.Impact.DATA_LOSS), settings.POLICIES, strict=True)
)
"""As a waiver names them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policy of a stack says about changes."""

    blocked: tuple[change.Change, ...]
    notes: tuple[str, ...]
    """Which waiver let something pass, and which one ended too early."""


def judge(found: Iterable[change.Change], said: settings.Settings, today: datetime.date) -> Verdict:
    """The changes that may not pass, and what there is to say of waivers."""
    verdicts = {change.Impact.OUTAGE: said.policy.outage, change.Impact.DATA_LOSS: said.policy.data_loss}
    blocked: list[change.Change] = []
    notes: list[str] = []
    for one in found:
        if one.impact not in IDS or verdicts[one.impact] == "allow":
            continue
        meant = [each for each in said.waivers if _meant(each, one)]
        good = next((each for each in meant if today <= (waivers.day(each.until) or datetime.date.min)), None)
        if good is None:
            blocked.append(one)
            notes += (f"the waiver {each.check} for {one.title} ended on {each.until}" for each in meant)
        else:
            notes.append(f"{one.title}: waived until {good.until} by {good.owner}: {good.reason}")
    return Verdict(blocked=tuple(blocked), notes=tuple(dict.fromkeys(notes)))


def remedy(blocked: Sequence[change.Change], stack: str) -> str:
    """The way out for who means it."""
    ids = " or ".join(sorted({IDS[one.impact] for one in blocked}))
    return f"if it is meant, waive {ids} in Pulumi.{stack}.yaml (seaway:waivers) with a reason, an owner and an end"


def _meant(waiver: settings.Waiver, one: change.Change) -> bool:
    return waiver.check == IDS[one.impact] and (not waiver.of or one.owner in waiver.of)
