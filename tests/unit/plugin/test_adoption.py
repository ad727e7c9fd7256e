"""A namespace that another tool created is never deleted with the objects of others."""

from typing import Any

import pytest

from tests.support import apiserver
from tests.unit.plugin import engine, test_data_loss

OURS = test_data_loss.OURS
CREATED = "2026-01-01T00:00:00Z"
NAME = {"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}}
BY_PULUMI = {"manager": "pulumi-kubernetes-1a2b", "operation": "Apply", "time": CREATED}
BY_HAND = {"manager": "kubectl-create", "operation": "Update", "time": "2026-02-01T00:00:00Z", "fieldsV1": NAME}
LABELLED = {"manager": "kubectl-label", "operation": "Update", "time": "2026-02-02T00:00:00Z"}
KINDS = {
    "v1": {
        "configmaps": "ConfigMap",
        "secrets": "Secret",
        "serviceaccounts": "ServiceAccount",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "pods": "Pod",
        "events": "Event",
    },
    "example.com/v1": {"gadgets": "Gadget"},
}


@pytest.fixture(autouse=True)
def discovery(api: apiserver.ApiServer) -> None:
    for version, plurals in KINDS.items():
        path = f"/api/{version}" if version == "v1" else f"/apis/{version}"
        resources = [
            {"name": name, "kind": kind, "namespaced": True, "verbs": ["get", "list"]} for name, kind in plurals.items()
        ]
        resources += [
            {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]},
            {"name": "nodes", "kind": "Node", "namespaced": False, "verbs": ["list"]},
            {"name": "bindings", "kind": "Binding", "namespaced": True, "verbs": ["create"]},
        ]
        api.discovery[path] = {"resources": resources}
    api.discovery["/apis"] = {
        "groups": [
            {"name": name.partition("/")[0], "preferredVersion": {"groupVersion": name}}
            for name in ("example.com/v1", "metrics.k8s.io/v1beta1")
        ]
    }


def put(api: apiserver.ApiServer, kind: str, name: str, *, version: str = "v1", **meta: Any) -> None:
    labels = meta.pop("labels", {})
    api.put(version, kind, "shop-prod", name, labels=labels, metadata=meta)


def deploy(api: apiserver.ApiServer, *managers: dict[str, Any]) -> None:
    """The namespace, with the objects that Kubernetes and controllers create in it."""
    api.put("v1", "Namespace", "", "shop-prod", labels=OURS, metadata={"managedFields": list(managers)})
    put(api, "ConfigMap", "kube-root-ca.crt")
    put(api, "ServiceAccount", "default")
    put(api, "ConfigMap", "web-1a2b", labels=OURS)
    put(api, "Pod", "web-1", ownerReferences=[{"kind": "ReplicaSet", "name": "web"}])
    put(api, "Event", "web.1")
    put(api, "Secret", "shop-tls", annotations={"cert-manager.io/certificate-name": "shop-tls"})
    put(api, "Secret", "token", managedFields=[{"manager": "kube-controller-manager"}])


def remove_all(plugin: engine.Plugin) -> object:
    state = test_data_loss.inputs(test_data_loss.HOME)
    return engine.diff(plugin, test_data_loss.OBJECTS, state, **test_data_loss.inputs(test_data_loss.MOVED))


@pytest.mark.parametrize(
    "managers",
    [
        (BY_HAND, BY_PULUMI, LABELLED),
        ({**LABELLED, "time": CREATED}, BY_PULUMI),
        ({"manager": "argocd", "operation": "Apply", "time": "2026-03-01T00:00:00Z"}, BY_PULUMI),
    ],
)
def test_adopted(
    plugin: engine.Plugin, api: apiserver.ApiServer, managers: tuple[dict[str, Any], ...], wording: object
) -> None:
    deploy(api, *managers)
    assert remove_all(plugin) == ["objects"]
    put(api, "ConfigMap", "notes")
    put(api, "ConfigMap", "other", labels={**OURS, "seaway/stack": "staging"})
    put(api, "Gadget", "lamp", version="example.com/v1", managedFields=[{"manager": "lamps"}])
    text = plugin.get_refusal(lambda: remove_all(plugin))
    assert "[foreign-objects]" in text
    assert [text] == wording


@pytest.mark.parametrize("managers", [(BY_PULUMI,), (BY_PULUMI, LABELLED), ()])
def test_not_adopted(plugin: engine.Plugin, api: apiserver.ApiServer, managers: tuple[dict[str, Any], ...]) -> None:
    deploy(api, *managers)
    put(api, "ConfigMap", "notes")
    assert remove_all(plugin) == ["objects"]


def test_a_kind_without_permission_is_an_error(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    deploy(api, BY_HAND)
    api.forbidden = {"/api/v1/namespaces/shop-prod/secrets"}
    assert "403 Forbidden" in plugin.get_refusal(lambda: remove_all(plugin))
