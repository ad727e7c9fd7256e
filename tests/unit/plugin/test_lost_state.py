"""The fields of a lost state: removed after an adoption, and merged in a stack that was adopted without that."""

import re

import pytest

from tests.support import apiserver
from tests.unit.plugin import engine, test_objects, test_release, test_rollout

WEB_PATH = "/apis/apps/v1/namespaces/shop-prod/deployments/web"
OLD, NEW = "pulumi-kubernetes-0000000a", "pulumi-kubernetes-0000000b"
LABELS = {f"f:{label}": {} for label in test_objects.OURS}


def manager(name: str, *fields: str, labels: object = LABELS, day: int | None = 1, **more: str) -> dict[str, object]:
    own = {"f:metadata": {"f:labels": labels}, "f:spec": {f"f:{field}": {} for field in fields}}
    time = {"time": f"2026-01-0{day}T00:00:00Z"} if day else {}
    return {"manager": name, "operation": "Apply", "apiVersion": "apps/v1", **time, "fieldsV1": own, **more}


POLICY = manager("pulumi-kubernetes-0000000c", "paused", labels={"f:policy": {}})
KUBECTL = manager("kubectl", "replicas", operation="Update")
STATUS = manager(OLD, subresource="status")
CLIENT_SIDE = manager("pulumi-kubernetes", operation="Update")
OTHER_VERSION = manager(OLD, apiVersion="apps/v1beta1")


def put_web(api: apiserver.ApiServer, *managers: object) -> None:
    metadata = {"managedFields": list(managers)}
    api.put("apps/v1", "Deployment", "shop-prod", "web", labels=test_objects.OURS, metadata=metadata)


def list_applying_managers(api: apiserver.ApiServer) -> list[str]:
    return re.findall(r"deployments/web\?fieldManager=(\S+)", " ".join(path for path, _ in api.requests))


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("adopted_by", ["create", "update"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([manager(OLD)], [manager(OLD), manager(NEW)], [OLD]),
        ([manager(OLD)], [manager(OLD)], []),  # the provider has not applied it
        ([manager(OLD)], [manager(NEW)], []),
        ([manager(OLD)], None, []),  # deleted meanwhile
        ([manager(OLD), POLICY], [manager(OLD), POLICY], []),
        ([POLICY, KUBECTL], [POLICY, KUBECTL, manager(NEW)], []),
        ([STATUS, CLIENT_SIDE, OTHER_VERSION], [STATUS, CLIENT_SIDE, OTHER_VERSION, manager(NEW)], []),
        ([manager(OLD), manager("pulumi-kubernetes-00000009")], [manager(OLD), manager(NEW)], [OLD]),
        ([], [manager(NEW)], []),
    ],
)
def test_an_adopted_object(  # noqa: PLR0917 - fixtures and a table
    plugin: engine.Plugin,
    api: apiserver.ApiServer,
    before: list[object],
    after: list[object] | None,
    expected: list[str],
    adopted_by: str,
    preview: bool,
) -> None:
    put_web(api, *before)
    declared = test_objects.inputs(test_objects.WEB)
    if adopted_by == "create":
        engine.create(plugin, test_objects.URN, preview=preview, **declared)
    else:
        engine.update(plugin, test_objects.URN, test_objects.inputs(), preview=preview, **declared)
    if after is None:
        api.remove("apps/v1", "Deployment", "shop-prod", "web")
    else:
        put_web(api, *after)
    engine.create(plugin, test_rollout.URN, preview=preview, **test_rollout.inputs())
    assert list_applying_managers(api) == ([] if preview else expected)


def test_an_object_that_a_later_step_applies(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    put_web(api, manager(OLD))
    engine.create(plugin, test_objects.URN, **test_objects.inputs(test_objects.WEB))
    for managers, expected in (([manager(OLD)], []), ([manager(OLD), manager(NEW)], [OLD])):
        put_web(api, *managers)
        engine.create(plugin, test_rollout.URN, **test_rollout.inputs())
        assert list_applying_managers(api) == expected


def test_an_object_that_the_update_creates_again(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """The guard has recorded it, but the state of the provider has not: a rollback, or an interrupted update."""
    declared = test_objects.deploy(api)
    put_web(api, manager(OLD))
    assert engine.diff(plugin, test_objects.URN, declared, **declared) is None
    put_web(api, KUBECTL, manager(OLD, day=1), manager(NEW, day=2))
    engine.create(plugin, test_release.URN, **test_release.build_inputs(test_release.build_record()))
    live = api.answer(WEB_PATH)[1]["metadata"]["managedFields"]
    assert [manager["manager"] for manager in live] == ["kubectl", NEW]


FIELDS = {OLD: ("template", "paused"), NEW: ("template", "replicas"), "pulumi-kubernetes-0000000d": ("replicas",)}


@pytest.mark.parametrize(
    ("days", "newest"),
    [
        ([2, 3], NEW),
        ([3, None], NEW),  # it changed nothing
        ([2, None, None], "pulumi-kubernetes"),
        ([2, None, 3], NEW),
        ([2, 3, 4], "pulumi-kubernetes-0000000d"),
    ],
)
def test_a_stack_that_was_adopted_by_an_earlier_version(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display, days: list[int | None], newest: str
) -> None:
    declared = test_objects.deploy(api)
    own = [manager(name, *FIELDS[name], day=day) for name, day in zip(FIELDS, days, strict=False)]
    put_web(api, STATUS, *own, KUBECTL, POLICY)
    assert engine.diff(plugin, test_objects.URN, declared, **declared) == ["objects"]
    (text,) = [text for text in display.list_texts(ephemeral=False) if "earlier state" in text]
    assert "owns fields of Deployment web;" in text
    assert "pulumi up --skip-preview --stack prod" in text
    engine.update(plugin, test_objects.URN, declared, preview=True, **declared)
    assert len(api.answer(WEB_PATH)[1]["metadata"]["managedFields"]) == len(own) + 3
    assert engine.diff(plugin, test_objects.URN, declared, **declared) == ["objects"]
    engine.update(plugin, test_objects.URN, declared, **declared)
    *others, merged = api.answer(WEB_PATH)[1]["metadata"]["managedFields"]
    assert others == [STATUS, KUBECTL, POLICY]
    operation = "Update" if newest == "pulumi-kubernetes" else "Apply"
    expected = manager(newest, "template", "replicas", "paused", operation=operation)
    assert merged | {"time": expected["time"]} == expected
    assert engine.diff(plugin, test_objects.URN, declared, **declared) is None
