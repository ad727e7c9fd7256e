"""What accepts the loss of a disk, and how a preview's list of them is read."""

import datetime

import pytest

from seaway.model import settings
from seaway.review import disks

TODAY = datetime.date(2026, 6, 1)
DB = disks.Disk(namespace="shop-prod", claim="data-db-0", size="1Gi", owner="db", reason="StatefulSet db is deleted")
UPLOAD = disks.Disk(namespace="shop-prod", claim="upload", size="2Gi", owner=None, reason="the claim is deleted")


def stack(*waivers: settings.Waiver, data_loss: settings.PolicyAction = "block") -> settings.Settings:
    policy = settings.Policy(data_loss=data_loss)
    return settings.Settings(stack="prod", context="work", policy=policy, waivers=waivers)


def waiver(*of: str, check: str = "DATA-LOSS", until: str = "2026-06-01") -> settings.Waiver:
    return settings.Waiver(check, workloads=of, reason="it is empty", owner="ann", until=until)


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        (stack(), [DB, UPLOAD]),
        (stack(data_loss="allow"), []),
        (stack(waiver()), []),
        (stack(waiver("db")), [UPLOAD]),
        (stack(waiver("web")), [DB, UPLOAD]),
        (stack(waiver(until="2026-05-31")), [DB, UPLOAD]),
        (stack(waiver(check="OUTAGE")), [DB, UPLOAD]),
        (stack(waiver(until="soon")), [DB, UPLOAD]),
    ],
)
def test_what_a_stack_accepts(said: settings.Settings, refused: list[disks.Disk]) -> None:
    acceptance = disks.Acceptance.decode(disks.encode_exceptions(said), {})
    assert acceptance.list_refused([DB, UPLOAD], TODAY) == refused


def test_what_a_run_accepts() -> None:
    acceptance = disks.Acceptance.decode("", {disks.ACCEPT_VARIABLE: " shop-prod/data-db-0,, shop-prod/data-db-1"})
    assert acceptance.list_refused([DB, UPLOAD], TODAY) == [UPLOAD]


def test_the_list_of_a_preview_is_read() -> None:
    told = [DB.line, f"{UPLOAD.line}\n", "Deployment web was edited by hand", "deletes the disk", ""]
    assert disks.find_listed(told) == {"shop-prod/data-db-0": DB.line, "shop-prod/upload": UPLOAD.line}


def test_a_stack_holds_data_while_a_store_has_a_claim() -> None:
    labels = {"labels": {"app.kubernetes.io/name": "db"}}
    store = {"kind": "StatefulSet", "metadata": labels, "spec": {"volumeClaimTemplates": [{"metadata": {}}]}}
    assert disks.has_protected_data(stack(), [store])
    assert not disks.has_protected_data(stack(data_loss="allow"), [store])
    assert not disks.has_protected_data(stack(waiver("db", until="2999-01-01")), [store])
    assert not disks.has_protected_data(stack(), [{**store, "spec": {}}, {"kind": "Deployment", "metadata": labels}])
