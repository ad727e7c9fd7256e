"""What a change does, for the kinds of change that there are, each from a preview as Pulumi prints it."""

import copy
import dataclasses
import json
import re
from typing import Any

import pytest

from seaway.manifests import names
from seaway.model import application, settings
from seaway.review import change, impact, pulumi_preview
from tests.unit.review import previews

ROLLS = ("rolling", "old pods go when new ones are ready")
DB_STOPS = ("outage", "db has one pod, which stops before the new one starts")
CONFIG = ("none", "another content is another object: the pods that use it are replaced")
LINKS = "what it opens is open before the pods change, what it closes only after"
KEPT = "it stays in the cluster, for the pods that still need it"


def service(name: str, **changes: Any) -> previews.Manifests:
    """Shop with another service."""

    def changed(app: application.Application) -> application.Application:
        found = [dataclasses.replace(one, **changes) if one.name == name else one for one in app.services]
        return dataclasses.replace(app, services=tuple(found))

    return previews.shop(changed)


def edited(key: str, path: str, value: Any) -> previews.Manifests:
    """Shop with another field; None takes it away."""
    made = previews.shop()
    *above, last = path.split(".")
    where: Any = made[key]
    for each in above:
        where = where[int(each) if each.isdigit() else each]
    if value is None:
        del where[last]
    else:
        where[last] = value
    return made


def brief(old: previews.Manifests, new: previews.Manifests, **more: Any) -> dict[str, tuple[str, str]]:
    """Impact and reason of each change, by what happens to which object."""
    return {f"{op} {title}": (level, why) for op, title, level, why in previews.told(previews.text(old, new, **more))}


def led(*hosts: str, **more: Any) -> previews.Manifests:
    """The shop with an Ingress."""
    ingress = settings.Ingress(hosts={"web": hosts}, **more)
    return previews.shop(stack=dataclasses.replace(previews.STACK, publish="ingress", ingress=ingress))


def about(kind: str, told: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Of one kind of objects, without the hashes of their names."""
    return {re.sub("-[0-9a-f]{10}$", "", title): told.pop(title) for title in list(told) if f" {kind}/" in title}


def test_rename() -> None:
    def renamed(app: application.Application) -> application.Application:
        found = [dataclasses.replace(one, name="cart") if one.name == "worker" else one for one in app.services]
        return dataclasses.replace(app, services=tuple(found))

    told = brief(previews.shop(), previews.shop(renamed))
    assert about("NetworkPolicy", told) == {
        "removed NetworkPolicy/worker": ("none", ""),
        "added NetworkPolicy/cart": ("none", ""),
        "changed NetworkPolicy/api": ("none", LINKS),
    }
    (config,) = (title for title in told if title.startswith("removed ConfigMap/worker-config-"))
    assert told.pop(config) == ("none", KEPT)
    (made,) = (title for title in told if title.startswith("added ConfigMap/cart-config-"))
    assert told.pop(made) == ("none", "")
    assert told == {
        "removed Deployment/worker": ("outage", "worker runs no more"),
        "removed ServiceAccount/worker": ("none", ""),
        "added Deployment/cart": ("none", ""),
        "added ServiceAccount/cart": ("none", ""),
    }


def test_selector() -> None:
    new = edited("Deployment/web", "spec.selector.matchLabels.tier", "front")
    new["Service/web"]["spec"]["selector"]["tier"] = "front"
    why = "deleted first, then made anew (spec.selector cannot be changed): no pod answers in between"
    assert brief(previews.shop(), new, replaced={"Deployment/web": [".spec.selector"]}) == {
        "replaced Deployment/web": ("outage", why),
        "changed Service/web": ("outage", "web has no pods behind it until some have the new labels"),
    }


def test_volume() -> None:
    claims = "spec.volumeClaimTemplates"
    bigger = edited("StatefulSet/db", f"{claims}.0.spec.resources.requests.storage", "2Gi")
    again = "deleted first, then made anew (spec.volumeClaimTemplates cannot be changed)"
    replaced = {"StatefulSet/db": [claims]}
    assert brief(previews.shop(), bigger, replaced=replaced) == {
        "replaced StatefulSet/db": ("outage", f"{again}: no pod answers in between; data-db-0 is kept as it is")
    }
    other = edited("StatefulSet/db", f"{claims}.0.metadata.name", "disk")
    lost = f"{again}, with an empty volume: no pod has data-db-0 any more"
    assert brief(previews.shop(), other, replaced=replaced) == {"replaced StatefulSet/db": ("data loss", lost)}


def test_a_set_that_takes_its_claims_along() -> None:
    """The policy that counts is that of the set that is there."""
    policy = "spec.persistentVolumeClaimRetentionPolicy.whenDeleted"
    old = edited("StatefulSet/db", policy, "Delete")
    gone = {key: one for key, one in previews.shop().items() if key != "StatefulSet/db"}
    why = "db runs no more; data-db-0 is deleted with it (whenDeleted: Delete)"
    assert brief(old, gone) == {"removed StatefulSet/db": ("data loss", why)}
    kept = "db runs no more; data-db-0 is kept as it is"
    assert brief(previews.shop(), gone) == {"removed StatefulSet/db": ("outage", kept)}


def test_namespace() -> None:
    def renamed(app: application.Application) -> application.Application:
        return dataclasses.replace(app, name="store")

    old, new = previews.shop(), previews.shop(renamed)
    told = brief(old, new, replaced={key: ["provider"] for key in old})
    again = "deleted first, then made anew (metadata.namespace cannot be changed)"
    assert told["removed Namespace/shop-test"] == (
        "data loss",
        "everything in the namespace is deleted, the volumes of stores too",
    )
    assert told["replaced StatefulSet/db"] == (
        "data loss",
        f"{again}, with an empty volume: no pod has data-db-0 any more",
    )
    assert told["replaced Deployment/web"] == ("outage", f"{again}: no pod answers in between")
    assert told["replaced Service/web"] == (
        "outage",
        f"{again}: no requests come in in between, and its address is another one",
    )
    assert told["replaced ServiceAccount/web"] == ("none", again)


def test_namespace_replaced() -> None:
    pair = change.ObjectDiff(kind="Namespace", name="shop", old={"a": 1}, new={"a": 2}, replace_paths=())
    assert impact.assess_change(pair) == (
        change.Impact.DATA_LOSS,
        "deleted first, then made anew: everything in it is deleted, the volumes of stores too",
    )


def test_a_job_of_another_release() -> None:
    """Its name follows from its content: what goes and what comes are one."""

    def other(app: application.Application) -> application.Application:
        return dataclasses.replace(app, jobs=tuple(dataclasses.replace(one, args=("-v",)) for one in app.jobs))

    told = brief(previews.shop(), previews.shop(other))
    assert [title.rpartition("-")[0] for title in told] == ["changed Job/migrate"]
    assert list(told.values()) == [("none", "runs once, before the services change")]


def test_autoscaling_on_and_off() -> None:
    fixed, scaled = service("web", scale=application.Scale(min=4)), service("web", scale=application.Scale(max=10))
    assert brief(fixed, scaled) == {
        "changed Deployment/web": ("none", "an autoscaler begins with the pods that run now, and keeps to 2 to 10"),
        "added HorizontalPodAutoscaler/web": ("none", ""),
    }
    assert brief(scaled, fixed) == {
        "changed Deployment/web": ("none", "4 pods from now on, however many the autoscaler runs now"),
        "removed HorizontalPodAutoscaler/web": ("none", ""),
    }
    # One pod can be spared no more, and has no budget.
    assert brief(scaled, service("web", scale=application.Scale(min=1)))["changed Deployment/web"] == (
        "none",
        "1 pod from now on, however many the autoscaler runs now",
    )


def test_other_bounds_of_an_autoscaler() -> None:
    few, many = (service("web", scale=application.Scale(min=least, max=10)) for least in (2, 5))
    assert brief(few, many) == {
        "changed Deployment/web": ("none", "the autoscaler keeps to 5 to 10 pods instead of 2 to 10"),
        "changed HorizontalPodAutoscaler/web": ("none", ""),
    }


def test_a_number_that_an_autoscaler_decides_is_no_change() -> None:
    """What Pulumi ignores stays in its state as it was: 4, where the service was given 4 before its autoscaler."""
    fixed, scaled = service("web", scale=application.Scale(min=4)), service("web", scale=application.Scale(max=10))
    for one in (fixed, scaled):
        one["Deployment/web"]["spec"]["replicas"] = 4
    found = pulumi_preview.parse(previews.text(fixed, scaled))
    (deployment,) = (one for one in found.object_diffs if one.kind == "Deployment")
    assert [(one.path, one.old, one.new) for one in change.compare_fields(deployment, {})] == [
        (f"metadata.annotations[{names.SCALE_ANNOTATION}]", None, "2-10"),
        ("spec.replicas", 4, None),
    ]
    bounds = [service("web", scale=application.Scale(min=least, max=10)) for least in (2, 3)]
    found = pulumi_preview.parse(previews.text(*bounds))
    (deployment,) = (one for one in found.object_diffs if one.kind == "Deployment")
    assert [one.path for one in change.compare_fields(deployment, {})] == [
        f"metadata.annotations[{names.SCALE_ANNOTATION}]"
    ]


@pytest.mark.parametrize("quota", [True, False])
def test_a_quota_comes_and_goes_without_harm(quota: bool) -> None:
    with_quota = previews.shop(stack=dataclasses.replace(previews.STACK, quota=True))
    told = brief(*((previews.shop(), with_quota) if quota else (with_quota, previews.shop())))
    op = "added" if quota else "removed"
    assert told == {f"{op} LimitRange/seaway": ("none", ""), f"{op} ResourceQuota/seaway": ("none", "")}


def test_image() -> None:
    built = edited("Deployment/web", "spec.template.spec.containers.0.image", previews.UNKNOWN)
    assert brief(previews.shop(), built) == {"changed Deployment/web": ROLLS}
    store = edited("StatefulSet/db", "spec.template.spec.containers.0.image", "postgres:18")
    assert brief(previews.shop(), store) == {"changed StatefulSet/db": DB_STOPS}


def test_config() -> None:
    files = (application.File("/etc/shop/worker.ini", content="[worker]\nseconds = 5\n"),)
    told = brief(previews.shop(), service("worker", files=files))
    assert [title.rpartition("-")[0] for title in told] == ["", "changed ConfigMap/worker-config"]
    assert list(told.values()) == [ROLLS, CONFIG]


def test_secret() -> None:
    told = previews.told(previews.captured("secret"))
    assert [(op, title.rstrip("0123456789abcdef"), level) for op, title, level, _ in told] == [
        ("changed", "Deployment/w", "rolling"),
        ("changed", "Secret/web-secrets-", "none"),
    ]
    assert told[1][3] == CONFIG[1]


def test_a_generated_secret_of_another_length_is_another_value() -> None:
    pair = change.ObjectDiff(
        kind="GeneratedSecret", name="KEY", old={"length": 32}, new={"length": 40}, replace_paths=["length"]
    )
    assert impact.assess_change(pair) == (
        change.Impact.OUTAGE,
        "it gets another value: a store that was set up with the old one keeps that",
    )
    gone = dataclasses.replace(pair, new=None, replace_paths=None)
    assert impact.assess_change(gone) == (change.Impact.NONE, "its value is forgotten: made again, it is another one")


def test_port() -> None:
    told = brief(previews.shop(), service("api", port=9000))
    assert told.pop("changed Service/api") == (
        "outage",
        "port 8000 of api answers no more, and callers use it until they are replaced",
    )
    assert told == {f"changed Deployment/{name}": ROLLS for name in ("api", "web", "worker")}


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("spec.ports.0.targetPort", 9, "port 8000 of web goes to one that the running pods do not listen on"),
        ("spec.ports.0.nodePort", 30001, "port 8000 of web has another node port"),
        ("spec.type", "ClusterIP", "web is not reachable from outside any more as it was (NodePort)"),
    ],
)
def test_the_way_from_outside(path: str, value: Any, why: str) -> None:
    old = edited("Service/web", "spec.type", "NodePort")
    old["Service/web"]["spec"]["ports"][0]["nodePort"] = 30000
    new = copy.deepcopy(old)
    *above, last = path.split(".")
    where: Any = new["Service/web"]
    for each in above:
        where = where[int(each) if each.isdigit() else each]
    where[last] = value
    assert brief(old, new) == {"changed Service/web": ("outage", why)}
    opened = edited("Service/web", "spec.type", "LoadBalancer")
    assert brief(previews.shop(), opened) == {"changed Service/web": ("none", "")}


def test_host() -> None:
    old, why = led("shop.example.com", "a.example"), "not reachable from outside any more: "
    told = brief(old, led("a.example", "b.example"))
    assert about("Ingress", told) == {"changed Ingress/web": ("outage", f"{why}shop.example.com")}
    assert told == {"changed Deployment/web": ("none", "")}, "where it is found, and no new pods"
    told = brief(old, led("shop.example.com", "a.example", "b.example"))
    assert about("Ingress", told) == {"changed Ingress/web": ("none", "")}
    told = brief(old, previews.shop())
    assert about("Ingress", told) == {"removed Ingress/web": ("outage", f"{why}a.example, shop.example.com")}
    assert about("NetworkPolicy", told) == {"changed NetworkPolicy/web": ("none", LINKS)}
    told = brief(previews.shop(), old)
    assert about("Ingress", told) == {"added Ingress/web": ("none", "")}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (led("a.b/x"), led("a.b/y"), "not reachable from outside any more: a.b/x"),
        (led("a.b/x", "a.b/y"), led("a.b"), ""),
        (led("a.b/x"), led("a.b/xy"), "not reachable from outside any more: a.b/x"),
        (led("a.b", issuer="le"), led("a.b"), "answers without TLS only, and addresses with https:// no more: a.b"),
        (led("a.b", issuer="le"), led("a.b", tls_secret="t"), ""),
        (led("a.b"), led("a.b", issuer="le"), ""),
        (
            led("a.b"),
            led("a.b", class_name="nginx"),
            "led by another controller (the cluster's default -> nginx), which has another address",
        ),
    ],
)
def test_what_a_changed_ingress_does(old: previews.Manifests, new: previews.Manifests, reason: str) -> None:
    level = "outage" if reason else "none"
    assert about("Ingress", brief(old, new)) == {"changed Ingress/web": (level, reason)}


def test_a_link_opens_first_and_closes_last() -> None:
    told = brief(previews.shop(), service("web", calls=()))
    assert about("NetworkPolicy", told) == {
        "changed NetworkPolicy/web": ("none", LINKS),
        "changed NetworkPolicy/api": ("none", LINKS),
    }
    assert list(told) == ["changed Deployment/web"], "API_URL goes"


def test_the_first_policies_of_a_namespace_close_it() -> None:
    open_ = {key: one for key, one in previews.shop().items() if one["kind"] != "NetworkPolicy"}
    told = about("NetworkPolicy", brief(open_, previews.shop()))
    assert told.pop("added NetworkPolicy/default-deny") == (
        "none",
        "closes whatever no link, no egress and no expose opens",
    )
    assert set(told.values()) == {("none", "")}
    assert len(told) == 5


def test_the_first_certificate_closes_nothing() -> None:
    told = about("NetworkPolicy", brief(led("a.b"), led("a.b", issuer="le")))
    assert told == {"added NetworkPolicy/acme-challenges": ("none", "")}


def test_removal() -> None:
    assert previews.told(previews.captured("removal")) == [
        ("removed", "Deployment/worker", "outage", "worker runs no more"),
        ("removed", "ConfigMap/worker-config-a5c8ecd984", "none", KEPT),
        ("removed", "ServiceAccount/worker", "none", ""),
    ]
    without = {key: one for key, one in previews.shop().items() if key != "Service/api"}
    assert brief(previews.shop(), without) == {
        "removed Service/api": ("outage", "nothing answers under the name api any more")
    }


def test_raw_field() -> None:
    """What the model does not know is a field like any other."""
    in_pods = edited("Deployment/web", "spec.template.spec.priorityClassName", "high")
    assert brief(previews.shop(), in_pods) == {"changed Deployment/web": ROLLS}
    outside = edited("Deployment/web", "spec.revisionHistoryLimit", 5)
    assert brief(previews.shop(), outside) == {"changed Deployment/web": ("none", "")}


@pytest.mark.parametrize(
    ("replicas", "strategy", "expected"),
    [
        (1, None, ROLLS),
        (1, {"maxUnavailable": 0, "maxSurge": "25%"}, ROLLS),
        (1, {"maxUnavailable": 1, "maxSurge": 0}, ("outage", "all 1 pods may be away at a time (maxUnavailable)")),
        (1, {"maxUnavailable": 0, "maxSurge": 0}, ("outage", "all 1 pods may be away at a time (maxUnavailable)")),
        (4, None, ("rolling", "pods are replaced, 1 of 4 may be away at a time")),
        (4, {"maxUnavailable": "100%"}, ("outage", "all 4 pods may be away at a time (maxUnavailable)")),
        (4, {"maxUnavailable": "49%"}, ("rolling", "pods are replaced, 1 of 4 may be away at a time")),
        (0, None, ("none", "no pod runs")),
    ],
)
def test_how_a_deployment_rolls(replicas: int, strategy: dict[str, Any] | None, expected: tuple[str, str]) -> None:
    old = edited("Deployment/web", "spec.replicas", replicas)
    old["Deployment/web"]["spec"]["strategy"] = {"rollingUpdate": strategy} if strategy else {}
    new = copy.deepcopy(old)
    new["Deployment/web"]["spec"]["template"]["spec"]["priorityClassName"] = "high"
    assert brief(old, new) == {"changed Deployment/web": expected}


def test_recreate_and_on_delete() -> None:
    old = edited("Deployment/web", "spec.strategy", {"type": "Recreate"})
    new = copy.deepcopy(old)
    new["Deployment/web"]["spec"]["template"]["spec"]["priorityClassName"] = "high"
    why = "all pods stop before new ones start (Recreate)"
    assert brief(old, new) == {"changed Deployment/web": ("outage", why)}
    old = edited("StatefulSet/db", "spec.updateStrategy", {"type": "OnDelete"})
    new = copy.deepcopy(old)
    new["StatefulSet/db"]["spec"]["template"]["spec"]["priorityClassName"] = "high"
    assert brief(old, new) == {"changed StatefulSet/db": ("none", "pods change when somebody deletes them (OnDelete)")}
    del new["StatefulSet/db"]["spec"]["updateStrategy"]
    new["StatefulSet/db"]["spec"]["replicas"] = 3
    assert brief(old, new) == {"changed StatefulSet/db": ("rolling", "pods are replaced one after the other")}


@pytest.mark.parametrize("key", ["Deployment/web", "StatefulSet/db"])
def test_scaled_to_nothing(key: str) -> None:
    name = key.partition("/")[2]
    told = brief(previews.shop(), edited(key, "spec.replicas", 0))
    assert told == {f"changed {key}": ("outage", f"scaled to 0: {name} runs no more")}


def test_scaled_down_with_the_claims() -> None:
    old = edited("StatefulSet/db", "spec.replicas", 3)
    old["StatefulSet/db"]["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] = "Delete"
    new = copy.deepcopy(old)
    new["StatefulSet/db"]["spec"]["replicas"] = 2
    why = "the claims of the pods that go are deleted (whenScaled: Delete)"
    assert brief(old, new) == {"changed StatefulSet/db": ("data loss", why)}


def test_a_claim_is_data() -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk"}, "spec": {"a": 1}}
    old = previews.shop() | {"PersistentVolumeClaim/disk": claim}
    told = brief(old, previews.shop())
    assert told == {"removed PersistentVolumeClaim/disk": ("data loss", "the claim is deleted, and its data with it")}
    new = previews.shop() | {"PersistentVolumeClaim/disk": claim | {"spec": {"a": 2}}}
    why = "deleted first, then made anew (spec.storageClassName cannot be changed): its data is deleted with it"
    assert brief(old, new, replaced={"PersistentVolumeClaim/disk": ["spec.storageClassName"]}) == {
        "replaced PersistentVolumeClaim/disk": ("data loss", why)
    }


def test_what_nobody_knows_is_not_harmless() -> None:
    one = {"apiVersion": "example.com/v1", "kind": "Queue", "metadata": {"name": "q"}, "spec": {"a": 1}}
    old, new = previews.shop() | {"Queue/q": one}, previews.shop() | {"Queue/q": one | {"spec": {"a": 2}}}
    assert brief(old, previews.shop()) == {"removed Queue/q": ("outage", "Seaway does not know what depends on it")}
    assert brief(old, new) == {"changed Queue/q": ("none", "")}
    assert brief(old, new, replaced={"Queue/q": []}) == {
        "replaced Queue/q": ("outage", "deleted first, then made anew")
    }


def test_an_edit_in_the_cluster_rolls_too() -> None:
    """Nothing that is declared has changed; Pulumi sees that the live object is not so."""
    one = previews.shop()["Deployment/web"]
    path = "spec.template.spec.containers[0].image"
    made = previews.step("update", "Deployment/web", one, one, detailedDiff={path: {"kind": "update"}})
    found = pulumi_preview.parse(json.dumps({"steps": [made]}))
    assert impact.assess_change(found.object_diffs[0])[0] is change.Impact.ROLLING
    assert change.compare_fields(found.object_diffs[0], {}) == (
        change.FieldDiff(path=path, old="(edited in the cluster)", new="(as declared)"),
    )


def test_what_cannot_be_changed_in_place() -> None:
    """As Pulumi's provider has it: what is rendered knows only this table."""
    old = previews.shop()
    volume = edited("StatefulSet/db", "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "2Gi")
    assert impact.find_immutable_changes(old["StatefulSet/db"], volume["StatefulSet/db"]) == [
        "spec.volumeClaimTemplates"
    ]
    moved = edited("Service/web", "metadata.namespace", "other")
    assert impact.find_immutable_changes(old["Service/web"], moved["Service/web"]) == ["metadata.namespace"]
    scaled = edited("Deployment/web", "spec.replicas", 5)
    assert impact.find_immutable_changes(old["Deployment/web"], scaled["Deployment/web"]) is None
    (key,) = (key for key in old if key.startswith("ConfigMap/"))
    text = edited(key, "data.etc_shop_worker-ini", "x")
    assert impact.find_immutable_changes(old[key], text[key]) == ["data"]
