"""A change of a store that Kubernetes cannot make in place is refused with the commands that make it."""

import pytest

from tests.support import apiserver
from tests.unit.plugin import engine
from tests.unit.plugin.test_data_loss import DB, HOME, OBJECTS, deploy, inputs, shape

WAITS = "kubectl wait -n shop-prod pvc/data-db-1 --timeout 10m --for jsonpath='{.status.capacity.storage}'=2Gi"
ORPHANS = "kubectl delete -n shop-prod statefulset/db --cascade=orphan"


@pytest.mark.parametrize(
    ("size", "expandable", "expected"),
    [
        ("2Gi", True, [WAITS, ORPHANS]),
        ("2Gi", False, ["the disk data-db-0 has 1Gi, and its storage class (local-path) cannot expand it"]),
        ("1Gi", True, [ORPHANS]),
        ("512Mi", True, ["the disk data-db-1 has 1Gi, and a disk cannot shrink: declare at least 1Gi"]),
    ],
)
@pytest.mark.parametrize("keep", [True, False])
def test_a_changed_disk(  # noqa: PLR0917 - fixtures
    plugin: engine.Plugin,
    api: apiserver.ApiServer,
    wording: object,
    size: str,
    expandable: bool,
    expected: list[str],
    keep: bool,
) -> None:
    deploy(api, keep=keep, ordinals=2)
    api.put("storage.k8s.io/v1", "StorageClass", "", "local-path", allowVolumeExpansion=expandable)
    for number in (0, 1):
        claim = api.answer(f"/api/v1/namespaces/shop-prod/persistentvolumeclaims/data-db-{number}")[1]
        claim["spec"]["storageClassName"] = "local-path"
    declared = shape(keep=keep, replicas=2, size=size)
    declared["spec.volumeClaimTemplates"] += [{"metadata": {"name": "wal"}, "spec": claim["spec"]}]  # type: ignore[operator]
    text = plugin.get_refusal(
        lambda: engine.diff(plugin, OBJECTS, inputs(HOME, DB, db=shape(keep=keep)), **inputs(HOME, DB, db=declared))
    )
    assert text.splitlines()[0].endswith("[store-change]")
    assert [line for line in expected if line not in text] == []
    if keep:
        assert [text] == wording


def test_a_statefulset_that_was_orphaned_is_created_with_the_new_size(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    deploy(api, keep=True)
    api.remove("apps/v1", "StatefulSet", "shop-prod", "db")
    old, new = inputs(HOME, DB, db=shape(keep=True)), inputs(HOME, DB, db=shape(keep=True, size="2Gi"))
    assert engine.diff(plugin, OBJECTS, old, **new) is None
