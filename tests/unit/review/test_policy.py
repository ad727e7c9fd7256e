"""What the policy of a stack lets pass."""

import datetime
from typing import Any

import pytest

from seaway.model import settings
from seaway.review import change, policy

TODAY = datetime.date(2026, 6, 1)


def one(impact: change.Impact, owner: str | None = "web") -> change.ObjectChange:
    kind, name = ("Deployment", owner) if owner else ("Namespace", "shop-prod")
    return change.ObjectChange(
        op="removed", kind=kind, name=name or "", owner=owner, fields=(), impact=impact, reason=""
    )


def stack(*waivers: settings.Waiver, **verdicts: Any) -> settings.Settings:
    return settings.Settings(stack="prod", context="-", policy=settings.Policy(**verdicts), waivers=waivers)


def waiver(check: str, until: str = "2026-06-01", of: tuple[str, ...] = ()) -> settings.Waiver:
    return settings.Waiver(check, workloads=of, reason="the old shop goes", owner="ann", until=until)


OUTAGE, LOSS = one(change.Impact.OUTAGE), one(change.Impact.DATA_LOSS)
BOTH = [one(change.Impact.NONE), one(change.Impact.ROLLING), OUTAGE, LOSS]


@pytest.mark.parametrize(
    ("said", "blocked"),
    [
        (stack(), [OUTAGE, LOSS]),
        (stack(outage="allow"), [LOSS]),
        (stack(data_loss="allow"), [OUTAGE]),
        (stack(waiver("OUTAGE")), [LOSS]),
        (stack(waiver("DATA-LOSS")), [OUTAGE]),
        (stack(waiver("OUTAGE", of=("web",))), [LOSS]),
        (stack(waiver("OUTAGE", of=("api",))), [OUTAGE, LOSS]),
        (stack(waiver("IMG-02")), [OUTAGE, LOSS]),
        (stack(waiver("OUTAGE", until="2026-05-31")), [OUTAGE, LOSS]),
        (stack(waiver("OUTAGE", until="some day")), [OUTAGE, LOSS]),
    ],
)
def test_what_is_blocked(said: settings.Settings, blocked: list[change.ObjectChange]) -> None:
    assert list(policy.apply_policy(BOTH, said, TODAY).blocked) == blocked


def test_what_belongs_to_nobody_needs_a_waiver_for_all() -> None:
    namespace = one(change.Impact.DATA_LOSS, owner=None)
    assert policy.apply_policy([namespace], stack(waiver("DATA-LOSS", of=("web",))), TODAY).blocked == (namespace,)
    assert policy.apply_policy([namespace], stack(waiver("DATA-LOSS")), TODAY).blocked == ()


def test_waivers_are_told() -> None:
    assert policy.apply_policy([OUTAGE], stack(waiver("OUTAGE")), TODAY).notes == (
        "Deployment/web: waived until 2026-06-01 by ann: the old shop goes",
    )
    assert policy.apply_policy([OUTAGE], stack(waiver("OUTAGE", until="2026-05-31")), TODAY).notes == (
        "the waiver OUTAGE for Deployment/web ended on 2026-05-31",
    )
    assert policy.apply_policy([OUTAGE], stack(), TODAY).notes == ()


def test_the_way_out() -> None:
    assert policy.format_hint([OUTAGE, LOSS, OUTAGE], "prod") == (
        "if it is meant, waive DATA-LOSS or OUTAGE in Pulumi.prod.yaml (seaway:waivers) with a reason, an owner and an"
        " end"
    )
