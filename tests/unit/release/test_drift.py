"""Drift: the exact differences and their field managers, without the changes of the cluster itself."""

import asyncio
import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seaway.kubernetes.api import fields, kinds
from seaway.kubernetes.cluster import client
from seaway.model import settings
from seaway.project import release
from seaway.release import drift, record, record_store, stack_state, stored_record
from seaway.syntax import diagnosis, encode
from tests import golden
from tests.support import apiserver

STACK = settings.Settings(stack="test", context="work", registry="registry.example.com")
PULUMI = {"manager": "pulumi-kubernetes-1a2b3c4d", "operation": "Apply", "time": "2026-01-01T00:00:00Z"}
TIME = "2026-02-03T04:05:06Z"
Live = dict[str, list[dict[str, Any]]]


def create_record(example: str = "shop") -> record.ReleaseRecord:
    app = golden.load_example(example)
    return golden.create_record(app, STACK)


def declared(example: str = "shop") -> list[dict[str, Any]]:
    return [each.manifest for each in create_record(example).render_objects() if each.kind != "Secret"]


def running(example: str = "shop") -> Live:
    """The namespace after a deployment: with defaults, status and objects of Kubernetes."""
    live: Live = {}
    for release_object in create_record(example).render_objects():
        manifest = copy.deepcopy(release_object.manifest)
        del manifest["kind"], manifest["apiVersion"]
        manifest["metadata"] |= {"uid": "u", "managedFields": [PULUMI | {"fieldsV1": {"f:spec": {}}}]}
        if release_object.kind == "Deployment":
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
        live.setdefault(release_object.kind, []).append(manifest)
    live.setdefault("ConfigMap", []).append({"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}})
    live["ServiceAccount"].append({"metadata": {"name": "default"}})
    return live


def get(live: Live, kind: str, name: str) -> dict[str, Any]:
    return next(manifest for manifest in live[kind] if manifest["metadata"]["name"] == name)


def add_manager(manifest: dict[str, Any], manager: str, owned: dict[str, Any], **more: str) -> None:
    manifest["metadata"]["managedFields"].append(
        {"manager": manager, "operation": "Update", "time": TIME, "fieldsV1": owned, **more}
    )


def container(owned: dict[str, Any], name: str = "web") -> dict[str, Any]:
    """`fieldsV1` of a field in a container."""
    inside = {"f:containers": {f'k:{{"name":"{name}"}}': owned}}
    return {"f:spec": {"f:template": {"f:spec": inside}}}


def list_drift(live: Live, example: str = "shop") -> list[str]:
    return [
        f"{each.change_type} {each.kind}/{each.name} {each.path}: {each.change.declared} -> {each.change.live}"
        f" ({each.set_by})"
        for each in drift.compare_objects(declared(example), live)
    ]


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_a_namespace_as_deployed_has_no_drift(example: str) -> None:
    assert list_drift(running(example), example) == []


def test_every_kind_of_a_release_is_listed() -> None:
    for example in golden.EXAMPLES:
        assert {each.kind for each in golden.build_objects(example)} <= {*kinds.MANAGED_VERSIONS, "Namespace"}


def test_a_line_has_no_control_characters() -> None:
    edited = fields.Change(("a",), 1, "\x1b[2J\n")
    edit = drift.Difference(kind="Deployment", name="web", change=edited, set_by="b\x07 at c")
    assert (
        drift.describe_manual_edit(edit)
        == r"Deployment web was edited by hand: a is \x1b[2J\n, declared 1 (b\x07 at c)"
    )


def test_an_opened_policy_is_drift() -> None:
    live = running()
    (policy,) = (manifest for manifest in live["NetworkPolicy"] if manifest["metadata"]["name"].startswith("db-"))
    name = policy["metadata"]["name"]
    policy["spec"]["ingress"] = [{}]
    add_manager(policy, "kubectl-edit", {"f:spec": {"f:ingress": {}}})
    titles = [line.partition(": ")[0] for line in list_drift(live)]
    assert titles == [f"deleted NetworkPolicy/{name} spec.ingress[0].{key}" for key in ("from", "ports")]
    live = running()
    live["NetworkPolicy"].append({"metadata": {"name": "open"}, "spec": {"podSelector": {}, "ingress": [{}]}})
    assert list_drift(live) == ["added NetworkPolicy/open : None -> (object) (None)"]


@pytest.mark.parametrize("fields_", [{"tls_secret": "shop-tls"}, {"issuer": "letsencrypt"}])
def test_the_certificate_of_a_host_is_not_drift(fields_: dict[str, str]) -> None:
    ingress = settings.Ingress(hosts={"web": ("shop.example.com",)}, **fields_)
    rendered = golden.build_objects("shop", publish="ingress", ingress=ingress)
    ingresses = [each.manifest for each in rendered if each.kind == "Ingress"]
    (tls,) = ingresses[0]["spec"]["tls"]
    live: Live = {"Ingress": copy.deepcopy(ingresses)}
    live["Ingress"][0]["status"] = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
    assert drift.compare_objects(ingresses, live) == []
    live["Secret"] = [
        {"metadata": {"name": name}, "data": {"tls.crt": "eA=="}} for name in (tls["secretName"], "other")
    ]
    assert [(each.change_type, each.name) for each in drift.compare_objects(ingresses, live)] == [("added", "other")]


def test_an_edited_image() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    image = web["spec"]["template"]["spec"]["containers"][0]["image"]
    web["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx"
    add_manager(web, "kubectl-edit", container({"f:image": {}}))
    assert list_drift(live) == [
        f"edited Deployment/web spec.template.spec.containers[web].image: {image} -> nginx (kubectl-edit at {TIME})"
    ]


def test_environment_variables_are_compared_by_name() -> None:
    live = running()
    env = get(live, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["env"]
    removed, changed = env[0], env[1]
    env.remove(removed)
    changed["value"] = "other"
    env.append({"name": "DEBUG", "value": "1"})
    owned = {".": {}, "f:name": {}, "f:value": {}}
    inside = {f'k:{{"name":"{changed["name"]}"}}': {"f:value": {}}, 'k:{"name":"DEBUG"}': owned}
    add_manager(get(live, "Deployment", "web"), "kubectl-set", container({"f:env": inside}))
    path, set_by = "Deployment/web spec.template.spec.containers[web].env", f"(kubectl-set at {TIME})"
    before = next(
        variable["value"]
        for manifest in declared()
        if manifest["kind"] == "Deployment" and manifest["metadata"]["name"] == "web"
        for variable in manifest["spec"]["template"]["spec"]["containers"][0]["env"]
        if variable["name"] == changed["name"]
    )
    assert sorted(list_drift(live)) == sorted(
        [
            f"deleted {path}[{removed['name']}]: {removed} -> None (None)",
            f"edited {path}[{changed['name']}].value: {before} -> other {set_by}",
            f"added {path}[DEBUG]: None -> {{'name': 'DEBUG', 'value': '1'}} {set_by}",
        ]
    )


def test_replicas_are_drift_unless_an_autoscaler_sets_them() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    web["spec"]["replicas"] = 5
    add_manager(web, "kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    assert list_drift(live) == [f"edited Deployment/web spec.replicas: 2 -> 5 (kubectl at {TIME})"]
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    live["HorizontalPodAutoscaler"] = [{"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target}}]
    # The autoscaler itself is not declared.
    assert list_drift(live) == ["added HorizontalPodAutoscaler/web : None -> (object) (None)"]


@pytest.mark.parametrize(
    ("name", "requested", "capacity", "expected"),
    [
        ("data-db-0", "1Gi", "1Gi", []),
        ("data-db-0", "1Gi", "10Gi", []),
        ("data-db-0", "1Gi", "512Mi", ["status.capacity.storage: 1Gi -> 512Mi"]),
        ("data-db-0", "3Gi", "1Gi", ["spec.resources.requests.storage: 1Gi -> 3Gi"]),
        ("data-db-1", "3Gi", "3Gi", []),
        ("upload", "3Gi", "3Gi", []),
    ],
)
def test_a_disk_of_another_size(name: str, requested: str, capacity: str, expected: list[str]) -> None:
    live = running()
    spec = {"resources": {"requests": {"storage": requested}}}
    status = {"capacity": {"storage": capacity}}
    live["PersistentVolumeClaim"] = [{"metadata": {"name": name}, "spec": spec, "status": status}]
    assert list_drift(live) == [f"edited PersistentVolumeClaim/{name} {line} (None)" for line in expected]


def test_a_deleted_object() -> None:
    live = running()
    live["Service"].remove(get(live, "Service", "web"))
    assert list_drift(live) == ["deleted Service/web : (object) -> None (None)"]


def test_labels_and_annotations_are_listed_separately() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    web["metadata"]["labels"]["team"] = "x"
    web["metadata"]["annotations"]["example.com/why"] = "because"
    template = web["spec"]["template"]["metadata"]
    template["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    add_manager(web, "kubectl-label", {"f:metadata": {"f:labels": {"f:team": {}}}})
    own_map = {".": {}, "f:example.com/why": {}}
    add_manager(web, "kubectl-annotate", {"f:metadata": {"f:annotations": own_map}})
    restarted = {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}
    add_manager(web, "kubectl-rollout", {"f:spec": {"f:template": {"f:metadata": restarted}}})
    assert list_drift(live) == [
        f"added Deployment/web metadata.annotations[example.com/why]: None -> because (kubectl-annotate at {TIME})",
        f"added Deployment/web metadata.labels.team: None -> x (kubectl-label at {TIME})",
        "added Deployment/web spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]: None -> now"
        f" (kubectl-rollout at {TIME})",
    ]


@pytest.mark.parametrize("manager", ["kubectl-patch", "pulumi-kubernetes-0a1b2c3d"])
def test_an_undeclared_field_is_one_difference(manager: str) -> None:
    """Also if an earlier stack declared it, whose object this one took over."""
    live = running()
    web = get(live, "Deployment", "web")
    affinity = {"nodeAffinity": {"x": 1}}
    web["spec"]["template"]["spec"]["affinity"] = affinity
    inside = {"f:affinity": {".": {}, "f:nodeAffinity": {".": {}, "f:x": {}}}}
    add_manager(web, manager, {"f:spec": {"f:template": {"f:spec": inside}}})
    assert list_drift(live) == [
        f"added Deployment/web spec.template.spec.affinity: None -> {affinity} ({manager} at {TIME})"
    ]


def test_the_values_of_the_program_are_not_drift() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    template = web["spec"]["template"]
    template["metadata"].setdefault("annotations", {})["seaway/program-values"] = "f1"
    reference = {"secretKeyRef": {"name": "web-program-values", "key": "DB_HOST"}}
    template["spec"]["containers"][0].setdefault("env", []).append({"name": "DB_HOST", "valueFrom": reference})
    variable = {'k:{"name":"DB_HOST"}': {".": {}, "f:name": {}, "f:valueFrom": {}}}
    container = {'k:{"name":"web"}': {"f:env": variable}}
    pods = {
        "f:metadata": {"f:annotations": {"f:seaway/program-values": {}}},
        "f:spec": {"f:containers": container},
    }
    add_manager(web, PULUMI["manager"], {"f:spec": {"f:template": pods}})
    assert list_drift(live) == []


def test_the_same_value_of_another_manager_is_not_drift() -> None:
    live = running()
    web = get(live, "Deployment", "web")
    add_manager(web, "kubectl-client-side-apply", container({".": {}, "f:image": {}, "f:args": {}}))
    port = {'k:{"port":8000,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:targetPort": {}}}
    add_manager(get(live, "Service", "web"), "kubectl-edit", {"f:spec": {"f:ports": {".": {}, **port}}})
    assert list_drift(live) == []


def test_an_added_port_and_finalizer() -> None:
    live = running()
    web = get(live, "Service", "web")
    web["spec"]["ports"].append({"port": 9000, "protocol": "TCP", "name": "metrics"})
    port = {'k:{"port":9000,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:name": {}}}
    web["metadata"]["finalizers"] = ["example.com/stay"]
    owned = {"f:spec": {"f:ports": port}, "f:metadata": {"f:finalizers": {".": {}, 'v:"example.com/stay"': {}}}}
    add_manager(web, "helper", owned)
    assert list_drift(live) == [
        f"added Service/web metadata.finalizers: None -> ['example.com/stay'] (helper at {TIME})",
        f"added Service/web spec.ports[9000/TCP]: None -> {web['spec']['ports'][1]} (helper at {TIME})",
    ]


def test_undeclared_objects() -> None:
    live = running()
    ours = {"app.kubernetes.io/managed-by": "seaway"}
    foreign = {"name": "debug", "managedFields": [{"manager": "kubectl-create", "time": TIME, "fieldsV1": {}}]}
    ran = {"name": "cron-1", "ownerReferences": [{"kind": "CronJob", "name": "report", "uid": "7"}]}
    web = next(manifest for manifest in live["Deployment"] if manifest["metadata"]["name"] == "web")
    web["metadata"]["uid"] = "8"
    owned_by_web = [{"kind": "Deployment", "name": "web", "uid": "8"}]
    live["Deployment"] += [
        {"metadata": foreign},
        # Labels and owners are written by everyone: they hide nothing.
        {"metadata": {"name": "hidden-by-label", "labels": {**ours, "seaway/release": "1"}}},
        {"metadata": {"name": "hidden-by-run", "labels": {**ours, "seaway/one-off": "web-run-1"}}},
        {"metadata": {"name": "hidden-by-owner", "ownerReferences": [{"kind": "Pod", "name": "web-1", "uid": "9"}]}},
        {"metadata": {"name": "hidden-by-undeclared", "ownerReferences": [{"kind": "Deployment", "name": "debug"}]}},
        {"metadata": {"name": "hidden-by-uid", "ownerReferences": [{**owned_by_web[0], "uid": "0"}]}},
    ]
    live["Job"].append({"metadata": {"name": "made-by-web", "ownerReferences": owned_by_web}})
    live["RoleBinding"] = [{"metadata": {"name": "intruder", "labels": {"seaway/release": "1"}}}]
    live["Job"].append({"metadata": ran})
    live["Job"].append({"metadata": {"name": "web-run-1", "labels": {**ours, "seaway/one-off": "web-run-1"}}})
    live["ConfigMap"] += [
        {"metadata": {"name": "release-current", "labels": {**ours, "seaway/release": "1"}}},
        {"metadata": {"name": "web-config-old", "labels": ours}, "immutable": True},
        {"metadata": {"name": "release-notes"}},
    ]
    live["Secret"] += [
        {"metadata": {"name": "web-secrets-old", "labels": ours}, "immutable": True},
        {"metadata": {"name": "web-program-values", "labels": ours}},
        {"metadata": {"name": "made", "ownerReferences": [{"kind": "Certificate"}]}},
    ]
    assert list_drift(live) == [
        "added ConfigMap/release-notes : None -> (object) (None)",
        f"added Deployment/debug : None -> (object) (kubectl-create at {TIME})",
        *(
            f"added Deployment/hidden-by-{how} : None -> (object) (None)"
            for how in ("label", "owner", "run", "uid", "undeclared")
        ),
        "added Job/cron-1 : None -> (object) (None)",
        "added RoleBinding/intruder : None -> (object) (None)",
    ]


def test_additions_that_touch_nothing_declared_are_harmless() -> None:
    """Whatever adds them: the list of controllers and platforms has no end."""
    live = running()
    web, service = get(live, "Deployment", "web"), get(live, "Service", "web")
    metadata = {"f:metadata": {"f:annotations": {".": {}, "f:by": {}}, "f:labels": {"f:by": {}}}}
    for manifest, manager in ((web, "rancher"), (service, "glbc"), (live["Namespace"][0], "kubectl-create")):
        manifest["metadata"].setdefault("annotations", {})["by"] = manifest["metadata"]["labels"]["by"] = manager
        add_manager(manifest, manager, metadata)
    web["spec"]["template"]["metadata"]["annotations"] = {"by": "kubectl"}
    add_manager(web, "kubectl-rollout", {"f:spec": {"f:template": metadata}})
    service["spec"]["healthCheckNodePort"] = 30000
    service["metadata"]["finalizers"] = ["example.com/a"]
    more = {"f:spec": {"f:healthCheckNodePort": {}}, "f:metadata": {"f:finalizers": {'v:"example.com/a"': {}}}}
    add_manager(service, "cloud", more)
    live["ConfigMap"].append({"metadata": {"name": "istio-ca-root-cert"}})
    live["RoleBinding"] = [{"metadata": {"name": "system:image-pullers"}}]
    # Release jobs have succeeded before a release is recorded.
    live["Job"] = []
    differences = drift.compare_objects(declared(), live)
    assert {difference.is_harmless for difference in differences} == {True}
    assert len(differences) == 11
    # What the declared containers do is not harmless, nor is what was declared.
    spec = web["spec"]["template"]["spec"]
    spec["hostNetwork"], spec["containers"][0]["image"] = True, "nginx"
    spec["containers"].append({"name": "more"})
    inside = {"f:hostNetwork": {}, "f:containers": {'k:{"name":"more"}': {".": {}}}}
    add_manager(web, "kubectl-edit", {"f:spec": {"f:template": {"f:spec": inside}}})
    harmful = [difference for difference in drift.compare_objects(declared(), live) if not difference.is_harmless]
    assert [difference.path.removeprefix("spec.template.spec.") for difference in harmful] == [
        "containers[more]",
        "containers[web].image",
        "hostNetwork",
    ]


def test_secrets_are_compared_by_their_keys() -> None:
    live = running()
    secret = next(one for one in live["Secret"] if one["metadata"]["name"].startswith("api-secrets"))
    name = secret["metadata"]["name"]
    secret["data"] = {"POSTGRES_PASSWORD": "another", "MORE": "eA=="}
    add_manager(secret, "kubectl-edit", {"f:data": {"f:MORE": {}}})
    assert list_drift(live) == [f"added Secret/{name} data.MORE: None -> (secret) (kubectl-edit at {TIME})"]
    secret["data"] = {}
    assert list_drift(live) == [f"deleted Secret/{name} data.POSTGRES_PASSWORD: (secret) -> None (None)"]
    live["Secret"].remove(secret)
    assert list_drift(live) == [f"deleted Secret/{name} : (object) -> None (None)"]


def test_a_foreign_secret_is_compared_by_the_used_keys() -> None:
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

    def list_names() -> list[str]:
        return [f"{each.change_type} {each.name} {each.path}" for each in drift.compare_objects([account, pod], live)]

    assert list_names() == ["deleted registry-theirs ", "deleted theirs "]
    live["Secret"] = [
        {"metadata": {"name": "theirs"}, "data": {"password": "x", "more": "x"}},
        {"metadata": {"name": "registry-theirs"}, "data": {".dockerconfigjson": "x"}},
    ]
    assert list_names() == ["deleted theirs data.user"]


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
    ("amount", "other"), [("0.5", "500m"), ("1Gi", "1024Mi"), ("1k", 1000), ("1e3", "1000"), ("128Mi", "134217728")]
)
def test_quantities_are_compared_as_amounts(amount: object, other: object) -> None:
    assert not list(fields.find_edits({"limits": {"memory": amount}}, {"limits": {"memory": other}}))
    # In other fields they are texts.
    assert list(fields.find_edits({"data": {"memory": amount}}, {"data": {"memory": other}}))


@pytest.mark.parametrize("text", ["", "Mi", "1.2.3", "1Xi", "x"])
def test_an_invalid_quantity_is_a_text(text: str) -> None:
    assert list(fields.find_edits({"limits": {"memory": text}}, {"limits": {"memory": "1"}}))
    assert not list(fields.find_edits({"limits": {"memory": text}}, {"limits": {"memory": text}}))


def test_an_atomic_list_is_one_difference() -> None:
    (change,) = fields.find_edits({"args": ["a", "b"]}, {"args": ["a", "c"]})
    assert (fields.format_path(change.path), change.declared, change.live) == ("args", ["a", "b"], ["a", "c"])
    (change,) = fields.find_edits({"rules": [{"a": 1}]}, {"rules": [{"a": 2, "more": 3}]})
    assert fields.format_path(change.path) == "rules[0].a"


def test_a_boolean_is_not_a_number_and_empty_values_may_be_omitted() -> None:
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


def detect(
    connect: Start, url: str, state: stack_state.ReleaseState | None = None
) -> tuple[str, list[drift.Difference]]:
    async def run() -> tuple[str, list[drift.Difference]]:
        cluster = connect(url)
        try:
            return await drift.detect(cluster, "shop-test", state)
        finally:
            await cluster.close()

    return asyncio.run(run())


def test_the_cluster_is_compared_with_its_own_record(connect: Start, wording: Any) -> None:
    deployed = create_record()
    current = record_store.CurrentRelease(id=deployed.id, previous=None, since=TIME)
    stored = stored_record.StoredRecord.create(deployed, release.Provenance())
    (config_map,) = record_store.build_config_maps(deployed, deployed.id, stored)
    messages: list[str] = []
    with apiserver.serve() as server:
        for manifest, error in (
            (None, record_store.ReleaseNotFound),
            (record_store.build_current(deployed, current), record_store.ReleaseNotFound),
            (config_map | {"binaryData": {}}, record_store.RecordChanged),
            (config_map | {"data": {}, "binaryData": {}}, record_store.RecordChanged),
        ):
            if manifest:
                server.put_manifest(manifest)
            with pytest.raises(error) as raised:
                detect(connect, server.url)
            messages.append(re.sub("[0-9a-f]{12}(-[0-9a-f]{6})?", "ID", str(raised.value)))
        server.put_manifest(config_map)
        for release_object in deployed.render_objects():
            server.put_manifest(release_object.manifest)
        assert detect(connect, server.url) == (deployed.id, [])
        server.put("rbac.authorization.k8s.io/v1", "RoleBinding", "shop-test", "intruder")
        assert [difference.name for difference in detect(connect, server.url)[1]] == ["intruder"]
        # An account that may read workloads may lack access to roles.
        server.forbidden.add("/apis/rbac.authorization.k8s.io/v1/namespaces/shop-test/rolebindings")
        server.remove("v1", "Service", "shop-test", "web")
        (difference,) = detect(connect, server.url)[1]
    assert (difference.kind, difference.name, difference.change_type) == ("Service", "web", "deleted")
    assert messages == wording


def test_with_the_state_a_forged_current_release_is_drift(connect: Start) -> None:
    """Even if its record matches an edit in the cluster."""
    deployed = create_record()
    stored = stored_record.StoredRecord.create(deployed, release.Provenance())
    state = stack_state.ReleaseState(
        id=deployed.id,
        since=TIME,
        record_node=encode.to_node(deployed.to_plain(), diagnosis.SourceLocation("state")),
        provenance=release.Provenance(),
        history=(record.RecordSummary(id=deployed.id, sha256=stored.sha256, recorded=TIME),),
    )
    currents = [
        record_store.build_current(deployed, record_store.CurrentRelease(id=record_id, previous=None, since=TIME))
        for record_id in (deployed.id, "forged")
    ]
    with apiserver.serve() as server:
        for manifest in (
            *record_store.build_config_maps(deployed, deployed.id, stored),
            *(release_object.manifest for release_object in deployed.render_objects()),
            currents[0],
        ):
            server.put_manifest(manifest)
        assert detect(connect, server.url, state) == (deployed.id, [])
        server.put_manifest(currents[1])
        record_id, (difference,) = detect(connect, server.url, state)
    assert (record_id, difference.kind, difference.name) == ("forged", "ConfigMap", "release-current")
    assert difference.change == fields.Change(("data", "id"), deployed.id, "forged")
