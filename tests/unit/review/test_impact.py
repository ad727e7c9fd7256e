"""The impact of each kind of change, from previews as Pulumi prints them. The snapshot has the reasons."""

import copy
import dataclasses
import json
from typing import Any

import pytest

from seaway.manifests import names
from seaway.model import application, settings
from seaway.review import change, impact, pulumi_preview
from tests.unit.review import previews

SHOP = previews.render_shop()
CLAIMS = "spec.volumeClaimTemplates"


PORTS = SHOP["Service/web"]["spec"]["ports"]
UDP_PORT = {**PORTS[0], "name": "udp", "protocol": "UDP", "targetPort": "udp"}


def with_service(name: str, **fields: Any) -> previews.Manifests:
    def replace(app: application.Application) -> application.Application:
        services = [dataclasses.replace(each, **fields) if each.name == name else each for each in app.services]
        return dataclasses.replace(app, services=tuple(services))

    return previews.render_shop(replace)


def with_external_store() -> previews.Manifests:
    """The database runs elsewhere."""
    external = application.External(host="db.example.com")

    def replace(app: application.Application) -> application.Application:
        (store,) = app.stores
        return dataclasses.replace(app, stores=(dataclasses.replace(store, external=external),))

    return previews.render_shop(replace)


def edit(key: str, path: str, value: Any, manifests: previews.Manifests = SHOP) -> previews.Manifests:
    """Manifests with another field; None deletes it."""
    edited = copy.deepcopy(manifests)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    mapping: Any = edited[key]
    for part in parents:
        mapping = mapping[part]
    if value is None:
        del mapping[last]
    else:
        mapping[last] = value
    return edited


def without(key: str, manifests: previews.Manifests = SHOP) -> previews.Manifests:
    return {other: manifest for other, manifest in manifests.items() if other != key}


def with_ingress(*hosts: str, **fields: Any) -> previews.Manifests:
    ingress = settings.Ingress(hosts={"web": hosts}, **fields)
    return previews.render_shop(stack=dataclasses.replace(previews.STACK, publish="ingress", ingress=ingress))


def with_gateway(
    *hosts: str, headers: dict[str, dict[str, str]] | None = None, name: str | None = None, **fields: Any
) -> previews.Manifests:
    ingress = settings.Ingress(hosts={"web": hosts}, **fields)
    class_name = None if name else "cilium"
    gateway = settings.Gateway(class_name=class_name, name=name, headers=headers or {})
    stack = dataclasses.replace(previews.STACK, publish="gateway", ingress=ingress, gateway=gateway)
    return previews.render_shop(stack=stack)


SECURE = with_gateway("a.b", tls_secret="t")
GATEWAY_CASES: dict[str, tuple[previews.Manifests, previews.Manifests, dict[str, str]]] = {
    "added": (SHOP, with_gateway("a.b"), {"added Gateway/shop": "none", "added HTTPRoute/web.a.b": "none"}),
    "removed": (with_gateway("a.b"), SHOP, {"removed Gateway/shop": "outage", "removed HTTPRoute/web.a.b": "outage"}),
    "path": (with_gateway("a.b/x"), with_gateway("a.b/y"), {"changed HTTPRoute/web.a.b": "outage"}),
    "header": (
        with_gateway("a.b"),
        with_gateway("a.b", headers={"web": {"X-A": "b"}}),
        {"changed HTTPRoute/web.a.b": "outage"},
    ),
    "no TLS": (
        SECURE,
        with_gateway("a.b"),
        {
            "changed Gateway/shop": "outage",
            "changed HTTPRoute/web.a.b": "none",
            "removed HTTPRoute/https-redirect.a.b": "none",
        },
    ),
    "class": (
        with_gateway("a.b"),
        edit("Gateway/shop", "spec.gatewayClassName", "istio", with_gateway("a.b")),
        {"changed Gateway/shop": "outage"},
    ),
    "another Gateway": (
        with_gateway("a.b"),
        with_gateway("a.b", name="public"),
        {"changed HTTPRoute/web.a.b": "outage", "removed Gateway/shop": "outage"},
    ),
}


@pytest.mark.parametrize("case", GATEWAY_CASES)
def test_impact_of_a_changed_gateway(case: str, wording: Any) -> None:
    old, new, levels = GATEWAY_CASES[case]
    lines = [line for line in previews.compare(old, new) if " Gateway/" in line or " HTTPRoute/" in line]
    assert get_levels(lines) == levels
    assert lines == wording


def get_levels(lines: list[str], kind: str = "") -> dict[str, str]:
    """The impact by operation and object, of one kind or of all."""
    return dict(line.split(": ")[:2] for line in lines if f" {kind}" in line.split(": ")[0])


def test_a_renamed_service_is_removed_and_added(wording: Any) -> None:
    def rename(app: application.Application) -> application.Application:
        services = [dataclasses.replace(each, name="cart") if each.name == "worker" else each for each in app.services]
        return dataclasses.replace(app, services=tuple(services))

    lines = previews.compare(SHOP, previews.render_shop(rename))
    outages = [title for title, level in get_levels(lines).items() if level != "none"]
    assert outages == ["removed Deployment/worker"]
    assert sorted(lines) == wording


CASES: dict[str, tuple[previews.Manifests, previews.Manifests, dict[str, str]]] = {
    "bigger volume": (
        SHOP,
        edit("StatefulSet/db", f"{CLAIMS}.0.spec.resources.requests.storage", "2Gi"),
        {"changed StatefulSet/db": "none"},
    ),
    "smaller volume": (
        SHOP,
        edit("StatefulSet/db", f"{CLAIMS}.0.spec.resources.requests.storage", "512Mi"),
        {"replaced StatefulSet/db": "data loss"},
    ),
    "renamed volume": (
        SHOP,
        edit("StatefulSet/db", f"{CLAIMS}.0.metadata.name", "disk"),
        {"replaced StatefulSet/db": "data loss"},
    ),
    "removed store, by the policy of the live object": (
        edit("StatefulSet/db", "spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Delete"),
        without("StatefulSet/db"),
        {"removed StatefulSet/db": "data loss"},
    ),
    "other major version": (
        SHOP,
        edit("StatefulSet/db", "spec.template.spec.containers.0.image", "postgres:18"),
        {"changed StatefulSet/db": "data loss"},
    ),
    "removed store": (SHOP, without("StatefulSet/db"), {"removed StatefulSet/db": "outage"}),
    "store that becomes external": (
        SHOP,
        with_external_store(),
        {f"removed {kind}/db": "none" for kind in ("ServiceAccount", "NetworkPolicy")}
        | {f"removed {kind}/db": "outage" for kind in ("Service", "StatefulSet")}
        | {"changed Deployment/api": "rolling", "removed Secret/db-secrets": "none", "changed Job/migrate": "none"}
        | {f"changed NetworkPolicy/{name}": "none" for name in ("api", "migrate")},
    ),
    "removed service": (SHOP, without("Service/api"), {"removed Service/api": "outage"}),
    "built image": (
        SHOP,
        edit("Deployment/web", "spec.template.spec.containers.0.image", previews.UNKNOWN),
        {"changed Deployment/web": "rolling"},
    ),
    "image of a store": (
        SHOP,
        edit("StatefulSet/db", "spec.template.spec.containers.0.image", "postgres:17.5"),
        {"changed StatefulSet/db": "outage"},
    ),
    "configuration": (
        SHOP,
        with_service("worker", files=(application.File("/etc/shop/worker.ini", content="[worker]\nseconds = 5\n"),)),
        {"changed Deployment/worker": "rolling", "changed ConfigMap/worker-config": "none"},
    ),
    "UDP beside TCP": (SHOP, edit("Service/web", "spec.ports", [*PORTS, UDP_PORT]), {"changed Service/web": "none"}),
    "UDP instead of TCP": (SHOP, edit("Service/web", "spec.ports", [UDP_PORT]), {"changed Service/web": "outage"}),
    "opened service": (SHOP, edit("Service/web", "spec.type", "LoadBalancer"), {"changed Service/web": "none"}),
    "port": (
        SHOP,
        with_service("api", port=9000),
        {"changed Service/api": "outage"}
        | {f"changed Deployment/{name}": "rolling" for name in ("api", "web", "worker")},
    ),
    "removed link": (
        SHOP,
        with_service("web", calls=()),
        {"changed Deployment/web": "rolling", "changed NetworkPolicy/web": "none", "changed NetworkPolicy/api": "none"},
    ),
    "field of pods that the model does not have": (
        SHOP,
        edit("Deployment/web", "spec.template.spec.priorityClassName", "high"),
        {"changed Deployment/web": "rolling"},
    ),
    "field outside of pods": (
        SHOP,
        edit("Deployment/web", "spec.revisionHistoryLimit", 5),
        {"changed Deployment/web": "none"},
    ),
    "deployment scaled to 0": (SHOP, edit("Deployment/web", "spec.replicas", 0), {"changed Deployment/web": "outage"}),
    "store scaled to 0": (SHOP, edit("StatefulSet/db", "spec.replicas", 0), {"changed StatefulSet/db": "outage"}),
    "quota": (
        SHOP,
        previews.render_shop(stack=dataclasses.replace(previews.STACK, quota=True)),
        {"added LimitRange/seaway": "none", "added ResourceQuota/seaway": "none"},
    ),
    "quota removed": (
        previews.render_shop(stack=dataclasses.replace(previews.STACK, quota=True)),
        SHOP,
        {"removed LimitRange/seaway": "none", "removed ResourceQuota/seaway": "none"},
    ),
    "autoscaler": (
        with_service("web", scale=application.Scale(min=4)),
        with_service("web", scale=application.Scale(max=10)),
        {"changed Deployment/web": "none", "added HorizontalPodAutoscaler/web": "none"},
    ),
    "autoscaler removed": (
        with_service("web", scale=application.Scale(max=10)),
        with_service("web", scale=application.Scale(min=4)),
        {"changed Deployment/web": "none", "removed HorizontalPodAutoscaler/web": "none"},
    ),
    "other bounds of an autoscaler": (
        with_service("web", scale=application.Scale(min=2, max=10)),
        with_service("web", scale=application.Scale(min=5, max=10)),
        {"changed Deployment/web": "none", "changed HorizontalPodAutoscaler/web": "none"},
    ),
    # With one pod, the budget goes too.
    "autoscaler removed, a single pod": (
        with_service("web", scale=application.Scale(max=10)),
        with_service("web", scale=application.Scale(min=1)),
        {
            "changed Deployment/web": "none",
            "removed HorizontalPodAutoscaler/web": "none",
            "removed PodDisruptionBudget/web": "none",
        },
    ),
    "job of another release": (
        SHOP,
        previews.render_shop(
            lambda app: dataclasses.replace(app, jobs=tuple(dataclasses.replace(job, args=("-v",)) for job in app.jobs))
        ),
        {"changed Job/migrate": "none"},
    ),
}


@pytest.mark.parametrize(("old", "new", "levels"), CASES.values(), ids=CASES)
def test_impact_of_a_change(
    old: previews.Manifests, new: previews.Manifests, levels: dict[str, str], wording: Any
) -> None:
    replaced = {title.removeprefix("replaced "): [CLAIMS] for title in levels if title.startswith("replaced ")}
    lines = previews.compare(old, new, replaced=replaced)
    assert get_levels(lines) == levels
    assert sorted(lines) == wording


def test_a_changed_selector_replaces_the_deployment(wording: Any) -> None:
    new = edit("Deployment/web", "spec.selector.matchLabels.tier", "front")
    new["Service/web"]["spec"]["selector"]["tier"] = "front"
    lines = previews.compare(SHOP, new, replaced={"Deployment/web": [".spec.selector"]})
    assert get_levels(lines) == {"replaced Deployment/web": "outage", "changed Service/web": "outage"}
    assert lines == wording


def test_another_namespace_loses_the_volumes(wording: Any) -> None:
    new = previews.render_shop(lambda app: dataclasses.replace(app, name="store"))
    lines = previews.compare(SHOP, new, replaced={key: ["provider"] for key in SHOP})
    assert (
        get_levels(lines).items()
        >= {
            "removed Namespace/shop-test": "data loss",
            "replaced StatefulSet/db": "data loss",
            "replaced Deployment/web": "outage",
            "replaced Service/web": "outage",
            "replaced ServiceAccount/web": "none",
        }.items()
    )
    assert sorted(lines) == wording


@pytest.mark.parametrize(
    ("kind", "manifests", "paths", "level"),
    [
        ("Namespace", ({"a": 1}, {"a": 2}), (), change.Impact.DATA_LOSS),
        ("GeneratedSecret", ({"length": 32}, {"length": 40}), ("length",), change.Impact.OUTAGE),
        ("GeneratedSecret", ({"length": 32}, None), None, change.Impact.NONE),
        ("PersistentVolumeClaim", ({"a": 1}, None), None, change.Impact.DATA_LOSS),
        ("PersistentVolumeClaim", ({"a": 1}, {"a": 2}), ("spec.storageClassName",), change.Impact.DATA_LOSS),
        ("Queue", ({"a": 1}, None), None, change.Impact.OUTAGE),
        ("Queue", ({"a": 1}, {"a": 2}), None, change.Impact.NONE),
        ("Queue", ({"a": 1}, {"a": 2}), (), change.Impact.OUTAGE),
    ],
)
def test_impact_by_kind(
    kind: str, manifests: tuple[Any, Any], paths: tuple[str, ...] | None, level: change.Impact, wording: Any
) -> None:
    old, new = manifests
    object_diff = change.ObjectDiff(kind=kind, name="x", old=old, new=new, replace_paths=paths)
    actual, reason = impact.assess_change(object_diff)
    assert actual is level
    assert [reason or "-"] == wording


def test_replicas_of_an_autoscaler_are_not_a_change() -> None:
    """Pulumi's state keeps an ignored field: 4, if the service had 4 pods before its autoscaler."""
    fixed, scaled = (with_service("web", scale=application.Scale(**scale)) for scale in ({"min": 4}, {"max": 10}))
    for manifests in (fixed, scaled):
        manifests["Deployment/web"]["spec"]["replicas"] = 4
    bounds = [with_service("web", scale=application.Scale(min=minimum, max=10)) for minimum in (2, 3)]
    annotation = f"metadata.annotations[{names.SCALE_ANNOTATION}]"
    for before, after, paths in ((fixed, scaled, [annotation, "spec.replicas"]), (*bounds, [annotation])):
        preview = pulumi_preview.parse(previews.format_preview(before, after))
        (deployment,) = (each for each in preview.object_diffs if each.kind == "Deployment")
        assert [field.path for field in change.compare_fields(deployment, [])] == paths


def test_a_captured_secret_change_rolls() -> None:
    lines = previews.list_changes(previews.read_captured("secret"))
    assert get_levels(lines) == {"changed Deployment/web": "rolling", "changed Secret/web-secrets": "none"}


def test_a_captured_removal_is_an_outage() -> None:
    assert get_levels(previews.list_changes(previews.read_captured("removal"))) == {
        "removed Deployment/worker": "outage",
        "removed ConfigMap/worker-config": "none",
        "removed ServiceAccount/worker": "none",
    }


@pytest.mark.parametrize(
    ("path", "value"), [("spec.ports.0.targetPort", 9), ("spec.ports.0.nodePort", 30001), ("spec.type", "ClusterIP")]
)
def test_a_changed_way_from_outside_is_an_outage(path: str, value: Any, wording: Any) -> None:
    old = edit("Service/web", "spec.ports.0.nodePort", 30000, edit("Service/web", "spec.type", "NodePort"))
    lines = previews.compare(old, edit("Service/web", path, value, old))
    assert get_levels(lines) == {"changed Service/web": "outage"}
    assert lines == wording


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [
        (with_ingress("shop.example.com", "a.b"), with_ingress("a.b", "c.d"), "changed Ingress/web: outage"),
        (with_ingress("a.b"), with_ingress("a.b", "c.d"), "changed Ingress/web: none"),
        (with_ingress("a.b", "c.d"), SHOP, "removed Ingress/web: outage"),
        (SHOP, with_ingress("a.b"), "added Ingress/web: none"),
        (with_ingress("a.b/x"), with_ingress("a.b/y"), "changed Ingress/web: outage"),
        (with_ingress("a.b/x", "a.b/y"), with_ingress("a.b"), "changed Ingress/web: none"),
        (with_ingress("a.b/x"), with_ingress("a.b/xy"), "changed Ingress/web: outage"),
        (with_ingress("a.b", issuer="le"), with_ingress("a.b"), "changed Ingress/web: outage"),
        (with_ingress("a.b", issuer="le"), with_ingress("a.b", tls_secret="t"), "changed Ingress/web: none"),
        (with_ingress("a.b"), with_ingress("a.b", issuer="le"), "changed Ingress/web: none"),
        (with_ingress("a.b"), with_ingress("a.b", class_name="nginx"), "changed Ingress/web: outage"),
    ],
)
def test_impact_of_a_changed_ingress(
    old: previews.Manifests, new: previews.Manifests, level: str, wording: Any
) -> None:
    lines = [line for line in previews.compare(old, new) if " Ingress/" in line]
    assert [": ".join(line.split(": ")[:2]) for line in lines] == [level]
    assert lines == wording


def test_the_first_policies_of_a_namespace_are_harmless() -> None:
    unrestricted = {key: manifest for key, manifest in SHOP.items() if manifest["kind"] != "NetworkPolicy"}
    levels = get_levels(previews.compare(unrestricted, SHOP), "NetworkPolicy")
    assert set(levels.values()) == {"none"}
    assert len(levels) == 6
    levels = get_levels(previews.compare(with_ingress("a.b"), with_ingress("a.b", issuer="le")), "NetworkPolicy")
    assert levels == {"added NetworkPolicy/acme-challenges": "none"}


@pytest.mark.parametrize(
    ("key", "spec", "level"),
    [
        ("Deployment/web", {"replicas": 1}, "rolling"),
        ("Deployment/web", {"replicas": 1, "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}}, "rolling"),
        ("Deployment/web", {"replicas": 1, "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}, "outage"),
        ("Deployment/web", {"replicas": 1, "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}}, "outage"),
        ("Deployment/web", {"replicas": 4}, "rolling"),
        ("Deployment/web", {"replicas": 4, "rollingUpdate": {"maxUnavailable": "100%"}}, "outage"),
        ("Deployment/web", {"replicas": 4, "rollingUpdate": {"maxUnavailable": "49%"}}, "rolling"),
        ("Deployment/web", {"replicas": 0}, "none"),
        ("Deployment/web", {"type": "Recreate"}, "outage"),
        ("StatefulSet/db", {"updateStrategy": {"type": "OnDelete"}}, "none"),
        ("StatefulSet/db", {"replicas": 3}, "rolling"),
    ],
)
def test_impact_of_a_rollout(key: str, spec: dict[str, Any], level: str, wording: Any) -> None:
    strategy = {name: spec[name] for name in ("type", "rollingUpdate") if name in spec}
    rest = {name: field for name, field in spec.items() if name not in strategy}
    old = copy.deepcopy(SHOP)
    old[key]["spec"] |= rest | ({"strategy": strategy} if key == "Deployment/web" else {})
    lines = previews.compare(old, edit(key, "spec.template.spec.priorityClassName", "high", old))
    assert get_levels(lines) == {f"changed {key}": level}
    assert lines == wording


def test_scaling_down_may_delete_claims(wording: Any) -> None:
    old = edit("StatefulSet/db", "spec.replicas", 3)
    old["StatefulSet/db"]["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = "Delete"
    lines = previews.compare(old, edit("StatefulSet/db", "spec.replicas", 2, old))
    assert get_levels(lines) == {"changed StatefulSet/db": "data loss"}
    assert lines == wording


def test_an_edit_in_the_cluster_rolls_too() -> None:
    """The declared object has not changed, but Pulumi sees that the live one differs."""
    manifest, path = SHOP["Deployment/web"], "spec.template.spec.containers[0].image"
    step = previews.build_step("update", "Deployment/web", manifest, manifest, detailedDiff={path: {"kind": "update"}})
    (object_diff,) = pulumi_preview.parse(json.dumps({"steps": [step]})).object_diffs
    assert impact.assess_change(object_diff)[0] is change.Impact.ROLLING
    edited = change.FieldDiff(path=path, old="(edited in the cluster)", new="(as declared)")
    assert change.compare_fields(object_diff, []) == (edited,)


@pytest.mark.parametrize(
    ("kind", "path", "value", "immutable"),
    [
        ("StatefulSet/db", f"{CLAIMS}.0.spec.resources.requests.storage", "512Mi", [CLAIMS]),
        ("StatefulSet/db", f"{CLAIMS}.0.spec.resources.requests.storage", "2Gi", None),
        ("StatefulSet/db", f"{CLAIMS}.0.spec.storageClassName", "fast", [CLAIMS]),
        ("Service/web", "metadata.namespace", "other", ["metadata.namespace"]),
        ("Deployment/web", "spec.replicas", 5, None),
        ("ConfigMap/", "data.etc_shop_worker-ini", "x", ["data"]),
    ],
)
def test_immutable_fields_are_those_of_the_provider(kind: str, path: str, value: Any, immutable: Any) -> None:
    key = next(key for key in SHOP if key.startswith(kind))
    assert impact.find_immutable_changes(SHOP[key], edit(key, path, value)[key]) == immutable
