"""`seaway up --rollback-on-failure` and `seaway status --drift` on the real cluster, with examples/shop under load.

The tests share one stack and run in the order of the file; each leaves the stack healthy.
"""

import dataclasses
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev import kubectl, prober, project
from seaway.images import registry
from seaway.project import release
from seaway.release import record_store, stored_record

pytestmark = pytest.mark.cluster

NAMESPACE = "shop-rollback"
ABSENT = f"registry.localhost:5000/shop/absent:{secrets.token_hex(4)}"
"""There is no such image."""
MOVED = f"registry.localhost:5000/postgres:{secrets.token_hex(4)}"
"""Neither of this, until a test pushes it. By its name it is known to be PostgreSQL, wherever it comes from."""
MORE = ("--", "--suppress-progress")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("shop")
    checkout = project.Project.create(folder, application=project.ROOT / "examples" / "shop", stack="rollback")
    replace(checkout, "app/app.yaml", "env: {TITLE: Shop}", "env: {TITLE: Shop}\n    secrets: [SESSION_KEY]")
    checkout.set_secret("SESSION_KEY", "first")
    yield checkout
    kubectl.delete_namespaces(NAMESPACE)


@pytest.fixture(scope="module")
def address(shop: project.Project) -> str:
    """The address of web for a person on this machine."""
    port = shop.get_objects("service", "web", "-n", NAMESPACE)["spec"]["ports"][0]["nodePort"]
    return project.run_cluster("forward", str(port)).stdout.strip()


def seaway(shop: project.Project, *words: str) -> project.CommandResult:
    line = [sys.executable, "-m", "seaway.cli", *words]
    done = project.run_command(*line, cwd=shop.folder, env=shop.env, timeout=400)
    print(done.output)
    return done


def replace(shop: project.Project, file: str, old: str, new: str) -> None:
    path = shop.folder / file
    source = path.read_text()
    assert source.count(old) >= 1, old
    path.write_text(source.replace(old, new, 1))


def pods(shop: project.Project) -> dict[str, list[str]]:
    """Names of the pods that run, by service."""
    names_by_owner: dict[str, list[str]] = {}
    for pod in shop.get_objects("pods", "-n", NAMESPACE, "--field-selector=status.phase=Running")["items"]:
        if "deletionTimestamp" not in pod["metadata"]:
            owner = pod["metadata"]["labels"].get("app.kubernetes.io/name", "-")
            names_by_owner.setdefault(owner, []).append(pod["metadata"]["name"])
    return {owner: sorted(names) for owner, names in sorted(names_by_owner.items())}


def going(shop: project.Project) -> list[str]:
    """Names of the pods that are told to end and have not yet."""
    manifests = shop.get_objects("pods", "-n", NAMESPACE)["items"]
    return [pod["metadata"]["name"] for pod in manifests if "deletionTimestamp" in pod["metadata"]]


def templates(shop: project.Project) -> dict[str, Any]:
    """What the pods are made from: image, variables, and the names of their configuration and secrets."""
    manifests = shop.get_objects("deployments,statefulsets", "-n", NAMESPACE)["items"]
    return {manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"] for manifest in manifests}


def current(shop: project.Project) -> dict[str, str]:
    return shop.get_objects("configmap", "release-current", "-n", NAMESPACE)["data"]


def test_a_first_release_that_fails_has_nothing_to_go_back_to(shop: project.Project) -> None:
    replace(shop, "app/app.yaml", "build: ./worker", f"image: {ABSENT}")
    done = seaway(shop, "up", "--rollback-on-failure", *MORE)
    assert done.exit_code == 1
    assert "the last good release cannot be put back: the state of stack rollback has no release" in done.stderr
    assert not (shop.folder / "environments").exists()
    replace(shop, "app/app.yaml", f"image: {ABSENT}", "build: ./worker")


def test_a_release_is_recorded_and_nothing_has_drifted(shop: project.Project) -> None:
    done = seaway(shop, "up", *MORE)
    assert done.exit_code == 0
    assert re.search(r"^web +service +2/2 ", done.stdout, re.M)
    assert re.search(r"^pulumi up [\d.]+ s · in all [\d.]+ s$", done.stdout, re.M)
    drift = seaway(shop, "status", "--drift", "--json")
    assert drift.exit_code == 0
    assert json.loads(drift.stdout) | {"drift": []} == json.loads(drift.stdout)
    assert json.loads(drift.stdout)["release"] == current(shop)["id"]


def rolled_back(shop: project.Project, address: str, before: dict[str, str]) -> project.CommandResult:
    """What `seaway up --rollback-on-failure` of a broken source must always be."""
    was = templates(shop)
    with prober.Prober(address) as load:
        done = seaway(shop, "up", "--rollback-on-failure", *MORE)
        prober.wait_until(lambda: not going(shop), seconds=120)
        load.wait_for_answers(20)
    assert done.exit_code == 3
    assert load.failures == []
    assert templates(shop) == was
    assert current(shop) == before, "the failed release never was the current one"
    failed = json.loads((shop.folder / ".seaway" / "release.rollback.json").read_text())
    assert failed["deployed"] == before["id"] != failed["described"]
    assert f"release {failed['described']} failed (" in done.stderr
    assert f"release {before['id']} is back, and state and cluster agree" in done.stderr
    assert seaway(shop, "status", "--drift").exit_code == 0
    return done


def test_a_missing_image_is_rolled_back_without_a_failed_request(shop: project.Project, address: str) -> None:
    before, first = current(shop), pods(shop)
    replace(shop, "app/app.yaml", "build: ./web", f"image: {ABSENT}")
    done = rolled_back(shop, address, before)
    assert re.search(rf"release [\w-]+ failed \(web: .*{ABSENT}.*\); putting release {before['id']} back", done.stderr)
    assert pods(shop) == first, "the pods of before never went"

    # The source still describes the failed release, so whatever is typed now leaves the good one alone.
    again = seaway(shop, "up", *MORE, "--expect-no-changes")
    assert again.exit_code == 3
    assert "running the last good one" in again.output
    assert "is held back, it failed at " in again.stdout
    assert pods(shop) == first


def test_a_mended_source_is_deployed_and_ends_the_hold(shop: project.Project, address: str) -> None:
    before, first = current(shop), pods(shop)
    replace(shop, "app/app.yaml", f"image: {ABSENT}", "build: ./web")
    replace(shop, "app/app.yaml", "TITLE: Shop", "TITLE: Mended")
    with prober.Prober(address) as load:
        done = seaway(shop, "up", *MORE)
    assert done.exit_code == 0
    assert "is held back no longer: environments/rollback.lock.yaml says so no more" in done.stdout
    assert load.failures == []
    assert current(shop)["previous"] == before["id"]
    assert {name for name, names in pods(shop).items() if names != first[name]} == {"web"}
    assert not list((shop.folder / "environments").iterdir())
    assert not list((shop.folder / "releases").iterdir())


def test_source_configuration_and_secrets_go_back_together(shop: project.Project, address: str) -> None:
    """The release changes the image of web, the value of a secret and a file of worker, and there it is broken.

    What web gets is healthy, so its pods are replaced twice.
    """
    before = current(shop)
    web = (shop.folder / "app" / "web" / "web.py").read_text()
    replace(shop, "app/web/web.py", "import server\n", "import server  # another web\n")
    replace(shop, "app/worker/worker.ini", "[", "# another line\n[")
    shop.set_secret("SESSION_KEY", "second")
    replace(shop, "app/app.yaml", "build: ./worker", f"image: {ABSENT}")
    rolled_back(shop, address, before)

    # Mended by taking it all back: the same release as before, so nothing is built, and no pod is replaced.
    first = pods(shop)
    (shop.folder / "app" / "web" / "web.py").write_text(web)
    replace(shop, "app/worker/worker.ini", "# another line\n[", "[")
    replace(shop, "app/app.yaml", f"image: {ABSENT}", "build: ./worker")
    shop.set_secret("SESSION_KEY", "first")
    assert seaway(shop, "up", *MORE).exit_code == 0
    assert pods(shop) == first
    assert current(shop) == before
    shop.preview("--expect-no-changes")


def test_a_broken_store_goes_back_too(shop: project.Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its one pod is replaced twice, and nothing is left to be done by hand. Tried again, as the image is there."""
    before, was = current(shop), templates(shop)
    replace(shop, "app/app.yaml", "image: postgres:17", f"image: {MOVED}")
    done = seaway(shop, "up", "--rollback-on-failure", *MORE)
    assert done.exit_code == 3
    assert (current(shop), templates(shop)) == (before, was)
    monkeypatch.setenv(registry.ADDRESSES_VARIABLE, shop.env[registry.ADDRESSES_VARIABLE])
    image = was["db"]["containers"][0]["image"]
    registry.copy_image(f"{image}@{registry.resolve_digest(image)}", MOVED)
    assert seaway(shop, "up", "--retry", "--rollback-on-failure", *MORE).exit_code == 0
    assert templates(shop)["db"]["containers"][0]["image"].startswith(MOVED)
    assert current(shop)["previous"] == before["id"]


INTRUDER = "intruder"
ELSEWHERE = "shop-elsewhere"


@pytest.fixture
def intruder(shop: project.Project) -> Iterator[Callable[..., project.CommandResult]]:
    """kubectl as an account that may edit this namespace, and may do nothing anywhere else."""
    n = ("-n", NAMESPACE)
    shop.kubectl("create", "serviceaccount", *n, INTRUDER)
    shop.kubectl(
        "create", "rolebinding", *n, INTRUDER, "--clusterrole=edit", f"--serviceaccount={NAMESPACE}:{INTRUDER}"
    )
    token = shop.kubectl("create", "token", *n, INTRUDER).stdout.strip()
    # A kubeconfig of its own: the one of the cluster has a certificate, which wins over a token.
    server = shop.kubectl("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}").stdout
    empty = shop.folder / "nothing"
    empty.write_text("")

    def kubectl(*words: str, stdin: str = "", code: int = 0) -> project.CommandResult:
        line = ["kubectl", f"--kubeconfig={empty}", f"--server={server}", "--insecure-skip-tls-verify"]
        done = subprocess.run(
            [*line, f"--token={token}", *words], env=shop.env, input=stdin, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == (code != 0), done.stderr
        return project.CommandResult(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, seconds=0)

    yield kubectl
    shop.kubectl("delete", "serviceaccount,rolebinding", *n, INTRUDER)


def forged(shop: project.Project, id_: str) -> dict[str, Any]:
    """The record with a program of the intruder in it, for another stack, with checksums that fit."""
    config_map = shop.get_objects("configmap", f"release-{id_}", "-n", NAMESPACE)
    true = stored_record.StoredRecord.join_parts([config_map])
    record = true.decode_record("true")
    app = record.app
    web = dataclasses.replace(app.services[0], command=("sh", "-c", "echo intruder; sleep 1000"))
    evil = dataclasses.replace(
        record,
        app=dataclasses.replace(app, services=(web, *app.services[1:])),
        settings={**record.settings, "stack": "elsewhere"},
    )
    saved = stored_record.StoredRecord.create(evil, release.Provenance())
    (kept,) = record_store.build_config_maps(evil, id_, saved)
    kept["metadata"] = {key: config_map["metadata"][key] for key in ("name", "namespace", "labels")}
    return kept


def test_a_forged_record_is_not_deployed(
    shop: project.Project, address: str, intruder: Callable[..., project.CommandResult]
) -> None:
    """An account with `edit` replaces the record: the next failing rollout goes back to the true one all the same."""
    before, was = current(shop), templates(shop)
    name = f"release-{before['id']}"
    intruder("get", "secrets", "-n", "kube-system", code=1)
    intruder("create", "namespace", ELSEWHERE, code=1)
    kept = forged(shop, before["id"])
    intruder("delete", "configmap", name, "-n", NAMESPACE)
    intruder("create", "-f", "-", stdin=json.dumps(kept))
    live = shop.get_objects("configmap", name, "-n", NAMESPACE)
    assert live["binaryData"] == kept["binaryData"], "it is in the cluster"
    # It is found, and not believed.
    assert f"the record of release {before['id']} in namespace" in seaway(shop, "status", "--drift").stderr
    preview = shop.preview("--json")
    (changed,) = (step for step in json.loads(preview.stdout)["steps"] if step["op"] != "same")
    assert changed["urn"].endswith("seaway:index:Release::release")

    replace(shop, "app/app.yaml", "build: ./worker", f"image: {ABSENT}")
    with prober.Prober(address) as load:
        done = seaway(shop, "up", "--rollback-on-failure", *MORE)
    assert done.exit_code == 3
    assert load.failures == []
    assert "is not what was written there" in done.stderr
    assert templates(shop) == was
    assert current(shop) == before
    assert "intruder" not in shop.kubectl(
        "get", "deployments,statefulsets,configmaps", "-A", "-o", "yaml"
    ).stdout.replace(f"{NAMESPACE}:{INTRUDER}", "")
    assert shop.kubectl("get", "namespace", ELSEWHERE, check=False).exit_code != 0
    # The true record is there again, and vouched for: only the account that this test made has drifted.
    drift = seaway(shop, "status", "--drift", "--json")
    assert drift.stderr == ""
    assert [step["object"] for step in json.loads(drift.stdout)["drift"]] == [
        {"kind": "ServiceAccount", "name": INTRUDER}
    ]
    assert shop.get_objects("configmap", name, "-n", NAMESPACE)["metadata"]["uid"] != live["metadata"]["uid"]
    replace(shop, "app/app.yaml", f"image: {ABSENT}", "build: ./worker")
    assert seaway(shop, "up", *MORE).exit_code == 0


def differences(shop: project.Project) -> set[tuple[str, str, str, str]]:
    done = seaway(shop, "status", "--drift", "--json")
    assert done.exit_code == 4
    return {
        (
            f"{difference['object']['kind']}/{difference['object']['name']}",
            difference["field"],
            difference["how"],
            (difference["by"] or "-").split(" ")[0],
        )
        for difference in json.loads(done.stdout)["drift"]
    }


def test_drift_is_told_exactly_and_a_refresh_puts_back_what_is_declared(shop: project.Project) -> None:
    n = ("-n", NAMESPACE)
    worker = templates(shop)["worker"]["containers"][0]["image"]
    shop.kubectl("set", "image", *n, "deployment/web", f"web={worker}")
    shop.kubectl("set", "env", *n, "deployment/api", "LOG=debug")
    shop.kubectl("scale", *n, "deployment/worker", "--replicas=2")
    shop.kubectl("delete", "service", *n, "api")
    shop.kubectl("label", *n, "statefulset/db", "team=x")
    shop.kubectl("create", "deployment", *n, "debug", f"--image={worker}")
    assert differences(shop) == {
        ("Deployment/web", "spec.template.spec.containers[web].image", "edited", "kubectl-set"),
        ("Deployment/api", "spec.template.spec.containers[api].env[LOG]", "added", "kubectl-set"),
        ("Deployment/worker", "spec.replicas", "edited", "kubectl"),
        ("Service/api", "", "deleted", "-"),
        ("StatefulSet/db", "metadata.labels.team", "added", "kubectl-label"),
        ("Deployment/debug", "", "added", "kubectl-create"),
    }
    shop.kubectl("delete", "deployment", *n, "debug")
    # An object that is not healthy is applied again by a refresh, whatever is wrong; one that is, where it was edited.
    shop.kubectl("rollout", "status", *n, "deployment/api", "--timeout=60s")
    shop.up("--refresh")
    # What others added is theirs: no `up` takes it away that does not change the object.
    assert differences(shop) == {
        ("StatefulSet/db", "metadata.labels.team", "added", "kubectl-label"),
        ("Deployment/api", "spec.template.spec.containers[api].env[LOG]", "added", "kubectl-set"),
    }
    shop.kubectl("label", *n, "statefulset/db", "team-")
    shop.kubectl("set", "env", *n, "deployment/api", "LOG-")
    shop.kubectl("rollout", "status", *n, "deployment/api", "--timeout=60s")
    assert seaway(shop, "status", "--drift").exit_code == 0


def test_the_release_before_comes_back_with_kubectl_alone(shop: project.Project) -> None:
    """As the runbook says: no Pulumi, no state, no passphrase; and no job runs again."""
    was, jobs = templates(shop), shop.get_objects("jobs", "-n", NAMESPACE)["items"]
    replace(shop, "app/app.yaml", "env: {TITLE: ", "env: {LATER: x, TITLE: New ")
    shop.up()
    assert templates(shop) != was
    pointer = "configmap/release-$(kubectl get configmap release-current -n $NS -o jsonpath={.data.previous})"
    manifests = f"kubectl get {pointer} -n $NS -o jsonpath='{{.binaryData.manifests\\.json\\.gz}}'"
    back = f"{manifests} | base64 -d | gunzip | kubectl replace -f -"
    done = project.run_command(
        "bash", "-euo", "pipefail", "-c", back, cwd=shop.folder, env={**shop.env, "NS": NAMESPACE}
    )
    assert done.exit_code == 0, done.output
    assert templates(shop) == was
    assert [job["metadata"]["uid"] for job in shop.get_objects("jobs", "-n", NAMESPACE)["items"]] == [
        job["metadata"]["uid"] for job in jobs
    ]
    variables = "spec.template.spec.containers[web].env"
    assert differences(shop) == {
        ("Deployment/web", f"{variables}[TITLE].value", "edited", "kubectl-replace"),
        ("Deployment/web", f"{variables}[LATER]", "deleted", "-"),
    }
    shop.up("--refresh")
    assert seaway(shop, "status", "--drift").exit_code == 0
