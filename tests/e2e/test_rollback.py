"""`seaway up --rollback-on-failure` and `seaway status --drift` on the real cluster, with examples/shop under load.

The tests share a stack and run in the order of the file. Each leaves the stack healthy.
"""

import dataclasses
import json
import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev import kubectl, prober, project
from seaway.images import registry
from seaway.project import release
from seaway.release import record_store, stored_record
from tests import golden

pytestmark = pytest.mark.cluster

NAMESPACE = "shop-rollback"
ABSENT = f"registry.localhost:5000/shop/absent:{secrets.token_hex(4)}"
"""An image that does not exist."""
MOVED = f"registry.localhost:5000/postgres:{secrets.token_hex(4)}"
"""Does not exist until a test pushes it. Its name identifies it as PostgreSQL."""
MORE = ("--", "--suppress-progress")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("shop")
    checkout = project.Project.create(folder, application=project.ROOT / "examples" / "shop", stack="rollback")
    checkout.replace_text("app/app.yaml", "env: {TITLE: Shop}", "env: {TITLE: Shop}\n    secrets: [SESSION_KEY]")
    checkout.set_secret("SESSION_KEY", "first")
    yield checkout
    kubectl.delete_namespaces(NAMESPACE)


@pytest.fixture(scope="module")
def address(shop: project.Project) -> str:
    """The address of web on this machine."""
    return shop.read_address(NAMESPACE)


def list_pods(shop: project.Project) -> dict[str, list[str]]:
    """Return the names of the running pods by service."""
    names_by_owner: dict[str, list[str]] = {}
    for pod in shop.get_objects("pods", "-n", NAMESPACE, "--field-selector=status.phase=Running")["items"]:
        if "deletionTimestamp" not in pod["metadata"]:
            owner = pod["metadata"]["labels"].get("app.kubernetes.io/name", "-")
            names_by_owner.setdefault(owner, []).append(pod["metadata"]["name"])
    return {owner: sorted(names) for owner, names in sorted(names_by_owner.items())}


def list_terminating(shop: project.Project) -> list[str]:
    """Return the names of the terminating pods."""
    manifests = shop.get_objects("pods", "-n", NAMESPACE)["items"]
    return [pod["metadata"]["name"] for pod in manifests if "deletionTimestamp" in pod["metadata"]]


def list_templates(shop: project.Project) -> dict[str, Any]:
    """Return the pod specs: images, variables, and the names of configuration and secrets."""
    manifests = shop.get_objects("deployments,statefulsets", "-n", NAMESPACE)["items"]
    return {manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"] for manifest in manifests}


def read_current(shop: project.Project) -> dict[str, str]:
    return shop.get_objects("configmap", "release-current", "-n", NAMESPACE)["data"]


def test_failed_first_release_has_no_fallback(shop: project.Project) -> None:
    shop.replace_text("app/app.yaml", "build: ./worker", f"image: {ABSENT}")
    result = shop.seaway("up", "--rollback-on-failure", *MORE)
    assert result.exit_code == 1
    assert "the last healthy release cannot be restored: the state of stack rollback has no release" in result.stderr
    assert not (shop.folder / "environments").exists()
    shop.replace_text("app/app.yaml", f"image: {ABSENT}", "build: ./worker")


def test_release_is_recorded_without_drift(shop: project.Project) -> None:
    result = shop.seaway("up", *MORE)
    assert result.exit_code == 0
    assert re.search(r"^web +service +\S+ +2/2 ", result.stdout, re.M)
    assert re.search(r"^pulumi up [\d.]+ s · total [\d.]+ s$", result.stdout, re.M)
    drift = shop.seaway("status", "--drift", "--json")
    assert drift.exit_code == 0
    assert json.loads(drift.stdout) | {"drift": []} == json.loads(drift.stdout)
    assert json.loads(drift.stdout)["release"] == read_current(shop)["id"]


def rolled_back(shop: project.Project, address: str, before: dict[str, str]) -> project.CommandResult:
    """Assert the result of `seaway up --rollback-on-failure` with a broken source."""
    was = list_templates(shop)
    with prober.Prober(address) as load:
        result = shop.seaway("up", "--rollback-on-failure", *MORE)
        prober.wait_until(lambda: not list_terminating(shop), seconds=120)
        load.wait_for_answers(20)
    assert result.exit_code == 3
    assert load.failures == []
    assert list_templates(shop) == was
    assert read_current(shop) == before, "the failed release never was the current one"
    failed = json.loads((shop.folder / ".seaway" / "release.rollback.json").read_text())
    assert failed["deployed"] == before["id"] != failed["described"]
    assert f"release {failed['described']} failed (" in result.stderr
    assert f"release {before['id']} is restored; state and cluster agree" in result.stderr
    assert shop.seaway("status", "--drift").exit_code == 0
    return result


def test_missing_image_is_rolled_back_without_a_failed_request(shop: project.Project, address: str) -> None:
    before, first = read_current(shop), list_pods(shop)
    shop.replace_text("app/app.yaml", "build: ./web", f"image: {ABSENT}")
    result = rolled_back(shop, address, before)
    assert re.search(rf"release [\w-]+ failed \(web: .*{ABSENT}.*\); restoring release {before['id']}", result.stderr)
    assert list_pods(shop) == first, "the pods of before never went"

    # The source still has the failed release, so further commands keep the healthy release.
    again = shop.seaway("up", *MORE, "--expect-no-changes")
    assert again.exit_code == 3
    assert "the last good release" in again.output
    assert "is held since it failed at " in again.stdout
    assert list_pods(shop) == first


def test_repaired_source_is_deployed_and_ends_the_hold(shop: project.Project, address: str) -> None:
    before, first = read_current(shop), list_pods(shop)
    shop.replace_text("app/app.yaml", f"image: {ABSENT}", "build: ./web")
    shop.replace_text("app/app.yaml", "TITLE: Shop", "TITLE: Mended")
    with prober.Prober(address) as load:
        result = shop.seaway("up", *MORE)
    assert result.exit_code == 0
    assert "is no longer held: environments/rollback.lock.yaml is updated" in result.stdout
    assert load.failures == []
    assert read_current(shop)["previous"] == before["id"]
    assert {name for name, names in list_pods(shop).items() if names != first[name]} == {"web"}
    assert not list((shop.folder / "environments").iterdir())
    assert not list((shop.folder / "releases").iterdir())


def test_source_configuration_and_secrets_are_rolled_back_together(shop: project.Project, address: str) -> None:
    """The release changes the image of web, a secret and a file of worker, where it is broken.

    The change of web is healthy, so its pods are replaced twice.
    """
    before = read_current(shop)
    web = (shop.folder / "app" / "web" / "web.py").read_text()
    shop.replace_text("app/web/web.py", "import server\n", "import server  # another web\n")
    shop.replace_text("app/worker/worker.ini", "[", "# another line\n[")
    shop.set_secret("SESSION_KEY", "second")
    shop.replace_text("app/app.yaml", "build: ./worker", f"image: {ABSENT}")
    rolled_back(shop, address, before)

    # Repaired by a revert: the same release as before, so nothing is built and no pod is replaced.
    first = list_pods(shop)
    (shop.folder / "app" / "web" / "web.py").write_text(web)
    shop.replace_text("app/worker/worker.ini", "# another line\n[", "[")
    shop.replace_text("app/app.yaml", f"image: {ABSENT}", "build: ./worker")
    shop.set_secret("SESSION_KEY", "first")
    assert shop.seaway("up", *MORE).exit_code == 0
    assert list_pods(shop) == first
    assert read_current(shop) == before
    shop.preview("--expect-no-changes")


def test_broken_store_is_rolled_back(shop: project.Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its only pod is replaced twice, without manual steps. A retry succeeds, because the image exists then."""
    before, was = read_current(shop), list_templates(shop)
    shop.replace_text("app/app.yaml", "image: postgres:17", f"image: {MOVED}")
    result = shop.seaway("up", "--rollback-on-failure", *MORE)
    assert result.exit_code == 3
    assert (read_current(shop), list_templates(shop)) == (before, was)
    monkeypatch.setenv(registry.ADDRESSES_VARIABLE, shop.env[registry.ADDRESSES_VARIABLE])
    image = was["db"]["containers"][0]["image"]
    registry.copy_image(f"{image}@{registry.resolve_digest(image)}", MOVED)
    assert shop.seaway("up", "--retry", "--rollback-on-failure", *MORE).exit_code == 0
    assert list_templates(shop)["db"]["containers"][0]["image"].startswith(MOVED)
    assert read_current(shop)["previous"] == before["id"]


INTRUDER = "intruder"
ELSEWHERE = "shop-elsewhere"


@pytest.fixture
def intruder(shop: project.Project) -> Iterator[Callable[..., project.CommandResult]]:
    """kubectl with an account that may edit only this namespace."""
    n = ("-n", NAMESPACE)
    shop.kubectl("create", "serviceaccount", *n, INTRUDER)
    shop.kubectl(
        "create", "rolebinding", *n, INTRUDER, "--clusterrole=edit", f"--serviceaccount={NAMESPACE}:{INTRUDER}"
    )
    token = shop.kubectl("create", "token", *n, INTRUDER).stdout.strip()
    # A separate kubeconfig: the certificate in the cluster's kubeconfig takes precedence over a token.
    server = shop.kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}").stdout
    empty = shop.folder / "nothing"
    empty.write_text("")

    def kubectl(*words: str, stdin: str = "", code: int = 0) -> project.CommandResult:
        line = ["kubectl", f"--kubeconfig={empty}", f"--server={server}", "--insecure-skip-tls-verify"]
        result = subprocess.run(
            [*line, f"--token={token}", *words], env=shop.env, input=stdin, capture_output=True, text=True, check=False
        )
        assert (result.returncode != 0) == (code != 0), result.stderr
        return project.CommandResult(exit_code=result.returncode, stdout=result.stdout, stderr=result.stderr, seconds=0)

    yield kubectl
    shop.kubectl("delete", "serviceaccount,rolebinding", *n, INTRUDER)


def forge_record(shop: project.Project, id_: str) -> dict[str, Any]:
    """A record with a program of the intruder, for another stack, with valid checksums."""
    config_map = shop.get_objects("configmap", f"release-{id_}", "-n", NAMESPACE)
    true = stored_record.StoredRecord.join_parts([config_map])
    record = true.decode_record("true")
    app = record.environment.app
    web = dataclasses.replace(app.services[0], command=("sh", "-c", "echo intruder; sleep 1000"))
    evil = golden.change_record(record, dataclasses.replace(app, services=(web, *app.services[1:])), stack="elsewhere")
    saved = stored_record.StoredRecord.create(evil, release.Provenance())
    (kept,) = record_store.build_config_maps(evil, id_, saved)
    kept["metadata"] = {key: config_map["metadata"][key] for key in ("name", "namespace", "labels")}
    return kept


def test_forged_record_is_not_deployed(
    shop: project.Project, address: str, intruder: Callable[..., project.CommandResult]
) -> None:
    """An account with `edit` replaces the record: the next failed rollout still returns to the true record."""
    before, was = read_current(shop), list_templates(shop)
    name = f"release-{before['id']}"
    intruder("get", "secrets", "-n", "kube-system", code=1)
    intruder("create", "namespace", ELSEWHERE, code=1)
    kept = forge_record(shop, before["id"])
    intruder("delete", "configmap", name, "-n", NAMESPACE)
    intruder("create", "-f", "-", stdin=json.dumps(kept))
    live = shop.get_objects("configmap", name, "-n", NAMESPACE)
    assert live["binaryData"] == kept["binaryData"], "it is in the cluster"
    # The record is read, but not trusted.
    assert f"the record of release {before['id']} in namespace" in shop.seaway("status", "--drift").stderr
    preview = shop.preview("--json")
    (changed,) = (step for step in json.loads(preview.stdout)["steps"] if step["op"] != "same")
    assert changed["urn"].endswith("seaway:index:Release::release")

    shop.replace_text("app/app.yaml", "build: ./worker", f"image: {ABSENT}")
    with prober.Prober(address) as load:
        result = shop.seaway("up", "--rollback-on-failure", *MORE)
    assert result.exit_code == 3
    assert load.failures == []
    assert f"the record of release {before['id']} in namespace {NAMESPACE} was changed" in result.stderr
    assert list_templates(shop) == was
    assert read_current(shop) == before
    assert "intruder" not in shop.kubectl(
        "get", "deployments,statefulsets,configmaps", "-A", "-o", "yaml"
    ).stdout.replace(f"{NAMESPACE}:{INTRUDER}", "")
    assert shop.kubectl("get", "namespace", ELSEWHERE, check=False).exit_code != 0
    # The true record is restored and verified: only the account of this test has drifted.
    drift = shop.seaway("status", "--drift", "--json")
    assert drift.stderr == ""
    assert [step["object"] for step in json.loads(drift.stdout)["drift"]] == [
        {"kind": kind, "name": INTRUDER} for kind in ("RoleBinding", "ServiceAccount")
    ]
    assert shop.get_objects("configmap", name, "-n", NAMESPACE)["metadata"]["uid"] != live["metadata"]["uid"]
    shop.replace_text("app/app.yaml", f"image: {ABSENT}", "build: ./worker")
    assert shop.seaway("up", *MORE).exit_code == 0


def list_differences(shop: project.Project) -> set[tuple[str, str, str, str]]:
    result = shop.seaway("status", "--drift", "--json")
    assert result.exit_code == 4
    return {
        (
            f"{difference['object']['kind']}/{difference['object']['name']}",
            difference["field"],
            difference["how"],
            (difference["by"] or "-").split(" ")[0],
        )
        for difference in json.loads(result.stdout)["drift"]
    }


def test_drift_is_listed_and_refresh_restores_declared_fields(shop: project.Project) -> None:
    n = ("-n", NAMESPACE)
    worker = list_templates(shop)["worker"]["containers"][0]["image"]
    shop.kubectl("set", "image", *n, "deployment/web", f"web={worker}")
    shop.kubectl("set", "env", *n, "deployment/api", "LOG=debug")
    shop.kubectl("scale", *n, "deployment/worker", "--replicas=2")
    shop.kubectl("delete", "service", *n, "api")
    shop.kubectl("label", *n, "statefulset/db", "team=x")
    shop.kubectl("create", "deployment", *n, "debug", f"--image={worker}")
    assert list_differences(shop) == {
        ("Deployment/web", "spec.template.spec.containers[web].image", "edited", "kubectl-set"),
        ("Deployment/api", "spec.template.spec.containers[api].env[LOG]", "added", "kubectl-set"),
        ("Deployment/worker", "spec.replicas", "edited", "kubectl"),
        ("Service/api", "", "deleted", "-"),
        ("StatefulSet/db", "metadata.labels.team", "added", "kubectl-label"),
        ("Deployment/debug", "", "added", "kubectl-create"),
    }
    shop.kubectl("delete", "deployment", *n, "debug")
    # A refresh reapplies an unhealthy object completely, and a healthy object where it was edited.
    shop.kubectl("rollout", "status", *n, "deployment/api", "--timeout=60s")
    shop.up("--refresh")
    # Fields of other managers stay: an `up` that does not change the object keeps them.
    assert list_differences(shop) == {
        ("StatefulSet/db", "metadata.labels.team", "added", "kubectl-label"),
        ("Deployment/api", "spec.template.spec.containers[api].env[LOG]", "added", "kubectl-set"),
    }
    shop.kubectl("label", *n, "statefulset/db", "team-")
    shop.kubectl("set", "env", *n, "deployment/api", "LOG-")
    shop.kubectl("rollout", "status", *n, "deployment/api", "--timeout=60s")
    assert shop.seaway("status", "--drift").exit_code == 0


def test_previous_release_is_restored_with_kubectl_alone(shop: project.Project) -> None:
    """As in the runbook: without Pulumi, state and passphrase, and without repeated jobs."""
    was, jobs = list_templates(shop), shop.get_objects("jobs", "-n", NAMESPACE)["items"]
    shop.replace_text("app/app.yaml", "env: {TITLE: ", "env: {LATER: x, TITLE: New ")
    shop.up()
    assert list_templates(shop) != was
    pointer = "configmap/release-$(kubectl get configmap release-current -n $NS -o jsonpath={.data.previous})"
    manifests = f"kubectl get {pointer} -n $NS -o jsonpath='{{.binaryData.manifests\\.json\\.gz}}'"
    back = f"{manifests} | base64 -d | gunzip | kubectl replace -f -"
    result = project.run_command(
        "bash", "-euo", "pipefail", "-c", back, cwd=shop.folder, env={**shop.env, "NS": NAMESPACE}
    )
    assert result.exit_code == 0, result.output
    assert list_templates(shop) == was
    assert [job["metadata"]["uid"] for job in shop.get_objects("jobs", "-n", NAMESPACE)["items"]] == [
        job["metadata"]["uid"] for job in jobs
    ]
    variables = "spec.template.spec.containers[web].env"
    assert list_differences(shop) == {
        ("Deployment/web", f"{variables}[TITLE].value", "edited", "kubectl-replace"),
        ("Deployment/web", f"{variables}[LATER]", "deleted", "-"),
    }
    shop.up("--refresh")
    assert shop.seaway("status", "--drift").exit_code == 0
