"""The acceptance of the loss of a disk, and the list of a preview."""

import datetime

import pytest

from seaway.model import settings
from seaway.review import disks

TODAY = datetime.date(2026, 6, 1)
DB = disks.Disk(namespace="shop-prod", claim="data-db-0", size="1Gi", owner="db", reason="StatefulSet db is deleted")
UPLOAD = disks.Disk(namespace="shop-prod", claim="upload", size="2Gi", owner=None, reason="the claim is deleted")


def create_settings(*waivers: settings.Waiver, data_loss: settings.PolicyAction = "block") -> settings.Settings:
    policy = settings.Policy(data_loss=data_loss)
    return settings.Settings(stack="prod", context="work", policy=policy, waivers=waivers)


def create_waiver(*workloads: str, check: str = "DATA-LOSS", until: str = "2026-06-01") -> settings.Waiver:
    return settings.Waiver(check, workloads=workloads, reason="it is empty", owner="ann", until=until)


@pytest.mark.parametrize(
    ("stack_settings", "refused"),
    [
        (create_settings(), [DB, UPLOAD]),
        (create_settings(data_loss="allow"), []),
        (create_settings(create_waiver()), []),
        (create_settings(create_waiver("db")), [UPLOAD]),
        (create_settings(create_waiver("web")), [DB, UPLOAD]),
        (create_settings(create_waiver(until="2026-05-31")), [DB, UPLOAD]),
        (create_settings(create_waiver(check="OUTAGE")), [DB, UPLOAD]),
        (create_settings(create_waiver(until="soon")), [DB, UPLOAD]),
    ],
)
def test_a_stack_accepts_losses_by_policy_and_waiver(
    stack_settings: settings.Settings, refused: list[disks.Disk]
) -> None:
    acceptance = disks.Acceptance.decode(disks.encode_exceptions(stack_settings), {})
    assert acceptance.list_refused([DB, UPLOAD], TODAY) == refused


def test_a_run_accepts_the_disks_that_it_names() -> None:
    acceptance = disks.Acceptance.decode("", {disks.ACCEPT_VARIABLE: " shop-prod/data-db-0,, shop-prod/data-db-1"})
    assert acceptance.list_refused([DB, UPLOAD], TODAY) == [UPLOAD]


def test_the_list_of_a_preview_is_parsed() -> None:
    messages = [DB.line, f"{UPLOAD.line}\n", "Deployment web was edited by hand", "deletes the disk", ""]
    assert disks.find_listed(messages) == {"shop-prod/data-db-0": DB.line, "shop-prod/upload": UPLOAD.line}


def test_a_stack_has_protected_data_while_a_store_has_a_claim() -> None:
    labels = {"labels": {"app.kubernetes.io/name": "db"}}
    store = {"kind": "StatefulSet", "metadata": labels, "spec": {"volumeClaimTemplates": [{"metadata": {}}]}}
    assert disks.has_protected_data(create_settings(), [store])
    assert not disks.has_protected_data(create_settings(data_loss="allow"), [store])
    assert not disks.has_protected_data(create_settings(create_waiver("db", until="2999-01-01")), [store])
    assert not disks.has_protected_data(
        create_settings(), [{**store, "spec": {}}, {"kind": "Deployment", "metadata": labels}]
    )
