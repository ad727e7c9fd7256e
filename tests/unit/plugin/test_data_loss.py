"""A change that deletes disks is refused with their names, unless the loss is accepted."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from pulumi.runtime.proto import provider_pb2

from plugin import values
from tests.support import apiserver
from tests.unit.plugin import conftest, engine

PROVIDER = "urn:pulumi:prod::shop::seaway:index:Application$pulumi:providers:seaway::seaway"
OBJECTS = "urn:pulumi:prod::shop::seaway:index:Application$seaway:index:Objects::objects"
GUARD = "urn:pulumi:prod::shop::seaway:index:Application$seaway:index:Cluster::destroy-guard"
CLUSTER = "urn:pulumi:prod::shop::seaway:index:Application$seaway:index:Cluster::cluster"
HOME, DB, CLAIM = (
    "v1/Namespace//shop-prod",
    "apps/v1/StatefulSet/shop-prod/db",
    "v1/PersistentVolumeClaim/shop-prod/data-db-0",
)
MOVED = "v1/Namespace//cellar-prod"
OURS = {"app.kubernetes.io/part-of": "shop", "seaway/stack": "prod"}
ALLOW = json.dumps([{"of": [], "until": "9999-12-31"}])


def shape(
    *, keep: bool = False, scaled: str = "Retain", replicas: int = 1, size: str = "1Gi", name: str = "data"
) -> dict[str, object]:
    claim = {"metadata": {"name": name}, "spec": {"resources": {"requests": {"storage": size}}}}
    retention = {"whenDeleted": "Retain" if keep else "Delete", "whenScaled": scaled}
    return {
        "spec.replicas": replicas,
        "spec.persistentVolumeClaimRetentionPolicy": retention,
        "spec.podManagementPolicy": "Parallel",
        "spec.volumeClaimTemplates": [claim],
    }


def inputs(*objects: str, **declared: object) -> dict[str, object]:
    sets = {f"apps/v1/StatefulSet/shop-prod/{name}": fields for name, fields in declared.items()}
    own = {"partOf": "shop", "stack": "prod", "applications": []}
    return {**own, "objects": list(objects), "sets": sets}


def deploy(api: apiserver.ApiServer, *, ordinals: int = 1, **how: object) -> None:
    """The store db with what the API server fills in, and a claim for each pod."""
    api.put("v1", "Namespace", "", "shop-prod", labels=OURS)
    spec = {key.removeprefix("spec."): value for key, value in shape(**how).items()}  # type: ignore[arg-type]
    (claim,) = json.loads(json.dumps(spec["volumeClaimTemplates"]))
    claim |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}
    claim["spec"]["volumeMode"] = "Filesystem"
    spec |= {"volumeClaimTemplates": [claim], "revisionHistoryLimit": 10}
    api.put("apps/v1", "StatefulSet", "shop-prod", "db", labels=OURS, spec=spec)
    for number in range(ordinals):
        put_claim(api, f"data-db-{number}", {"app.kubernetes.io/name": "db", "app.kubernetes.io/part-of": "shop"})


def put_claim(api: apiserver.ApiServer, name: str, labels: dict[str, str], *, bound: bool = True) -> None:
    spec: dict[str, object] = {"resources": {"requests": {"storage": "1Gi"}}}
    if bound:
        spec["volumeName"] = f"pvc-{name}"
    api.put("v1", "PersistentVolumeClaim", "shop-prod", name, labels=labels, spec=spec)


@pytest.fixture
def configured(
    start: engine.Start, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig
) -> Callable[..., engine.Plugin]:
    """Start a plugin whose provider has these inputs."""

    def configure(**more: str) -> engine.Plugin:
        started = start(kubeconfig(api.url))
        engine.configure(started, context="work", **more)
        return started

    return configure


def test_deleting_a_namespace_deletes_all_disks(
    plugin: engine.Plugin, api: apiserver.ApiServer, wording: object
) -> None:
    deploy(api, keep=True)
    put_claim(api, "upload", {})
    text = plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, inputs(HOME, DB), **inputs(MOVED)))
    assert text.splitlines()[0].endswith("[data-loss]")
    assert [text] == wording


def test_a_state_of_an_older_version_shows_no_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    deploy(api)
    old = {name: value for name, value in inputs(HOME, DB).items() if name != "sets"}
    assert engine.diff(plugin, OBJECTS, old, **inputs(HOME, DB, db=shape())) is None
    assert "data-db-0" in plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, old, **inputs(MOVED)))


def test_a_namespace_without_disks_may_be_deleted(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    api.put("v1", "Namespace", "", "shop-prod", labels=OURS)
    put_claim(api, "waiting", {}, bound=False)
    assert engine.diff(plugin, OBJECTS, inputs(HOME), **inputs(MOVED)) == ["objects"]


@pytest.mark.parametrize("keep", [True, False])
def test_a_deleted_store(plugin: engine.Plugin, api: apiserver.ApiServer, keep: bool) -> None:
    deploy(api, keep=keep, ordinals=2)
    put_claim(api, "data-db-x", {})
    put_claim(api, "data-dbs-0", {})
    if keep:
        assert engine.diff(plugin, OBJECTS, inputs(HOME, DB), **inputs(HOME)) == ["objects"]
        return
    text = plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, inputs(HOME, DB), **inputs(HOME)))
    assert text.splitlines()[1:3] == [
        f"  deletes the disk shop-prod/data-db-{number} (1Gi, store db): StatefulSet db is deleted" for number in (0, 1)
    ]
    assert "data-db-x" not in text
    assert "data-dbs" not in text


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (shape(), None),
        (shape(keep=True), None),
        (shape(size="1024Mi"), None),
        (shape(replicas=3), None),
        (shape(size="2Gi"), "spec.volumeClaimTemplates"),
        (shape(name="disk"), "spec.volumeClaimTemplates"),
        ({**shape(), "spec.podManagementPolicy": "OrderedReady"}, "spec.podManagementPolicy"),
        ({**shape(), "spec.serviceName": "other"}, "spec.serviceName"),
    ],
)
def test_a_declared_store(
    plugin: engine.Plugin, api: apiserver.ApiServer, declared: dict[str, object], reason: str | None
) -> None:
    deploy(api)
    declared_inputs = inputs(HOME, DB, db=declared)
    if reason is None:
        assert engine.diff(plugin, OBJECTS, declared_inputs, **declared_inputs) is None
    else:
        text = plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, declared_inputs, **declared_inputs))
        assert text.splitlines()[0].endswith("[store-change]")
        assert f"StatefulSet db: {reason} cannot be changed in place" in text


def without(field: str) -> dict[str, object]:
    return {name: value for name, value in shape().items() if name != f"spec.{field}"}


@pytest.mark.parametrize("field", ["podManagementPolicy", "revisionHistoryLimit", "volumeClaimTemplates"])
@pytest.mark.parametrize("known", ["state", "cluster", "both"])
def test_a_field_that_is_no_longer_declared(
    plugin: engine.Plugin, api: apiserver.ApiServer, field: str, known: str
) -> None:
    """Such as with `raw: {StatefulSet: {spec: {podManagementPolicy: null}}}`: the provider deletes the set first."""
    deploy(api)
    _, live = api.answer("/apis/apps/v1/namespaces/shop-prod/statefulsets/db")
    declared, recorded = without(field), shape()
    if field == "revisionHistoryLimit":
        live["spec"][field] = recorded["spec.revisionHistoryLimit"] = 3
    if known == "state":
        live["spec"] |= {"podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10}
        declared.pop("spec.podManagementPolicy", None)
        if field != "podManagementPolicy":
            del recorded["spec.podManagementPolicy"]
    if known == "cluster":
        old = {name: value for name, value in inputs(HOME, DB).items() if name != "sets"}
    else:
        old = inputs(HOME, DB, db=recorded)
    text = plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, old, **inputs(HOME, DB, db=declared)))
    if known == "state" and field != "volumeClaimTemplates":  # The provider deletes it, though it is as declared.
        assert "deletes the disk shop-prod/data-db-0 (1Gi, store db): StatefulSet db is deleted and created" in text
    else:
        assert text.splitlines()[0].endswith("[store-change]")
    assert f"spec.{field} cannot be changed" in text


def test_defaults_of_the_api_server_are_not_a_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    deploy(api)
    _, live = api.answer("/apis/apps/v1/namespaces/shop-prod/statefulsets/db")
    live["spec"] |= {"podManagementPolicy": "OrderedReady", "serviceName": ""}
    live["spec"]["volumeClaimTemplates"][0]["metadata"]["creationTimestamp"] = None
    declared_inputs = inputs(HOME, DB, db=without("podManagementPolicy"))
    assert engine.diff(plugin, OBJECTS, declared_inputs, **declared_inputs) is None


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {"name": "data", "labels": {"a": "b"}}},
        {"spec": {"volumeMode": "Block"}},
        {"spec": {"storageClassName": "fast"}},
    ],
)
def test_a_part_of_a_claim_that_is_no_longer_declared(
    plugin: engine.Plugin, api: apiserver.ApiServer, more: dict[str, dict[str, object]]
) -> None:
    deploy(api)
    _, live = api.answer("/apis/apps/v1/namespaces/shop-prod/statefulsets/db")
    for part, fields in more.items():
        live["spec"]["volumeClaimTemplates"][0][part] |= fields
    declared_inputs = inputs(HOME, DB, db=shape())
    text = plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, declared_inputs, **declared_inputs))
    assert "StatefulSet db: spec.volumeClaimTemplates cannot be changed in place" in text


def test_the_same_size_in_another_unit_is_not_a_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    deploy(api)
    old, new = inputs(HOME, DB, db=shape()), inputs(HOME, DB, db=shape(size="1024Mi"))
    assert engine.diff(plugin, OBJECTS, old, **new) is None


def test_old_outputs_after_an_update_without_a_change_are_ignored(
    plugin: engine.Plugin, api: apiserver.ApiServer
) -> None:
    """A disk was replaced, with the loss accepted; the engine keeps the outputs and records the inputs."""
    deploy(api, size="2Gi")
    outputs, new = inputs(HOME, DB, db=shape()), inputs(HOME, DB, db=shape(size="2Gi"))
    assert engine.diff(plugin, OBJECTS, outputs, new, **new) is None


def test_a_null_in_a_claim_is_not_a_change(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    deploy(api)
    nulled = json.loads(json.dumps(shape()))
    nulled["spec.volumeClaimTemplates"][0]["spec"]["volumeName"] = None
    assert engine.diff(plugin, OBJECTS, inputs(HOME, DB, db=shape()), **inputs(HOME, DB, db=nulled)) is None


def test_scaling_down_deletes_the_last_disks_if_declared(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    deploy(api, replicas=12, ordinals=12)
    declared_inputs = inputs(HOME, DB, db=shape(replicas=2))
    assert engine.diff(plugin, OBJECTS, declared_inputs, **declared_inputs) is None
    declared_inputs = inputs(HOME, DB, db=shape(replicas=2, scaled="Delete"))
    text = plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, declared_inputs, **declared_inputs))
    assert "data-db-0 " not in text
    assert "data-db-1 " not in text
    assert "deletes the disk shop-prod/data-db-2 (1Gi, store db): StatefulSet db is scaled to 2" in text
    assert "data-db-11 " in text


def test_a_claim_of_the_stack_itself(plugin: engine.Plugin, api: apiserver.ApiServer) -> None:
    deploy(api)
    text = plugin.get_refusal(lambda: engine.diff(plugin, OBJECTS, inputs(HOME, CLAIM), **inputs(HOME)))
    assert "deletes the disk shop-prod/data-db-0 (1Gi, store db): the claim is deleted" in text


def test_pending_deletions_of_a_failed_update_are_checked(
    configured: Callable[..., engine.Plugin], api: apiserver.ApiServer
) -> None:
    """An accepted move failed half-way: Pulumi deletes the old namespace in the next update."""
    deploy(api)
    accepting = configured(dataLoss=ALLOW)
    recorded = engine.update(accepting, OBJECTS, inputs(HOME, DB), **inputs(MOVED))
    assert recorded["leaving"] == [DB, HOME]
    again = inputs(MOVED)
    assert engine.diff(accepting, OBJECTS, recorded, **again) is None
    strict = configured()
    assert "data-db-0" in strict.get_refusal(lambda: engine.diff(strict, OBJECTS, recorded, **again))
    assert "leaving" not in engine.update(accepting, OBJECTS, recorded, **inputs(HOME, DB, MOVED))
    api.remove("v1", "Namespace", "", "shop-prod")
    assert engine.diff(strict, OBJECTS, recorded, **again) is None


def test_objects_of_another_stack_are_not_pending_deletions(
    configured: Callable[..., engine.Plugin], api: apiserver.ApiServer
) -> None:
    deploy(api)
    accepting = configured(dataLoss=ALLOW)
    recorded = engine.update(accepting, OBJECTS, inputs(HOME, DB, CLAIM), **inputs(MOVED))
    assert recorded["leaving"] == [DB, HOME, CLAIM]
    strict, theirs = configured(), {"app.kubernetes.io/part-of": "shop", "seaway/stack": "other"}
    for path in (
        "/api/v1/namespaces/shop-prod",
        "/apis/apps/v1/namespaces/shop-prod/statefulsets/db",
        "/api/v1/namespaces/shop-prod/persistentvolumeclaims/data-db-0",
    ):
        assert "data-db-0" in strict.get_refusal(lambda: engine.diff(strict, OBJECTS, {**recorded}, **inputs(MOVED)))
        api.answer(path)[1]["metadata"]["labels"] = theirs
        if "statefulsets" in path:
            put_claim(api, "data-db-0", OURS)
    assert engine.diff(strict, OBJECTS, recorded, **inputs(MOVED)) is None
    assert engine.update(strict, OBJECTS, recorded, **inputs(MOVED)).get("leaving") is None, "they are removed"


def test_a_run_accepts_exactly_the_named_disks(
    configured: Callable[..., engine.Plugin], api: apiserver.ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(api)
    monkeypatch.setitem(os.environ, "SEAWAY_ACCEPT_DATA_LOSS", "shop-prod/data-db-0")
    started = configured()
    assert engine.diff(started, OBJECTS, inputs(HOME, DB), **inputs(MOVED)) == ["objects"]
    put_claim(api, "newer", {})
    text = started.get_refusal(lambda: engine.diff(started, OBJECTS, inputs(HOME, DB), **inputs(MOVED)))
    assert text.splitlines()[1] == "  deletes the disk shop-prod/newer (1Gi): the namespace shop-prod is deleted"


def test_a_review_lists_the_disks_instead(
    configured: Callable[..., engine.Plugin],
    api: apiserver.ApiServer,
    own_display: engine.Display,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deploy(api)
    monkeypatch.setitem(os.environ, "SEAWAY_LIST_DATA_LOSS", "true")
    started = configured()
    assert engine.diff(started, OBJECTS, inputs(HOME, DB), **inputs(MOVED)) == ["objects"]
    (line,) = own_display.lines
    assert line.severity == "WARNING"
    assert line.text.startswith("deletes the disk shop-prod/data-db-0")


def destroy(plugin: engine.Plugin, urn: str) -> None:
    state = values.encode({"context": "work", "uid": "uid-1"})
    plugin.stub.Delete(provider_pb2.DeleteRequest(id="uid-1", urn=urn, properties=state))


def test_a_destroy_deletes_the_guard_first(configured: Callable[..., engine.Plugin], api: apiserver.ApiServer) -> None:
    deploy(api)
    started = configured(namespaces="shop-prod")
    text = started.get_refusal(lambda: destroy(started, GUARD))
    assert "deletes the disk shop-prod/data-db-0 (1Gi, store db): the namespace shop-prod is deleted" in text
    assert "SEAWAY_ACCEPT_DATA_LOSS=shop-prod/data-db-0 pulumi destroy --stack prod --ignore-protect" in text
    destroy(started, CLUSTER)
    further = GUARD.replace("destroy-guard", "blog-destroy-guard")
    assert started.get_refusal(lambda: destroy(started, further)) == text
    destroy(configured(namespaces="elsewhere"), GUARD)
    destroy(configured(namespaces="shop-prod", dataLoss=ALLOW), GUARD)


def test_a_state_without_the_namespace(configured: Callable[..., engine.Plugin], api: apiserver.ApiServer) -> None:
    deploy(api)
    for started in (configured(), configured(namespaces="cellar-prod,?")):
        text = started.get_refusal(lambda running=started: destroy(running, GUARD))
        assert "data-db-0" in text
        assert text.splitlines()[-2].startswith("The state is of an older version")
    api.put("v1", "Namespace", "", "cellar-prod", labels=OURS)
    destroy(configured(namespaces="cellar-prod,?"), GUARD)


def check_config(plugin: engine.Plugin, old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    request = provider_pb2.CheckRequest(urn=PROVIDER, olds=values.encode(old), news=values.encode(new))
    return values.decode(plugin.stub.CheckConfig(request).inputs)


def test_the_state_keeps_every_namespace_and_shows_no_change(plugin: engine.Plugin) -> None:
    new = {"context": "work", "namespaces": "b", "dataLoss": "[]"}
    assert check_config(plugin, {}, new)["namespaces"] == "b"
    assert check_config(plugin, {"context": "work"}, new)["namespaces"] == "b,?"
    assert check_config(plugin, {"context": "work", "namespaces": "a,b"}, new)["namespaces"] == "b,a"
    for old, changed in (({"context": "work"}, False), ({"context": "other", "namespaces": "b"}, True)):
        request = provider_pb2.DiffRequest(old_inputs=values.encode(old), news=values.encode(new))
        assert (plugin.stub.DiffConfig(request).changes == provider_pb2.DiffResponse.DIFF_SOME) == changed


def test_the_inputs_of_the_program_count(
    start: engine.Start, api: apiserver.ApiServer, kubeconfig: engine.Kubeconfig
) -> None:
    """The engine configures an unchanged provider with the inputs in the state."""
    deploy(api)
    started = start(kubeconfig(api.url))
    check_config(started, {"context": "work"}, {"context": "work", "namespaces": "cellar-prod", "dataLoss": ALLOW})
    engine.configure(started, context="work")
    assert engine.diff(started, OBJECTS, inputs(HOME, DB), **inputs(MOVED)) == ["objects"]


RUN = """
import subprocess, sys
process = subprocess.Popen([sys.argv[1], sys.argv[2]], stdout=subprocess.PIPE, text=True)
print(process.stdout.readline(), flush=True)
sys.stdin.readline()
process.terminate()
process.wait()
"""


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (("destroy", "--preview-only"), True),
        (("--stack", "prod", "down", "--yes"), True),
        (("-C", "folder", "dn"), True),
        (("refresh", "--stack", "down"), False),
        (("up", "--message", "destroy"), False),
        (("destroy", "--target", "urn:a"), False),
        (("destroy", "--exclude=urn:a"), False),
    ],
)
def test_the_preview_of_a_destroy_names_the_disks(
    words: tuple[str, ...],
    refused: bool,
    api: apiserver.ApiServer,
    kubeconfig: engine.Kubeconfig,
    own_display: engine.Display,
) -> None:
    """The engine only configures the plugin, closes the connection and stops it. The warning is shown nevertheless."""
    deploy(api)
    env = {**os.environ, "KUBECONFIG": str(kubeconfig(api.url))}
    line = [sys.executable, "-c", RUN, str(engine.EXECUTABLE), own_display.address, *words]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd="/") as run:
        assert run.stdout and run.stdin
        with conftest.connected(int(run.stdout.readline())) as stub:
            args = values.encode({"context": "work", "namespaces": "shop-prod"})
            request = stub.Configure.future(provider_pb2.ConfigureRequest(args=args, urn=PROVIDER))
            while not api.requests:
                request.done()
            request.cancel()
        run.stdin.write("\n")
        run.stdin.close()
        run.wait(timeout=10)
    warnings = [line for line in own_display.lines if line.severity == "WARNING"]
    assert bool(warnings) == refused
    if refused:
        assert "deletes the disk shop-prod/data-db-0" in warnings[0].text
        assert warnings[0].urn == PROVIDER
