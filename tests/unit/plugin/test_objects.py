"""Nobody else's object is taken over: it is refused before anything is made, with the line that adopts it."""

import base64
import contextlib
import copy
import gzip
import json

import pytest

from seaway.files import roots
from seaway.model import settings
from seaway.project import load, release
from seaway.release import record, record_store, stored_record
from tests import golden
from tests.support import apiserver
from tests.unit.plugin import engine

URN = "urn:pulumi:prod::shop::seaway:index:Application$seaway:index:Objects::objects"
NAMESPACE, WEB, POLICY = (
    "v1/Namespace//shop-prod",
    "apps/v1/Deployment/shop-prod/web",
    "v1/ConfigMap/shop-prod/web-1a2b",
)
OURS = {"app.kubernetes.io/part-of": "shop", "seaway/stack": "prod"}


def inputs(*objects: str, **sets: object) -> dict[str, object]:
    return {"partOf": "shop", "stack": "prod", "objects": list(objects), "sets": sets}


def reads(api: apiserver.ApiServer) -> list[str]:
    """What the guard asked for; the look for the current release is another matter."""
    return [path for path, _ in api.requests if not path.endswith(("/kube-system", "/release-current"))]


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
    text = plugin.get_refusal(lambda: engine.create(plugin, URN, preview=preview, **inputs(WEB)))
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
    text = plugin.get_refusal(lambda: engine.create(plugin, URN, preview=True, **inputs(NAMESPACE, WEB, POLICY)))
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
        text = plugin.get_refusal(lambda ask=operation: ask(plugin, URN, recorded, **inputs(POLICY, WEB)))
        assert "ConfigMap shop-prod/web-1a2b" in text
        assert "Deployment" not in text
    assert set(reads(api)) == {"/api/v1/namespaces/shop-prod/configmaps/web-1a2b"}


def test_a_new_object_is_recorded(plugin: engine.Plugin) -> None:
    both = inputs(POLICY, WEB)
    assert engine.diff(plugin, URN, inputs(WEB), **both) == ["objects"]
    assert engine.update(plugin, URN, inputs(WEB), **both) == both


def test_what_may_not_be_read_is_told(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.forbidden = {"/apis/apps/v1/namespaces/shop-prod/deployments"}
    text = plugin.get_refusal(lambda: engine.create(plugin, URN, **inputs(WEB)))
    assert "403 Forbidden: reading /apis/apps/v1/namespaces/shop-prod/deployments/web is not allowed" in text


SCALER = "autoscaling/v2/HorizontalPodAutoscaler/shop-prod/web"


def target(api: apiserver.ApiServer) -> str:
    _, live = api.answer("/apis/autoscaling/v2/namespaces/shop-prod/horizontalpodautoscalers/web")
    assert live["spec"]["maxReplicas"] == 5
    return live["spec"]["scaleTargetRef"]["name"]


def scaler(api: apiserver.ApiServer) -> None:
    spec = {"maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    api.put("autoscaling/v2", "HorizontalPodAutoscaler", "shop-prod", "web", labels=OURS, spec=spec)


def test_an_autoscaler_that_goes_lets_go_first_and_that_of_a_revert_takes_hold_again(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    scaler(api)
    engine.update(plugin, URN, inputs(SCALER, WEB), preview=True, **inputs(WEB))
    assert target(api) == "web"
    engine.update(plugin, URN, inputs(SCALER, WEB), **inputs(WEB))
    assert target(api) == "web.nobody"
    engine.update(plugin, URN, inputs(WEB), **inputs(SCALER, WEB))
    assert target(api) == "web"


def test_an_autoscaler_that_goes_with_its_deployment_rules_to_the_end(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    """Its pods still serve while those of another name start."""
    scaler(api)
    engine.update(plugin, URN, inputs(SCALER, WEB), **inputs(POLICY))
    assert target(api) == "web"


def test_an_autoscaler_that_is_not_there_is_nothing_to_hand_over(plugin: engine.Plugin) -> None:
    assert engine.update(plugin, URN, inputs(SCALER, WEB), **inputs(WEB)) == inputs(WEB)


def deployed(api: apiserver.ApiServer) -> dict[str, object]:
    """The shop with its release recorded; the guard's inputs."""
    app = load.load_application(golden.ROOT / "examples" / "shop" / "app.yaml", root=roots.Root(golden.ROOT))
    stack = settings.Settings(stack="prod", context="work", registry="registry.example.com")
    one = record.ReleaseRecord.create(app, stack, *golden.make_inputs(app))
    now = record_store.CurrentRelease(id=one.id, previous=None, since="2026-01-01T00:00:00Z")
    found = [each.manifest for each in one.render_objects()]
    saved = stored_record.StoredRecord.create(one, release.Provenance())
    for each in (*found, *record_store.build_config_maps(one, one.id, saved), record_store.build_current(one, now)):
        fields = copy.deepcopy(each)
        meta = fields.pop("metadata")
        more = {"labels": meta["labels"], "metadata": {"annotations": meta.get("annotations", {})}}
        api.put(fields.pop("apiVersion"), fields.pop("kind"), meta.get("namespace", ""), meta["name"], **fields, **more)
    return inputs(*(f"{each['apiVersion']}/{each['kind']}/shop-prod/{each['metadata']['name']}" for each in found))


def packed(value: object) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


DAMAGE = {
    "text": ({"release.yaml": "x"}, {}),
    "format": ({"format": "9"}, {}),
    "parts": ({"parts": "x"}, {}),
    "no manifests": ({}, {"manifests.json.gz": ""}),
    "numbers": ({}, {"manifests.json.gz": packed({"items": [1]})}),
    "no metadata": ({}, {"manifests.json.gz": packed({"items": [{"kind": "X", "apiVersion": "v1"}]})}),
    "deep": ({}, {"manifests.json.gz": base64.b64encode(gzip.compress(b'{"items":' + b"[" * 100_000)).decode()}),
    "reference": (
        {},
        {
            "manifests.json.gz": packed(
                {"items": [{"kind": "X", "apiVersion": "v1", "metadata": {"name": "x"}, "secretKeyRef": 5}]}
            )
        },
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_is_a_warning_and_blocks_nothing(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display, damage: str
) -> None:
    asked = deployed(api)
    _, pointer = api.answer(record_store.get_path("shop-prod", record_store.CURRENT_NAME))
    name = record_store.get_name(pointer["data"]["id"])
    _, kept = api.answer(record_store.get_path("shop-prod", name))
    data, binary = DAMAGE[damage]
    changed = {"data": {**kept["data"], **data}, "binaryData": {**kept["binaryData"], **binary}}
    with contextlib.suppress(stored_record.UnreadableRecordError):
        changed["data"]["sha256"] = stored_record.StoredRecord.join_parts([changed]).sha256
    api.put("v1", "ConfigMap", "shop-prod", name, **changed)
    assert engine.diff(plugin, URN, asked, **asked) is None
    if damage != "text":  # what the text says is not looked at here
        (line,) = display.lines
        assert line.severity == "WARNING"
        assert pointer["data"]["id"] in line.text


def test_a_preview_tells_what_was_edited_by_hand(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    """What is declared wins over it, so it must not be overwritten unsaid."""
    asked = deployed(api)
    assert engine.diff(plugin, URN, asked, **asked) is None
    assert display.lines == []
    _, live = api.answer("/apis/apps/v1/namespaces/shop-prod/deployments/web")
    entry = {"manager": "kubectl-scale", "time": "2026-02-03T04:05:06Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    spec = live["spec"] | {"replicas": 5}
    api.put("apps/v1", "Deployment", "shop-prod", "web", spec=spec, metadata={"managedFields": [entry]})
    api.remove("v1", "Service", "shop-prod", "api")
    assert engine.diff(plugin, URN, asked, **asked) is None
    assert [(line.severity, line.text) for line in display.lines] == [
        (
            "WARNING",
            "Deployment web was edited by hand: spec.replicas is 5, declared 2 (kubectl-scale at 2026-02-03T04:05:06Z)",
        ),
        ("WARNING", "Service api was deleted by hand"),
        ("WARNING", "an up that changes the object puts back what is declared: seaway status --drift"),
    ]


def test_what_a_failed_release_left_is_not_by_hand(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    asked = deployed(api)
    _, live = api.answer("/apis/apps/v1/namespaces/shop-prod/deployments/web")
    entry = {"manager": "pulumi-kubernetes-1a2b", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    spec = live["spec"] | {"replicas": 3}
    api.put("apps/v1", "Deployment", "shop-prod", "web", spec=spec, metadata={"managedFields": [entry]})
    assert engine.diff(plugin, URN, asked, **asked) is None
    assert display.lines == []
