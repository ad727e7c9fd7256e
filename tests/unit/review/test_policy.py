"""The changes that the policy of a stack blocks."""

import datetime
from typing import Any

import pytest

from seaway.model import settings
from seaway.review import change, policy

TODAY = datetime.date(2026, 6, 1)


def create_change(impact: change.Impact, owner: str | None = "web") -> change.ObjectChange:
    kind, name = ("Deployment", owner) if owner else ("Namespace", "shop-prod")
    labels = {"app.kubernetes.io/name": owner} if owner else {}
    diff = change.ObjectDiff(kind=kind, name=name or "", old={"metadata": {"labels": labels}}, new=None)
    return change.ObjectChange(diff=diff, fields=(), impact=impact, reason="")


def create_settings(*waivers: settings.Waiver, **actions: Any) -> settings.Settings:
    return settings.Settings(stack="prod", context="-", policy=settings.Policy(**actions), waivers=waivers)


def create_waiver(check: str, until: str = "2026-06-01", workloads: tuple[str, ...] = ()) -> settings.Waiver:
    return settings.Waiver(check, workloads=workloads, reason="the old shop goes", owner="ann", until=until)


OUTAGE, LOSS = create_change(change.Impact.OUTAGE), create_change(change.Impact.DATA_LOSS)
CHANGES = [create_change(change.Impact.NONE), create_change(change.Impact.ROLLING), OUTAGE, LOSS]


@pytest.mark.parametrize(
    ("stack_settings", "blocked"),
    [
        (create_settings(), [OUTAGE, LOSS]),
        (create_settings(outage="allow"), [LOSS]),
        (create_settings(data_loss="allow"), [OUTAGE]),
        (create_settings(create_waiver("OUTAGE")), [LOSS]),
        (create_settings(create_waiver("DATA-LOSS")), [OUTAGE]),
        (create_settings(create_waiver("OUTAGE", workloads=("web",))), [LOSS]),
        (create_settings(create_waiver("OUTAGE", workloads=("api",))), [OUTAGE, LOSS]),
        (create_settings(create_waiver("IMG-02")), [OUTAGE, LOSS]),
        (create_settings(create_waiver("OUTAGE", until="2026-05-31")), [OUTAGE, LOSS]),
        (create_settings(create_waiver("OUTAGE", until="some day")), [OUTAGE, LOSS]),
    ],
)
def test_blocked_changes(stack_settings: settings.Settings, blocked: list[change.ObjectChange]) -> None:
    assert policy.apply_policy(CHANGES, stack_settings, TODAY)[0] == blocked


def test_an_object_without_owner_needs_a_waiver_of_all_workloads() -> None:
    namespace = create_change(change.Impact.DATA_LOSS, owner=None)
    of_web = create_settings(create_waiver("DATA-LOSS", workloads=("web",)))
    assert policy.apply_policy([namespace], of_web, TODAY)[0] == [namespace]
    assert policy.apply_policy([namespace], create_settings(create_waiver("DATA-LOSS")), TODAY)[0] == []


def test_notes_name_the_waivers(wording: Any) -> None:
    waivers = (create_waiver("OUTAGE"), create_waiver("OUTAGE", until="2026-05-31"))
    notes = [policy.apply_policy([OUTAGE], create_settings(waiver), TODAY)[1] for waiver in waivers]
    assert [len(lines) for lines in notes] == [1, 1]
    assert policy.apply_policy([OUTAGE], create_settings(), TODAY)[1] == []
    assert [line for lines in notes for line in lines] == wording


def test_the_hint_names_each_policy_once(wording: Any) -> None:
    hint = policy.format_hint([OUTAGE, LOSS, OUTAGE], "prod")
    assert "waive DATA-LOSS or OUTAGE in Pulumi.prod.yaml" in hint
    assert [hint] == wording
