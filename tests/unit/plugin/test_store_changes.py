"""A disk grows while its pod runs; other changes of a store are refused with the commands that make them."""

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest
from pulumi.runtime.proto import provider_pb2

from plugin import disk_growth, values
from plugin import engine as plugin_engine
from seaway.kubernetes.cluster import client
from tests.support import apiserver, live_objects
from tests.unit.plugin import engine, test_rollout
from tests.unit.plugin.test_data_loss import DB, HOME, OBJECTS, deploy, inputs, shape

ORPHANS = "kubectl delete -n shop-prod statefulset/db --cascade=orphan"
EXPANDS = "kubectl patch storageclass/local-path --patch '{\"allowVolumeExpansion\": true}'"


ROLLOUT = "urn:pulumi:prod::shop::seaway:index:Application$seaway:index:Rollout::stores"
GROWTH: dict[str, object] = {"namespace": "shop-prod", "workloads": [], "sources": {}, "sizes": {"db": {"data": "2Gi"}}}
MANAGERS = [{"manager": "pulumi-kubernetes-1a2b3c4d", "operation": "Apply", "fieldsV1": {"f:spec": {}}}]


def set_claims(api: apiserver.ApiServer, *sizes: str, expandable: bool = True) -> None:
    api.put("storage.k8s.io/v1", "StorageClass", "", "local-path", allowVolumeExpansion=expandable)
    for number, size in enumerate(sizes):
        claim = api.answer(f"/api/v1/namespaces/shop-prod/persistentvolumeclaims/data-db-{number}")[1]
        claim["spec"] |= {"storageClassName": "local-path", "resources": {"requests": {"storage": size}}}
        claim["status"] = {"capacity": {"storage": size}}


@pytest.mark.parametrize(
    ("live", "expandable", "declared", "expected"),
    [
        ("1Gi", True, {"size": "2Gi"}, None),
        ("1Gi", False, {"size": "2Gi"}, ["the disk data-db-0 has 1Gi, and its storage class (local-path)", EXPANDS]),
        ("1Gi", True, {"size": "512Mi"}, ["the disk data-db-1 has 1Gi, and a disk cannot shrink"]),
        ("3Gi", True, {"size": "2Gi"}, ["the disk data-db-0 has 3Gi, and a disk cannot shrink"]),
        ("3Gi", True, {}, None),
        ("512Mi", False, {}, None),
        ("1Gi", True, {"name": "disk"}, ["spec.volumeClaimTemplates cannot be changed", ORPHANS, "pod/db-0 pod/db-1"]),
    ],
)
@pytest.mark.parametrize("keep", [True, False])
def test_a_changed_disk(  # noqa: PLR0917 - fixtures
    plugin: engine.Plugin,
    api: apiserver.ApiServer,
    wording: object,
    live: str,
    expandable: bool,
    declared: dict[str, str],
    expected: Sequence[str] | None,
    keep: bool,
) -> None:
    deploy(api, keep=keep, ordinals=2, replicas=2)
    set_claims(api, live, live, expandable=expandable)
    old = inputs(HOME, DB, db=shape(keep=keep, replicas=2))
    new = inputs(HOME, DB, db=shape(keep=keep, replicas=2, **declared))  # type: ignore[arg-type]
    if expected is None:
        assert engine.diff(plugin, OBJECTS, old, **new) is None
        return
    text = plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, old, **new))
    assert text.splitlines()[0].endswith("[store-change]")
    assert [line for line in expected if line not in text] == []
    if keep:
        assert [text] == wording


def test_a_store_that_returns_to_its_smaller_disk(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """Kubernetes mounts the claim that was kept, whatever its size."""
    deploy(api, keep=True)
    api.remove("apps/v1", "StatefulSet", "shop-prod", "db")
    old, new = inputs(HOME), inputs(HOME, DB, db=shape(size="2Gi"))
    set_claims(api, "1Gi", expandable=False)
    assert "data-db-0 has 1Gi, and its storage" in plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, old, **new))
    set_claims(api, "1Gi")
    assert engine.diff(plugin, OBJECTS, old, **new) == ["objects"]


@pytest.mark.parametrize("declared", [{"size": "512Mi"}, {"size": "512Mi", "keep": True}])
def test_a_rollback_keeps_a_disk_that_has_grown(
    plugin: engine.Plugin, api: apiserver.ApiServer, declared: dict[str, object]
) -> None:
    deploy(api)
    set_claims(api, "1Gi")
    rollback = {**shape(**declared), "isRollback": True}  # type: ignore[arg-type]
    new = inputs(HOME, DB, db=rollback)
    assert engine.diff(plugin, OBJECTS, inputs(HOME, DB, db=shape()), **new) is None
    assert find_existing(plugin, rollback) == {DB: {"data": "1Gi"}}
    growth = GROWTH | {"sizes": {"db": {"data": "512Mi"}}}
    assert engine.diff(plugin, ROLLOUT, growth, **growth) is None


def find_existing(plugin: engine.Plugin, declared: dict[str, object]) -> object:
    arguments = values.encode({"sets": inputs(db=declared)["sets"]})
    request = provider_pb2.InvokeRequest(tok="seaway:index:getExistingStores", args=arguments)
    return values.decode(getattr(plugin.stub.Invoke(request), "return"))["stores"]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [({}, [DB]), ({"size": "2Gi"}, [DB]), ({"size": "512Mi"}, []), ({"name": "disk"}, [])],
)
def test_pulumi_leaves_claim_templates_that_only_grow(
    plugin: engine.Plugin, api: apiserver.ApiServer, declared: dict[str, str], expected: list[str]
) -> None:
    declared_shape = shape(**declared)  # type: ignore[arg-type]
    assert find_existing(plugin, declared_shape) == {}
    deploy(api)
    assert find_existing(plugin, declared_shape) == {identity: {"data": "1Gi"} for identity in expected}


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("adopted_by", ["create", "update"])
@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, None),
        ({"size": "2Gi"}, None),
        ({"size": "512Mi"}, "and a disk cannot shrink"),
        ({"size": "512Mi", "isRollback": True}, None),
        ({"name": "disk"}, ORPHANS),
    ],
)
def test_a_store_that_the_state_does_not_have(  # noqa: PLR0917 - fixtures and a table
    plugin: engine.Plugin,
    api: apiserver.ApiServer,
    declared: dict[str, object],
    expected: str | None,
    adopted_by: str,
    preview: bool,
) -> None:
    deploy(api)
    set_claims(api, "1Gi")
    fields = {key: value for key, value in declared.items() if key != "isRollback"}
    new = inputs(HOME, DB, db={**shape(**fields), "isRollback": "isRollback" in declared})  # type: ignore[arg-type]

    def adopt() -> None:
        if adopted_by == "create":
            engine.create(plugin, OBJECTS, preview=preview, **new)
        else:
            engine.update(plugin, OBJECTS, inputs(HOME), preview=preview, **new)

    if expected is None:
        adopt()
    else:
        assert expected in plugin.get_refusal(adopt)


def read_claim(api: apiserver.ApiServer) -> live_objects.Object:
    return api.answer("/api/v1/namespaces/shop-prod/persistentvolumeclaims/data-db-0")[1]


def read_store(api: apiserver.ApiServer) -> live_objects.Object:
    return api.answer("/apis/apps/v1/namespaces/shop-prod/statefulsets/db")[1]


@pytest.fixture
def growing(api: apiserver.ApiServer) -> apiserver.ApiServer:
    deploy(api)
    set_claims(api, "1Gi")
    metadata = read_store(api)["metadata"]
    metadata["labels"] = {**metadata["labels"], "app.kubernetes.io/name": "db"}
    metadata["managedFields"] = [*MANAGERS, {"manager": "k", "subresource": "status"}]
    return api


def test_a_disk_grows_around_the_running_pod(
    plugin: engine.Plugin, growing: apiserver.ApiServer, display: engine.Display
) -> None:
    before = read_store(growing)
    assert engine.diff(plugin, ROLLOUT, GROWTH, **GROWTH) == ["workloads"]
    line = "the disk shop-prod/data-db-0 (store db) grows from 1Gi to 2Gi; no pod stops"
    assert line in display.list_texts(ephemeral=False)
    engine.create(plugin, ROLLOUT, preview=True, **GROWTH)
    assert read_store(growing) == before
    request = provider_pb2.CreateRequest(urn=ROLLOUT, properties=values.encode(GROWTH))
    result = plugin.stub.Create.future(request)
    wait_for_patch(growing)
    assert not result.done()
    read_claim(growing)["status"] = {"capacity": {"storage": "2Gi"}}
    result.result(timeout=test_rollout.HANG)
    assert "propagationPolicy=Orphan" in " ".join(path for path, _ in growing.requests)
    after = read_store(growing)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["metadata"]["managedFields"] == MANAGERS
    (template,) = after["spec"]["volumeClaimTemplates"]
    assert template == {
        "metadata": {"name": "data"},
        "spec": {"resources": {"requests": {"storage": "2Gi"}}, "volumeMode": "Filesystem"},
    }
    assert engine.diff(plugin, ROLLOUT, GROWTH, **GROWTH) is None


@pytest.mark.parametrize(
    ("capacity", "expandable", "changed"),
    [("1Gi", True, None), ("512Mi", False, None), ("512Mi", True, ["workloads"])],
)
def test_a_growth_that_did_not_complete_is_a_change(
    plugin: engine.Plugin, api: apiserver.ApiServer, capacity: str, expandable: bool, changed: list[str] | None
) -> None:
    deploy(api)
    set_claims(api, "1Gi", expandable=expandable)
    read_claim(api)["status"] = {"capacity": {"storage": capacity}}
    unchanged = GROWTH | {"sizes": {"db": {"data": "1Gi"}}}
    assert engine.diff(plugin, ROLLOUT, unchanged, **unchanged) == changed


def wait_for_patch(api: apiserver.ApiServer) -> None:
    end = time.monotonic() + test_rollout.HANG
    while read_claim(api)["spec"]["resources"]["requests"]["storage"] != "2Gi":
        assert time.monotonic() < end, "the claim was not patched"
        time.sleep(0.01)


def put_pending(api: apiserver.ApiServer) -> None:
    condition = live_objects.condition("FileSystemResizePending", message="Waiting for user to (re-)start a pod")
    read_claim(api)["status"] |= {"conditions": [condition]}


@pytest.mark.parametrize(
    ("limit", "change", "expected"),
    [
        ("RESTART_TIMEOUT", put_pending, "kubectl delete -n shop-prod pod/db-0"),
        ("TIMEOUT", lambda _: None, "kubectl describe -n shop-prod pvc/data-db-0"),
    ],
    ids=["restart", "events"],
)
def test_a_disk_that_does_not_grow(  # noqa: PLR0917 - fixtures
    growing: apiserver.ApiServer,
    kubeconfig: engine.Kubeconfig,
    monkeypatch: pytest.MonkeyPatch,
    wording: object,
    limit: str,
    change: Callable[[apiserver.ApiServer], None],
    expected: str,
) -> None:
    change(growing)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(growing.url)))
    monkeypatch.setattr(disk_growth, limit, 0.0)
    monkeypatch.setattr(disk_growth, "INTERVAL", 0.01)

    async def grow() -> None:
        cluster = client.KubeClient(context="work", timeout=10)
        try:
            growths = await disk_growth.find_growth(cluster, "shop-prod", GROWTH["sizes"])  # type: ignore[arg-type]
            await disk_growth.grow(cluster, growths, plugin_engine.Log(plugin_engine.Engine("127.0.0.1:1"), ROLLOUT))
        finally:
            await cluster.close()

    with pytest.raises(plugin_engine.ResourceError) as caught:
        asyncio.run(grow())
    assert caught.value.code == "store-change"
    assert expected in str(caught.value)
    assert [str(caught.value)] == wording
