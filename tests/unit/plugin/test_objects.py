"""Nobody else's object is taken over: it is refused before anything is made, with the line that adopts it."""

import pytest

from tests.unit.cluster import apiserver
from tests.unit.plugin import engine

URN = "urn:pulumi:prod::shop::seaway:index:Application$seaway:index:Objects::objects"
NAMESPACE, WEB, POLICY = (
    "v1/Namespace//shop-prod",
    "apps/v1/Deployment/shop-prod/web",
    "v1/ConfigMap/shop-prod/web-1a2b",
)
OURS = {"app.kubernetes.io/part-of": "shop", "seaway/stack": "prod"}


def inputs(*objects: str) -> dict[str, object]:
    return {"partOf": "shop", "stack": "prod", "objects": list(objects)}


def reads(api: apiserver.ApiServer) -> list[str]:
    return [path for path, _ in api.asked if not path.endswith("/kube-system")]


@pytest.mark.parametrize("preview", [True, False])
def test_what_does_not_exist_is_fine(plugin: engine.Plugin, api: apiserver.ApiServer, preview: bool) -> None:
    api.put("v1", "Namespace", "", "shop-prod", labels=OURS)
    asked = inputs(NAMESPACE, WEB)
    assert engine.create(plugin, URN, preview=preview, **asked) == asked
    assert reads(api) == ["/api/v1/namespaces/shop-prod", "/apis/apps/v1/namespaces/shop-prod/deployments/web"]


def test_where_the_namespace_is_missing_nothing_in_it_is_asked_for(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    engine.create(plugin, URN, **inputs(NAMESPACE, WEB, POLICY))
    assert reads(api) == ["/api/v1/namespaces/shop-prod"]


def test_what_carries_both_labels_is_ours(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    for version, kind, namespace, name in (text.rsplit("/", 3) for text in (NAMESPACE, WEB)):
        api.put(version, kind, namespace, name, labels={**OURS, "app.kubernetes.io/name": "web"})
    asked = inputs(NAMESPACE, WEB)
    assert engine.create(plugin, URN, **asked) == asked


@pytest.mark.parametrize("preview", [True, False])
def test_one_foreign_object(plugin: engine.Plugin, api: apiserver.ApiServer, preview: bool) -> None:
    api.put("apps/v1", "Deployment", "shop-prod", "web")
    text = plugin.refusal(lambda: engine.create(plugin, URN, preview=preview, **inputs(WEB)))
    assert text == (
        "an object exists already and is not of this stack; nothing was changed. To take over, type the line below"
        " each; or choose another name of the application, the stack or the service\n"
        "  Deployment shop-prod/web, with no label that tells whose it is:\n"
        "    kubectl label -n shop-prod deployment/web app.kubernetes.io/part-of=shop seaway/stack=prod --overwrite"
    )


def test_all_foreign_objects_are_told_at_once(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.put("v1", "Namespace", "", "shop-prod", labels={**OURS, "seaway/stack": "staging"})
    api.put("apps/v1", "Deployment", "shop-prod", "web", labels={"app.kubernetes.io/managed-by": "Helm"})
    api.put("v1", "ConfigMap", "shop-prod", "web-1a2b", labels=OURS)
    text = plugin.refusal(lambda: engine.create(plugin, URN, preview=True, **inputs(NAMESPACE, WEB, POLICY)))
    assert text.splitlines() == [
        "2 objects exist already and are not of this stack; nothing was changed. To take over, type the line below"
        " each; or choose another name of the application, the stack or the service",
        "  Namespace shop-prod, labelled app.kubernetes.io/part-of=shop, seaway/stack=staging:",
        "    kubectl label namespace/shop-prod app.kubernetes.io/part-of=shop seaway/stack=prod --overwrite",
        "  Deployment shop-prod/web, labelled app.kubernetes.io/managed-by=Helm:",
        "    kubectl label -n shop-prod deployment/web app.kubernetes.io/part-of=shop seaway/stack=prod --overwrite",
    ]


def test_what_was_recorded_is_not_asked_for_again(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.put("apps/v1", "Deployment", "shop-prod", "web")
    api.put("v1", "ConfigMap", "shop-prod", "web-1a2b")
    recorded = inputs(WEB)
    assert engine.diff(plugin, URN, recorded, **inputs(WEB)) is None
    assert engine.diff(plugin, URN, recorded, **inputs()) == ["objects"]
    assert reads(api) == []
    for operation in (engine.diff, engine.update):
        text = plugin.refusal(lambda ask=operation: ask(plugin, URN, recorded, **inputs(POLICY, WEB)))
        assert "ConfigMap shop-prod/web-1a2b" in text
        assert "Deployment" not in text
    assert set(reads(api)) == {"/api/v1/namespaces/shop-prod/configmaps/web-1a2b"}


def test_a_new_object_is_recorded(plugin: engine.Plugin) -> None:
    both = inputs(POLICY, WEB)
    assert engine.diff(plugin, URN, inputs(WEB), **both) == ["objects"]
    assert engine.update(plugin, URN, inputs(WEB), **both) == both


def test_what_may_not_be_read_is_told(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.forbidden = {"/apis/apps/v1/namespaces/shop-prod/deployments"}
    text = plugin.refusal(lambda: engine.create(plugin, URN, **inputs(WEB)))
    assert "403 Forbidden: reading /apis/apps/v1/namespaces/shop-prod/deployments/web is not allowed" in text
