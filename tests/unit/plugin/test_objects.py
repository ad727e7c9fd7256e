"""Objects of others are not taken over: the run is refused, with the command that takes them over."""

import base64
import contextlib
import copy
import gzip
import json

import pytest
from pulumi.runtime.proto import provider_pb2

from plugin import values
from seaway.model import settings
from seaway.project import release
from seaway.release import record_store, stored_record
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


def inputs(*objects: str, fixed: object = None, **sets: object) -> dict[str, object]:
    own = {"partOf": "shop", "stack": "prod", "fixed": fixed or {}}
    return {**own, "objects": list(objects), "sets": sets, "applications": []}


def read(plugin: engine.Plugin, state: dict[str, object]) -> str:
    """The id of the guard after a refresh; empty: it is forgotten."""
    return plugin.stub.Read(provider_pb2.ReadRequest(id="shop-prod", urn=URN, properties=values.encode(state))).id


def list_reads(api: apiserver.ApiServer) -> list[str]:
    """The requests of the guard, without those for the current release, deleted namespaces and forgotten objects."""
    ignored = ("/kube-system", "/release-current", "/namespaces/shop-prod", "stack%3Dprod")
    return [path for path, _ in api.requests if not path.endswith(ignored)]


@pytest.mark.parametrize("preview", [True, False])
def test_new_objects_are_accepted(plugin: engine.Plugin, api: apiserver.ApiServer, preview: bool) -> None:
    api.put("v1", "Namespace", "", "shop-prod", labels=OURS)
    declared = inputs(NAMESPACE, WEB)
    assert engine.create(plugin, URN, preview=preview, **declared) == declared
    assert list_reads(api) == ["/apis/apps/v1/namespaces/shop-prod/deployments/web"]


@pytest.mark.parametrize("served", [None, ["Gateway"], ["Gateway", "HTTPRoute"]])
def test_kinds_that_the_cluster_does_not_know(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display, served: list[str] | None, wording: object
) -> None:
    """The same program may install them: a preview warns, and the update is refused before it changes anything."""
    version = "gateway.networking.k8s.io/v1"
    if served is not None:
        api.discovery[f"/apis/{version}"] = {"resources": [{"kind": kind} for kind in served]}
    declared = inputs(NAMESPACE, *(f"{version}/{kind}/shop-prod/web" for kind in ("Gateway", "HTTPRoute")))
    assert engine.create(plugin, URN, preview=True, **declared) == declared
    if texts := display.list_texts(ephemeral=False):
        assert texts == wording
        refusal = plugin.get_refusal(lambda: engine.create(plugin, URN, **declared))
        assert "[gateway-api-missing]" in refusal
    else:
        assert served == ["Gateway", "HTTPRoute"]
        engine.create(plugin, URN, **declared)


def test_objects_in_a_missing_namespace_are_not_requested(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    engine.create(plugin, URN, **inputs(NAMESPACE, WEB, POLICY))
    assert list_reads(api) == []


def test_objects_with_both_labels_belong_to_the_stack(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    for version, kind, namespace, name in (text.rsplit("/", 3) for text in (NAMESPACE, WEB)):
        api.put(version, kind, namespace, name, labels={**OURS, "app.kubernetes.io/name": "web"})
    declared = inputs(NAMESPACE, WEB)
    assert engine.create(plugin, URN, preview=True, **declared) == declared
    (text,) = display.list_texts(ephemeral=False)
    start = (
        "objects of this stack exist already, and its state does not have them: Namespace shop-prod, Deployment web; "
    )
    assert text.startswith(start)


def test_what_a_lost_state_had_and_nobody_declares_is_named(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    api.put("v1", "Namespace", "", "shop-prod", labels=OURS)
    for kind, name in (("Deployment", "web"), ("Deployment", "old"), ("StatefulSet", "db"), ("DaemonSet", "foreign")):
        labels = {**OURS, "app.kubernetes.io/part-of": "blog"} if name == "foreign" else OURS
        api.put("apps/v1", kind, "shop-prod", name, labels=labels)
    engine.create(plugin, URN, preview=True, **inputs(NAMESPACE, WEB))
    (_, text) = display.list_texts(ephemeral=False)
    assert "kubectl delete -n shop-prod deployment/old statefulset/db (" in text
    api.forbidden.add("/apis/apps/v1/namespaces/shop-prod/daemonsets")
    engine.create(plugin, URN, preview=True, **inputs(NAMESPACE, WEB))
    assert len(display.list_texts(ephemeral=False)) == 3


@pytest.mark.parametrize("preview", [True, False])
def test_a_foreign_object(plugin: engine.Plugin, api: apiserver.ApiServer, preview: bool) -> None:
    api.put("apps/v1", "Deployment", "shop-prod", "web")
    text = plugin.get_refusal(lambda: engine.create(plugin, URN, preview=preview, **inputs(WEB)))
    assert text.splitlines()[0].endswith("[existing-objects]")
    assert "kubectl label -n shop-prod deployment/web app.kubernetes.io/part-of=shop seaway/stack=prod" in text


def test_all_foreign_objects_are_listed(plugin: engine.Plugin, api: apiserver.ApiServer, wording: object) -> None:
    api.put("v1", "Namespace", "", "shop-prod", labels={**OURS, "seaway/stack": "staging"})
    api.put("apps/v1", "Deployment", "shop-prod", "web", labels={"app.kubernetes.io/managed-by": "Helm"})
    api.put("v1", "ConfigMap", "shop-prod", "web-1a2b", labels=OURS)
    text = plugin.get_refusal(lambda: engine.create(plugin, URN, preview=True, **inputs(NAMESPACE, WEB, POLICY)))
    assert [text] == wording


SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop"}}
LABEL = "kubectl label -n shop-prod {} app.kubernetes.io/part-of=shop seaway/stack=prod --overwrite"
DELETE, LATER = (
    "kubectl delete -n shop-prod {}",
    "kubectl delete -n shop-prod replicasets,pods -l '{},seaway/stack!=prod'",
)
OTHER = {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}
SHAPE = {"spec.selector": SELECTOR, "spec.podManagementPolicy": "Parallel", "spec.revisionHistoryLimit": 3}


@pytest.mark.parametrize(
    ("kind", "declared", "spec", "expected"),
    [
        ("Deployment", {"spec.selector": SELECTOR}, {"selector": SELECTOR}, [LABEL.format("deployment/web")]),
        (
            "Deployment",
            {"spec.selector": SELECTOR},
            {"selector": OTHER},
            [DELETE.format("deployment/web --cascade=orphan"), LATER.format("app=web,tier in (a,b)")],
        ),
        (
            "DaemonSet",
            {"spec.selector": SELECTOR},
            {"selector": {"matchExpressions": [{"key": "x", "operator": "Exists"}]}},
            [DELETE.format("daemonset/web --cascade=orphan"), LATER.format("x")],
        ),
        (
            "StatefulSet",
            SHAPE,
            {"selector": OTHER, "podManagementPolicy": "Parallel"},
            [DELETE.format("statefulset/web")],
        ),
        ("StatefulSet", SHAPE, {"selector": SELECTOR}, [DELETE.format("statefulset/web")]),
        (
            "StatefulSet",
            SHAPE,
            {"selector": SELECTOR, "podManagementPolicy": "Parallel"},
            [LABEL.format("statefulset/web")],
        ),
        (
            "StatefulSet",
            SHAPE,
            {"selector": OTHER, "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}},
            [],
        ),
        ("Service", {}, {"clusterIP": "10.0.0.1"}, [LABEL.format("service/web")]),
        ("Service", {"spec.clusterIP": "None"}, {"clusterIP": "10.0.0.1"}, [DELETE.format("service/web")]),
        ("Service", {"spec.clusterIP": "None"}, {"clusterIP": "None"}, [LABEL.format("service/web")]),
    ],
)
def test_the_commands_that_take_over_an_object(  # noqa: PLR0917 - fixtures and a table
    plugin: engine.Plugin, api: apiserver.ApiServer, kind: str, declared: object, spec: object, expected: list[str]
) -> None:
    version = "v1" if kind == "Service" else "apps/v1"
    identity = f"{version}/{kind}/shop-prod/web"
    api.put(version, kind, "shop-prod", "web", spec=spec)
    stack = {**inputs(identity), "sets" if kind == "StatefulSet" else "fixed": {identity: declared}}
    text = plugin.get_refusal(lambda: engine.create(plugin, URN, **stack))
    assert [line.strip() for line in text.splitlines() if line.strip().startswith("kubectl")] == expected


def test_a_deleted_namespace_is_refused_first(plugin: engine.Plugin, api: apiserver.ApiServer, wording: object) -> None:
    """It was deleted, or is being deleted. A refresh forgets the guard, so that it is created again."""
    declared, state = inputs(NAMESPACE, WEB), inputs(NAMESPACE, WEB)
    texts = [plugin.get_refusal(lambda: engine.diff(plugin, URN, state, **declared))]
    assert not read(plugin, state)
    created = engine.create(plugin, URN, **declared)
    assert created == {**declared, "absent": ["shop-prod"]}, "its update may fail before the namespace is created"
    assert engine.diff(plugin, URN, created, **declared) is None
    assert engine.update(plugin, URN, created, **declared) == created
    condition = {
        "type": "NamespaceContentRemaining",
        "status": "True",
        "message": "configmaps. has 1 resource instances",
    }
    deleted = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    api.put("v1", "Namespace", "", "shop-prod", metadata=deleted, status={"conditions": [condition]})
    texts += [
        plugin.get_refusal(lambda: engine.diff(plugin, URN, state, **declared)),
        plugin.get_refusal(lambda: engine.create(plugin, URN, preview=True, **declared)),
        plugin.get_refusal(lambda: engine.create(plugin, URN, **inputs(WEB))),
    ]
    assert read(plugin, state)
    assert {text.splitlines()[0].rpartition(" ")[2] for text in texts} == {"[namespace-deleted]"}
    assert texts == wording
    api.forbidden = {"/api/v1/namespaces"}
    assert engine.diff(plugin, URN, state, **declared) is None


def test_recorded_objects_are_not_requested_again(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.put("v1", "Namespace", "", "shop-prod")
    api.put("apps/v1", "Deployment", "shop-prod", "web")
    api.put("v1", "ConfigMap", "shop-prod", "web-1a2b")
    recorded = inputs(WEB)
    assert engine.diff(plugin, URN, recorded, **inputs(WEB)) is None
    assert engine.diff(plugin, URN, recorded, **inputs()) == ["objects"]
    assert list_reads(api) == []
    for operation in (engine.diff, engine.update):
        text = plugin.get_refusal(lambda call=operation: call(plugin, URN, recorded, **inputs(POLICY, WEB)))
        assert "ConfigMap shop-prod/web-1a2b" in text
        assert "Deployment" not in text
    assert set(list_reads(api)) == {"/api/v1/namespaces/shop-prod/configmaps/web-1a2b"}


def test_the_namespace_of_another_resource(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    """A workload that is used alone: a preview may not know its namespace, and the stack does not delete it."""
    unknown = inputs() | {"objects": values.UNKNOWN, "fixed": values.UNKNOWN}
    assert engine.create(plugin, URN, preview=True, **unknown) == unknown
    assert engine.diff(plugin, URN, inputs(WEB), **unknown) == ["objects"]
    recorded = inputs(WEB)
    text = plugin.get_refusal(lambda: engine.diff(plugin, URN, recorded, **recorded))
    assert "namespace shop-prod was deleted" in text
    assert read(plugin, recorded) == "", "pulumi up --refresh creates the objects again"
    api.put("v1", "Namespace", "", "shop-prod")
    assert read(plugin, recorded)


def test_a_new_object_is_recorded(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.put("v1", "Namespace", "", "shop-prod")
    both = inputs(POLICY, WEB)
    assert engine.diff(plugin, URN, inputs(WEB), **both) == ["objects"]
    assert engine.update(plugin, URN, inputs(WEB), **both) == both


def test_a_kind_without_permission_is_an_error(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.forbidden = {"/apis/apps/v1/namespaces/shop-prod/deployments"}
    text = plugin.get_refusal(lambda: engine.create(plugin, URN, **inputs(WEB)))
    assert "403 Forbidden: reading /apis/apps/v1/namespaces/shop-prod/deployments/web is not allowed" in text


SCALER = "autoscaling/v2/HorizontalPodAutoscaler/shop-prod/web"


def get_target(api: apiserver.ApiServer) -> str:
    _, live = api.answer("/apis/autoscaling/v2/namespaces/shop-prod/horizontalpodautoscalers/web")
    assert live["spec"]["maxReplicas"] == 5
    return live["spec"]["scaleTargetRef"]["name"]


def put_autoscaler(api: apiserver.ApiServer) -> None:
    spec = {"maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    api.put("autoscaling/v2", "HorizontalPodAutoscaler", "shop-prod", "web", labels=OURS, spec=spec)


def test_a_removed_autoscaler_is_detached_and_attached_again_by_a_revert(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    put_autoscaler(api)
    engine.update(plugin, URN, inputs(SCALER, WEB), preview=True, **inputs(WEB))
    assert get_target(api) == "web"
    engine.update(plugin, URN, inputs(SCALER, WEB), **inputs(WEB))
    assert get_target(api) == "web.nobody"
    engine.update(plugin, URN, inputs(WEB), **inputs(SCALER, WEB))
    assert get_target(api) == "web"


def test_an_autoscaler_that_is_removed_with_its_deployment_stays_attached(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    """Its pods still serve while those of the new Deployment start."""
    put_autoscaler(api)
    engine.update(plugin, URN, inputs(SCALER, WEB), **inputs(POLICY))
    assert get_target(api) == "web"


def test_a_missing_autoscaler_is_ignored(plugin: engine.Plugin) -> None:
    assert engine.update(plugin, URN, inputs(SCALER, WEB), **inputs(WEB)) == inputs(WEB)


def deploy(api: apiserver.ApiServer) -> dict[str, object]:
    """Put the shop and its recorded release into the cluster. Returns the inputs of the guard."""
    app = golden.load_example("shop")
    stack = settings.Settings(stack="prod", context="work", registry="registry.example.com")
    release_record = golden.create_record(app, stack)
    now = record_store.CurrentRelease(id=release_record.id, previous=None, since="2026-01-01T00:00:00Z")
    manifests = [release_object.manifest for release_object in release_record.render_objects()]
    saved = stored_record.StoredRecord.create(release_record, release.Provenance())
    config_maps = record_store.build_config_maps(release_record, release_record.id, saved)
    for manifest in (*manifests, *config_maps, record_store.build_current(release_record, now)):
        fields = copy.deepcopy(manifest)
        meta = fields.pop("metadata")
        more = {"labels": meta["labels"], "metadata": {"annotations": meta.get("annotations", {})}}
        api.put(fields.pop("apiVersion"), fields.pop("kind"), meta.get("namespace", ""), meta["name"], **fields, **more)
    return inputs(*(f"{live['apiVersion']}/{live['kind']}/shop-prod/{live['metadata']['name']}" for live in manifests))


def pack(value: object) -> str:
    return base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()


DAMAGE = {
    "text": ({"release.yaml": "x"}, {}),
    "format": ({"format": "9"}, {}),
    "parts": ({"parts": "x"}, {}),
    "no manifests": ({}, {"manifests.json.gz": ""}),
    "numbers": ({}, {"manifests.json.gz": pack({"items": [1]})}),
    "no metadata": ({}, {"manifests.json.gz": pack({"items": [{"kind": "X", "apiVersion": "v1"}]})}),
    "deep": ({}, {"manifests.json.gz": base64.b64encode(gzip.compress(b'{"items":' + b"[" * 100_000)).decode()}),
    "reference": (
        {},
        {
            "manifests.json.gz": pack(
                {"items": [{"kind": "X", "apiVersion": "v1", "metadata": {"name": "x"}, "secretKeyRef": 5}]}
            )
        },
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_is_a_warning_and_blocks_nothing(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display, damage: str
) -> None:
    declared = deploy(api)
    _, pointer = api.answer(record_store.get_path("shop-prod", record_store.CURRENT_NAME))
    name = record_store.get_name(pointer["data"]["id"])
    _, stored = api.answer(record_store.get_path("shop-prod", name))
    data, binary = DAMAGE[damage]
    changed = {"data": {**stored["data"], **data}, "binaryData": {**stored["binaryData"], **binary}}
    with contextlib.suppress(stored_record.UnreadableRecordError):
        changed["data"]["sha256"] = stored_record.StoredRecord.join_parts([changed]).sha256
    api.put("v1", "ConfigMap", "shop-prod", name, **changed)
    assert engine.diff(plugin, URN, declared, **declared) is None
    if damage != "text":  # the guard does not read the text
        (line,) = display.lines
        assert line.severity == "WARNING"
        assert pointer["data"]["id"] in line.text


def test_a_preview_reports_edits_by_hand(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    """The update overwrites them, so they must be reported."""
    declared = deploy(api)
    assert engine.diff(plugin, URN, declared, **declared) is None
    assert display.lines == []
    _, live = api.answer("/apis/apps/v1/namespaces/shop-prod/deployments/web")
    manager = {"manager": "kubectl-scale", "time": "2026-02-03T04:05:06Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    spec = live["spec"] | {"replicas": 5}
    api.put("apps/v1", "Deployment", "shop-prod", "web", spec=spec, metadata={"managedFields": [manager]})
    api.remove("v1", "Service", "shop-prod", "api")
    assert engine.diff(plugin, URN, declared, **declared) is None
    assert {line.severity for line in display.lines} == {"WARNING"}
    edited, deleted, hint = (line.text for line in display.lines)
    assert edited.startswith(
        "Deployment web was edited by hand: spec.replicas is 5, declared 2 (kubectl-scale at 2026-"
    )
    assert deleted == "Service api was deleted by hand"
    assert hint == "an update that changes the object reverts the edit: seaway status --drift"
    # The resources of a further application have its name as a prefix.
    assert engine.diff(plugin, URN.replace("::objects", "::blog-objects"), declared, **declared) is None
    assert display.lines[-1].text.endswith(": seaway status --application blog --drift")


def test_changes_of_a_failed_release_are_not_edits_by_hand(
    plugin: engine.Plugin, api: apiserver.ApiServer, display: engine.Display
) -> None:
    declared = deploy(api)
    _, live = api.answer("/apis/apps/v1/namespaces/shop-prod/deployments/web")
    manager = {"manager": "pulumi-kubernetes-1a2b", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    spec = live["spec"] | {"replicas": 3}
    api.put("apps/v1", "Deployment", "shop-prod", "web", spec=spec, metadata={"managedFields": [manager]})
    assert engine.diff(plugin, URN, declared, **declared) is None
    assert display.lines == []


@pytest.mark.parametrize(
    ("before", "now"),
    [(("blog", []), ("shop", ["blog"])), (("shop", ["blog"]), ("blog", []))],
)
def test_an_application_that_moves_is_refused(
    plugin: engine.Plugin, wording: object, before: tuple[str, list[str]], now: tuple[str, list[str]]
) -> None:
    recorded, declared = ({**inputs(), "partOf": name, "applications": further} for name, further in (before, now))
    text = plugin.get_refusal(lambda: engine.diff(plugin, URN, recorded, **declared))
    assert text.splitlines()[0].endswith("[moved-application]")
    assert [text] == wording
    assert engine.diff(plugin, URN, {**recorded, "applications": []}, **{**declared, "applications": []}) == ["partOf"]
