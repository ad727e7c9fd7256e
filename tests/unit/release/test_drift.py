"""Drift: exactly what differs, who did it, and nothing that is the cluster's own business."""

import asyncio
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seaway.files import roots
from seaway.kubernetes.api import fields, kinds
from seaway.kubernetes.cluster import client
from seaway.model import settings
from seaway.project import load, release
from seaway.release import drift, record, record_store, stack_state, stored_record
from seaway.syntax import diagnosis, encode
from tests import golden
from tests.support import apiserver

STACK = settings.Settings(stack="test", context="work", registry="registry.example.com")
PULUMI = {"manager": "pulumi-kubernetes-1a2b3c4d", "operation": "Apply", "time": "2026-01-01T00:00:00Z"}
TIME = "2026-02-03T04:05:06Z"
Live = dict[str, list[dict[str, Any]]]


def made(example: str = "shop") -> record.ReleaseRecord:
    app = load.load_application(golden.ROOT / "examples" / example / "app.yaml", root=roots.Root(golden.ROOT))
    return record.ReleaseRecord.create(app, STACK, *golden.make_inputs(app))


def declared(example: str = "shop") -> list[dict[str, Any]]:
    return [one.manifest for one in made(example).render_objects() if one.kind != "Secret"]


def running(example: str = "shop") -> Live:
    """The namespace as Kubernetes shows it after a deployment: with defaults, status and things of its own."""
    live: Live = {}
    for one in made(example).render_objects():
        manifest = copy.deepcopy(one.manifest)
        del manifest["kind"], manifest["apiVersion"]
        manifest["metadata"] |= {"uid": "u", "managedFields": [PULUMI | {"fieldsV1": {"f:spec": {}}}]}
        if one.kind == "Deployment":
            spec = manifest["spec"]["template"]["spec"]
            spec |= {"dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler"}
            spec["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
            requests = spec["containers"][0]["resources"]["requests"]
            requests["cpu"] = str(int(requests["cpu"].removesuffix("m")) / 1000)
            manifest["metadata"]["annotations"] |= {"deployment.kubernetes.io/revision": "3"}
            controller = {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}}
            manifest["metadata"]["managedFields"] += [
                {"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": controller},
                {"manager": "whoever", "subresource": "status", "fieldsV1": {"f:status": {"f:replicas": {}}}},
            ]
            manifest["status"] = {"replicas": 2}
        live.setdefault(one.kind, []).append(manifest)
    live.setdefault("ConfigMap", []).append({"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}})
    live["ServiceAccount"].append({"metadata": {"name": "default"}})
    return live


def get(live: Live, kind: str, name: str) -> dict[str, Any]:
    return next(one for one in live[kind] if one["metadata"]["name"] == name)


def owns(one: dict[str, Any], manager: str, owned: dict[str, Any], **more: str) -> None:
    one["metadata"]["managedFields"].append(
        {"manager": manager, "operation": "Update", "time": TIME, "fieldsV1": owned, **more}
    )


def container(owned: dict[str, Any], name: str = "web") -> dict[str, Any]:
    """`fieldsV1` of something in a container."""
    inside = {"f:containers": {f'k:{{"name":"{name}"}}': owned}}
    return {"f:spec": {"f:template": {"f:spec": inside}}}


def lines(live: Live, example: str = "shop") -> list[str]:
    return [
        f"{one.change_type} {one.kind}/{one.name} {one.path}: {one.declared} -> {one.live} ({one.set_by})"
        for one in drift.compare_objects(declared(example), live)
    ]


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_a_namespace_as_deployed_has_no_drift(example: str) -> None:
    assert lines(running(example), example) == []


def test_every_kind_of_a_release_is_looked_at() -> None:
    for example in golden.EXAMPLES:
        assert {one.kind for one in golden.build_objects(example)} <= {*kinds.MANAGED_VERSIONS, "Namespace"}


def test_a_line_for_people_cannot_steer_the_terminal() -> None:
    edit = drift.Difference(kind="Deployment", name="web", path="a", declared=1, live="\x1b[2J\n", set_by="b\x07 at c")
    assert (
        drift.describe_manual_edit(edit)
        == r"Deployment web was edited by hand: a is \x1b[2J\n, declared 1 (b\x07 at c)"
    )


def test_who_opens_a_policy_by_hand_is_told() -> None:
    live = running()
    (policy,) = (one for one in live["NetworkPolicy"] if one["metadata"]["name"].startswith("db-"))
    name = policy["metadata"]["name"]
    policy["spec"]["ingress"] = [{}]
    owns(policy, "kubectl-edit", {"f:spec": {"f:ingress": {}}})
    told = [line.partition(": ")[0] for line in lines(live)]
    assert told == [f"deleted NetworkPolicy/{name} spec.ingress[0].{key}" for key in ("from", "ports")]
    live = running()
    live["NetworkPolicy"].append({"metadata": {"name": "open"}, "spec": {"podSelector": {}, "ingress": [{}]}})
    assert lines(live) == ["added NetworkPolicy/open : None -> (object) (None)"]


@pytest.mark.parametrize("how", [{"tls_secret": "shop-tls"}, {"issuer": "letsencrypt"}])
def test_the_certificate_of_a_host_is_somebody_elses(how: dict[str, str]) -> None:
    ingress = settings.Ingress(hosts={"web": ("shop.example.com",)}, **how)
    found = [
        one.manifest
        for one in golden.build_objects("shop", publish="ingress", ingress=ingress)
        if one.kind == "Ingress"
    ]
    (tls,) = found[0]["spec"]["tls"]
    live: Live = {"Ingress": [copy.deepcopy(one) for one in found]}
    live["Ingress"][0]["status"] = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
    assert drift.compare_objects(found, live) == []
    live["Secret"] = [
        {"metadata": {"name": name}, "data": {"tls.crt": "eA=="}} for name in (tls["secretName"], "other")
    ]
    assert [(one.change_type, one.name) for one in drift.compare_objects(found, live)] == [("added", "other")]


def test_an_edited_image() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    image = web["spec"]["template"]["spec"]["containers"][0]["image"]
    web["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx"
    owns(web, "kubectl-edit", container({"f:image": {}}))
    assert lines(live) == [
        f"edited Deployment/web spec.template.spec.containers[web].image: {image} -> nginx (kubectl-edit at {TIME})"
    ]


def test_environment_variables_are_told_by_name() -> None:
    live = running()
    env = get(live, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["env"]
    gone, changed = env[0], env[1]
    env.remove(gone)
    changed["value"] = "other"
    env.append({"name": "DEBUG", "value": "1"})
    owned = {".": {}, "f:name": {}, "f:value": {}}
    inside = {f'k:{{"name":"{changed["name"]}"}}': {"f:value": {}}, 'k:{"name":"DEBUG"}': owned}
    owns(get(live, "Deployment", "web"), "kubectl-set", container({"f:env": inside}))
    at, who = "Deployment/web spec.template.spec.containers[web].env", f"(kubectl-set at {TIME})"
    before = next(
        one["value"]
        for manifest in declared()
        if manifest["kind"] == "Deployment" and manifest["metadata"]["name"] == "web"
        for one in manifest["spec"]["template"]["spec"]["containers"][0]["env"]
        if one["name"] == changed["name"]
    )
    assert sorted(lines(live)) == sorted(
        [
            f"deleted {at}[{gone['name']}]: {gone} -> None (None)",
            f"edited {at}[{changed['name']}].value: {before} -> other {who}",
            f"added {at}[DEBUG]: None -> {{'name': 'DEBUG', 'value': '1'}} {who}",
        ]
    )


def test_scaled_by_hand_is_drift_and_scaled_by_an_autoscaler_is_not() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    web["spec"]["replicas"] = 5
    owns(web, "kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    assert lines(live) == [f"edited Deployment/web spec.replicas: 2 -> 5 (kubectl at {TIME})"]
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    live["HorizontalPodAutoscaler"] = [{"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target}}]
    # The autoscaler itself nobody declared.
    assert lines(live) == ["added HorizontalPodAutoscaler/web : None -> (object) (None)"]


def test_a_deleted_object() -> None:
    live = running()
    live["Service"].remove(get(live, "Service", "web"))
    assert lines(live) == ["deleted Service/web : (object) -> None (None)"]


def test_labels_and_annotations_of_others_each_by_itself() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    web["metadata"]["labels"]["team"] = "x"
    web["metadata"]["annotations"]["example.com/why"] = "because"
    template = web["spec"]["template"]["metadata"]
    template["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    owns(web, "kubectl-label", {"f:metadata": {"f:labels": {"f:team": {}}}})
    own_map = {".": {}, "f:example.com/why": {}}
    owns(web, "kubectl-annotate", {"f:metadata": {"f:annotations": own_map}})
    restarted = {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}
    owns(web, "kubectl-rollout", {"f:spec": {"f:template": {"f:metadata": restarted}}})
    assert lines(live) == [
        f"added Deployment/web metadata.annotations[example.com/why]: None -> because (kubectl-annotate at {TIME})",
        f"added Deployment/web metadata.labels.team: None -> x (kubectl-label at {TIME})",
        "added Deployment/web spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]: None -> now"
        f" (kubectl-rollout at {TIME})",
    ]


def test_a_field_that_nobody_declared_is_told_as_a_whole() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    affinity = {"nodeAffinity": {"x": 1}}
    web["spec"]["template"]["spec"]["affinity"] = affinity
    inside = {"f:affinity": {".": {}, "f:nodeAffinity": {".": {}, "f:x": {}}}}
    owns(web, "kubectl-patch", {"f:spec": {"f:template": {"f:spec": inside}}})
    assert lines(live) == [
        f"added Deployment/web spec.template.spec.affinity: None -> {affinity} (kubectl-patch at {TIME})"
    ]


def test_the_same_value_set_by_another_manager_is_no_drift() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    owns(web, "kubectl-client-side-apply", container({".": {}, "f:image": {}, "f:args": {}}))
    port = {'k:{"port":8000,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:targetPort": {}}}
    owns(get(live, "Service", "web"), "kubectl-edit", {"f:spec": {"f:ports": {".": {}, **port}}})
    assert lines(live) == []


def test_a_port_and_a_finalizer_of_somebody() -> None:
    live = running()
    web = get(live, "Service", "web")
    web["spec"]["ports"].append({"port": 9000, "protocol": "TCP", "name": "metrics"})
    port = {'k:{"port":9000,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:name": {}}}
    web["metadata"]["finalizers"] = ["example.com/stay"]
    owned = {"f:spec": {"f:ports": port}, "f:metadata": {"f:finalizers": {".": {}, 'v:"example.com/stay"': {}}}}
    owns(web, "helper", owned)
    assert lines(live) == [
        f"added Service/web metadata.finalizers: None -> ['example.com/stay'] (helper at {TIME})",
        f"added Service/web spec.ports[9000/TCP]: None -> {web['spec']['ports'][1]} (helper at {TIME})",
    ]


def test_objects_that_nobody_declared() -> None:
    live = running()
    ours = {"app.kubernetes.io/managed-by": "seaway"}
    foreign = {"name": "debug", "managedFields": [{"manager": "kubectl-create", "time": TIME, "fieldsV1": {}}]}
    live["Deployment"].append({"metadata": foreign})
    live["ConfigMap"] += [
        {"metadata": {"name": "release-current", "labels": {**ours, "seaway/release": "1"}}},
        {"metadata": {"name": "web-config-old", "labels": ours}, "immutable": True},
        {"metadata": {"name": "release-notes"}},
    ]
    live["Secret"] += [
        {"metadata": {"name": "web-secrets-old", "labels": ours}, "immutable": True},
        {"metadata": {"name": "made", "ownerReferences": [{"kind": "Certificate"}]}},
    ]
    assert lines(live) == [
        "added ConfigMap/release-notes : None -> (object) (None)",
        f"added Deployment/debug : None -> (object) (kubectl-create at {TIME})",
    ]


def test_secrets_are_there_with_their_keys_and_nobody_looks_at_values() -> None:
    live = running()
    secret = next(one for one in live["Secret"] if one["metadata"]["name"].startswith("api-secrets"))
    name = secret["metadata"]["name"]
    secret["data"] = {"POSTGRES_PASSWORD": "another", "MORE": "eA=="}
    owns(secret, "kubectl-edit", {"f:data": {"f:MORE": {}}})
    assert lines(live) == [f"added Secret/{name} data.MORE: None -> (secret) (kubectl-edit at {TIME})"]
    secret["data"] = {}
    assert lines(live) == [f"deleted Secret/{name} data.POSTGRES_PASSWORD: (secret) -> None (None)"]
    live["Secret"].remove(secret)
    assert lines(live) == [f"deleted Secret/{name} : (object) -> None (None)"]


def test_of_somebody_elses_secret_only_the_keys_that_are_taken_count() -> None:
    pods = {
        "containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "theirs", "key": "user"}}}]}],
        "volumes": [
            {"projected": {"sources": [{"secret": {"name": "theirs", "items": [{"key": "password", "path": "A"}]}}]}}
        ],
    }
    account = {
        "kind": "ServiceAccount",
        "apiVersion": "v1",
        "metadata": {"name": "web"},
        "imagePullSecrets": [{"name": "registry-theirs"}],
    }
    pod = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "web"}, "spec": {"template": pods}}
    live: Live = {"ServiceAccount": [account], "Deployment": [pod]}

    def told() -> list[str]:
        return [f"{one.change_type} {one.name} {one.path}" for one in drift.compare_objects([account, pod], live)]

    assert told() == ["deleted registry-theirs ", "deleted theirs "]
    live["Secret"] = [
        {"metadata": {"name": "theirs"}, "data": {"password": "x", "more": "x"}},
        {"metadata": {"name": "registry-theirs"}, "data": {".dockerconfigjson": "x"}},
    ]
    assert told() == ["deleted theirs data.user"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("spec", "replicas"), "spec.replicas"),
        (("metadata", "labels", "app.kubernetes.io/name"), "metadata.labels[app.kubernetes.io/name]"),
        (("ports", fields.ListStep("80/TCP", {"port": 80})), "ports[80/TCP]"),
    ],
)
def test_paths_are_readable(path: fields.Path, expected: str) -> None:
    assert fields.format_path(path) == expected


@pytest.mark.parametrize(
    ("one", "other"), [("0.5", "500m"), ("1Gi", "1024Mi"), ("1k", 1000), ("1e3", "1000"), ("128Mi", "134217728")]
)
def test_quantities_are_amounts(one: object, other: object) -> None:
    assert not list(fields.find_edits({"limits": {"memory": one}}, {"limits": {"memory": other}}))
    # Elsewhere they are texts.
    assert list(fields.find_edits({"data": {"memory": one}}, {"data": {"memory": other}}))


@pytest.mark.parametrize("text", ["", "Mi", "1.2.3", "1Xi", "x"])
def test_what_is_no_quantity_is_a_text(text: str) -> None:
    assert list(fields.find_edits({"limits": {"memory": text}}, {"limits": {"memory": "1"}}))
    assert not list(fields.find_edits({"limits": {"memory": text}}, {"limits": {"memory": text}}))


def test_a_list_that_is_one_value_is_told_whole() -> None:
    (change,) = fields.find_edits({"args": ["a", "b"]}, {"args": ["a", "c"]})
    assert (fields.format_path(change.path), change.declared, change.live) == ("args", ["a", "b"], ["a", "c"])
    (change,) = fields.find_edits({"rules": [{"a": 1}]}, {"rules": [{"a": 2, "more": 3}]})
    assert fields.format_path(change.path) == "rules[0].a"


def test_a_boolean_is_no_number_and_what_is_empty_may_be_left_out() -> None:
    assert list(fields.find_edits({"a": True}, {"a": 1}))
    assert not list(fields.find_edits({"a": "", "b": [], "c": {}}, {}))
    assert list(fields.find_edits({"a": False}, {}))


Start = Callable[[str], client.KubeClient]


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    def connect(url: str) -> client.KubeClient:
        path = tmp_path / "kubeconfig"
        path.write_text(apiserver.kubeconfig(url))
        monkeypatch.setenv("KUBECONFIG", str(path))
        return client.KubeClient(context="work", timeout=5)

    return connect


def ask(connect: Start, url: str) -> tuple[str, list[drift.Difference]]:
    async def run() -> tuple[str, list[drift.Difference]]:
        cluster = connect(url)
        try:
            return await drift.detect(cluster, "shop-test")
        finally:
            await cluster.close()

    return asyncio.run(run())


def test_the_cluster_is_compared_with_its_own_record(connect: Start) -> None:
    one = made()
    with apiserver.serve() as server:
        with pytest.raises(record_store.ReleaseNotFound) as caught:
            ask(connect, server.url)
        assert str(caught.value) == (
            "no release is recorded in namespace shop-test: the next pulumi up that succeeds writes one"
        )
        current = record_store.CurrentRelease(id=one.id, previous=None, since=TIME)
        put(server, record_store.build_current(one, current))
        with pytest.raises(record_store.ReleaseNotFound) as caught:
            ask(connect, server.url)
        assert str(caught.value) == f"release {one.id} is not recorded in namespace shop-test"
        (kept,) = record_store.build_config_maps(
            one, one.id, stored_record.StoredRecord.create(one, release.Provenance())
        )
        put(server, kept | {"binaryData": {}})
        with pytest.raises(record_store.RecordChanged) as caught:
            ask(connect, server.url)
        wrong = f"the record of release {one.id} in namespace shop-test is not what was written there: its SHA-256 is "
        assert str(caught.value).startswith(wrong)
        put(server, kept | {"data": {}, "binaryData": {}})
        with pytest.raises(
            record_store.RecordChanged, match=r"the objects in ConfigMap/release-.* not a packed list of objects"
        ):
            ask(connect, server.url)
        put(server, kept)
        for each in one.render_objects():
            put(server, each.manifest)
        assert ask(connect, server.url) == (one.id, [])
        server.remove("v1", "Service", "shop-test", "web")
        (found,) = ask(connect, server.url)[1]
        assert (found.kind, found.name, found.change_type) == ("Service", "web", "deleted")


def test_with_the_state_a_forged_pointer_has_drifted(connect: Start) -> None:
    """Also where the record that it names fits what somebody has edited."""
    one = made()
    saved = stored_record.StoredRecord.create(one, release.Provenance())
    history = (stack_state.RecordedRelease(release=one.id, sha256=saved.sha256, recorded=TIME),)
    state = stack_state.ReleaseState(
        id=one.id,
        since=TIME,
        record_node=encode.to_node(one.to_plain(), diagnosis.SourceLocation("state")),
        provenance=release.Provenance(),
        history=history,
    )

    async def run(url: str) -> tuple[str, list[drift.Difference]]:
        cluster = connect(url)
        try:
            return await drift.detect(cluster, "shop-test", state)
        finally:
            await cluster.close()

    with apiserver.serve() as server:
        for each in (
            *record_store.build_config_maps(one, one.id, saved),
            *(each.manifest for each in one.render_objects()),
        ):
            put(server, each)
        put(server, record_store.build_current(one, record_store.CurrentRelease(id=one.id, previous=None, since=TIME)))
        assert asyncio.run(run(server.url)) == (one.id, [])
        put(
            server, record_store.build_current(one, record_store.CurrentRelease(id="forged", previous=None, since=TIME))
        )
        id_, (found,) = asyncio.run(run(server.url))
        assert (id_, found.kind, found.name, found.path) == ("forged", "ConfigMap", "release-current", "data.id")
        assert (found.declared, found.live) == (one.id, "forged")


def put(server: apiserver.ApiServer, manifest: dict[str, Any]) -> None:
    fields = copy.deepcopy(manifest)
    meta = fields["metadata"]
    server.put(fields.pop("apiVersion"), fields.pop("kind"), meta.get("namespace", ""), meta["name"], **fields)
