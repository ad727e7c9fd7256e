"""The Job of `seaway run` with its policies, and the ephemeral container of `seaway exec`."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from seaway.manifests import debug_container, names, one_off
from seaway.model import application
from tests.support import rendering
from tests.support.rendering import job, service, store

Object = dict[str, Any]

NAME = "web-run-1"


def render(*workloads: Any) -> rendering.Rendered:
    return rendering.render(*workloads)


def build(manifest: Object, owner: str = "web", **fields: Any) -> tuple[Object, list[str]]:
    options = {"name": NAME, "command": ("sh", "-c", "wait"), "is_held": True} | fields
    return one_off.build_job(manifest, owner, **options)


def get_template(manifest: Object) -> Object:
    return manifest["spec"]["template"]


def is_selected(selector: Object, labels: Mapping[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items()


def test_no_selector_of_the_release_matches_the_pod() -> None:
    rendered = render(service(), job())
    for kind, owner in ("Deployment", "web"), ("Job", "migrate"):
        labels = get_template(build(rendered.find(kind)[0].manifest, owner)[0])["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == owner
        for selecting in ("Service", "PodDisruptionBudget", "Deployment", "NetworkPolicy"):
            assert rendered.find(selecting)
            for selected in rendered.find(selecting):
                spec = selected.manifest["spec"]
                selector = spec.get("podSelector", spec.get("selector", {}))
                flat = selector.get("matchLabels", selector)
                assert not flat or not flat.items() <= labels.items(), selected.key
        assert names.PART_OF_LABEL not in labels, "status and logs do not see it either"


def test_the_pod_is_that_of_the_service_without_its_traffic() -> None:
    manifest = (
        render(service(env={"A": "b"}, health=application.Health(readiness="/ready"))).find("Deployment")[0].manifest
    )
    [declared], spec = get_template(manifest)["spec"]["containers"], get_template(build(manifest)[0])["spec"]
    [container] = spec["containers"]
    for key in ("image", "env", "resources", "securityContext", "volumeMounts"):
        assert container[key] == declared[key]
    assert not {"readinessProbe", "livenessProbe", "ports", "lifecycle"} & container.keys()
    assert (container["command"], container["stdin"], container["stdinOnce"]) == (["sh", "-c", "wait"], True, True)
    assert (spec["restartPolicy"], spec["shareProcessNamespace"]) == ("Never", False)
    assert spec["serviceAccountName"] == "web"
    assert spec["securityContext"] == get_template(manifest)["spec"]["securityContext"]
    assert "topologySpreadConstraints" not in spec


def test_disks_of_stores_are_left_out() -> None:
    shared = application.SharedVolume(store="db", path="/files")
    manifest = render(service(shared_volumes=(shared,)), store()).find("Deployment")[0].manifest
    built, disks = build(manifest)
    [claim] = [volume for volume in get_template(manifest)["spec"]["volumes"] if "persistentVolumeClaim" in volume]
    assert disks == [claim["name"]]
    spec = get_template(built)["spec"]
    assert not [volume for volume in spec["volumes"] if "persistentVolumeClaim" in volume]
    assert not [mount for mount in spec["containers"][0]["volumeMounts"] if mount["name"] in disks]


def test_a_declared_command_keeps_its_time_limit() -> None:
    rendered = render(job(command=("load",), timeout=90, run="on-demand"))
    manifest = rendered.find("CronJob")[0].manifest
    assert one_off.get_time_limit(manifest) == 90
    built, _ = build(manifest, "migrate", command=(), is_held=False, tty=True)
    assert get_template(built)["spec"]["containers"][0]["command"] == ["load"]
    assert get_template(built)["spec"]["shareProcessNamespace"] is True
    assert built["spec"]["ttlSecondsAfterFinished"] > 0


@pytest.mark.parametrize("caller", ["web", "migrate"])
def test_the_pod_has_exactly_the_links_of_its_workload(caller: str) -> None:
    workloads = (
        service(egress=(), calls=("api", "db")),
        service("api", egress=(), calls=("web",)),
        service("other", egress=()),
        store(egress=()),
        job(egress=(), calls=("db",)),
    )
    rendered = render(*workloads)
    manifest = next(
        one.manifest for one in (*rendered.find("Deployment"), *rendered.find("Job")) if one.owner == caller
    )
    built, _ = build(manifest, caller)
    created = {**built, "metadata": {**built["metadata"], "uid": "u"}}
    existing = [policy.manifest for policy in rendered.find("NetworkPolicy")]
    added = list(one_off.build_policies(created, manifest, existing))
    assert all(policy["metadata"]["ownerReferences"][0]["uid"] == "u" for policy in added)
    assert len({policy["metadata"]["name"] for policy in added}) == len(added)
    policies, labels = [policy["spec"] for policy in (*existing, *added)], get_template(built)["metadata"]["labels"]
    for callee in ("web", "api", "other", "db"):
        callee_labels = {"app.kubernetes.io/name": callee, names.PART_OF_LABEL: "shop"}
        caller_labels = {"app.kubernetes.io/name": caller, names.PART_OF_LABEL: "shop"}
        expected = is_open(policies, caller_labels, callee_labels)
        assert is_open(policies, labels, callee_labels) == expected, callee
        assert not is_open(policies, callee_labels, labels), "nothing connects to the pod"
    assert expected, "the last one is called"


def is_open(policies: Sequence[Object], caller: Mapping[str, str], callee: Mapping[str, str]) -> bool:
    """Whether both ends allow a connection."""
    egress = [rule for spec in policies if is_selected(spec["podSelector"], caller) for rule in spec.get("egress", ())]
    ingress = [
        rule for spec in policies if is_selected(spec["podSelector"], callee) for rule in spec.get("ingress", ())
    ]
    return has_peer(egress, "to", callee) and has_peer(ingress, "from", caller)


def has_peer(rules: Sequence[Object], key: str, labels: Mapping[str, str]) -> bool:
    peers = [peer for rule in rules for peer in rule[key] if "namespaceSelector" not in peer]
    return any("podSelector" in peer and is_selected(peer["podSelector"], labels) for peer in peers)


@pytest.mark.parametrize(
    ("requirement", "is_met"),
    [
        ({"operator": "In", "values": ["web", "api"]}, True),
        ({"operator": "NotIn", "values": ["web"]}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
    ],
)
def test_a_policy_of_the_users_own_applies_too(requirement: Object, is_met: bool) -> None:
    manifest = render(service()).find("Deployment")[0].manifest
    built, _ = build(manifest)
    created = {**built, "metadata": {**built["metadata"], "uid": "u"}}
    selector = {"matchExpressions": [{"key": "app.kubernetes.io/name", **requirement}]}
    rule = {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]}
    [policy] = one_off.build_policies(created, manifest, [{"spec": {"podSelector": selector, "egress": [rule]}}])
    assert policy["spec"]["egress"] == ([rule] if is_met else [])


def build_debug(manifest: Object, container: str = "web", **status: Any) -> Object:
    pod = {"spec": get_template(manifest)["spec"], "status": status}
    patch = debug_container.build_patch(pod, container, name="debug-1", image="busybox", command=("sh",))
    [ephemeral] = patch["spec"]["ephemeralContainers"]
    return ephemeral


def test_the_ephemeral_container_meets_the_same_rules() -> None:
    secret = application.Secret("TOKEN")
    manifest = render(service(user=1000, secrets=(secret,), env={"A": "b"})).find("Deployment")[0].manifest
    [container], ephemeral = get_template(manifest)["spec"]["containers"], build_debug(manifest)
    assert ephemeral["env"] == container["env"]
    assert ephemeral["securityContext"] == {**container["securityContext"], "runAsUser": 1000}
    assert ephemeral["targetContainerName"] == "web"
    assert not [mount for mount in ephemeral["volumeMounts"] if "subPath" in mount], "the API refuses it"
    assert {"name": "secrets", "mountPath": "/run/secrets", "readOnly": True} in ephemeral["volumeMounts"]
    assert "resources" not in ephemeral, "the API refuses them"


def test_the_user_of_the_ephemeral_container_is_that_of_the_process() -> None:
    manifest = render(service(image="web:1")).find("Deployment")[0].manifest
    get_template(manifest)["spec"]["securityContext"].pop("runAsUser", None)  # only the image has the user
    status = {"name": "web", "user": {"linux": {"uid": 0}}}
    assert build_debug(manifest, containerStatuses=[status])["securityContext"]["runAsUser"] == 0
    assert build_debug(manifest)["securityContext"]["runAsUser"] == debug_container.DEFAULT_USER
