"""Deploys examples/shop to the real cluster: web -> api -> db, and a worker.

The tests share a stack and run in the order of the file. Each leaves the stack healthy.
"""

import base64
import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev import environment, kubectl, prober, project
from dev.faults import watched_run

pytestmark = pytest.mark.cluster

NAMESPACE = "shop-e2e"
WORKLOAD = "urn:pulumi:e2e::seaway::seaway:index:Application$seaway:index:Workload"
PATIENCE = 3600
"""Seconds: a long rollout timeout, so that a command that ends before its own limit did not wait."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("shop")
    checkout = project.Project.create(
        folder,
        application=project.ROOT / "examples" / "shop",
        stack="e2e",
        rolloutTimeout=PATIENCE,
    )
    yield checkout
    kubectl.delete_namespaces(NAMESPACE)


@pytest.fixture(scope="module")
def address(shop: project.Project) -> str:
    """The address of web on this machine."""
    return shop.read_address(NAMESPACE)


def list_images(shop: project.Project) -> dict[str, str]:
    """Return the image of each Deployment."""
    deployments = shop.get_objects("deployments", "-n", NAMESPACE)["items"]
    return {
        deployment["metadata"]["name"]: deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        for deployment in deployments
    }


def list_pods(shop: project.Project, service: str) -> list[str]:
    """Return the names of the running pods of a service."""
    manifests = shop.get_objects(
        "pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={service}", "--field-selector=status.phase=Running"
    )
    return [pod["metadata"]["name"] for pod in manifests["items"] if "deletionTimestamp" not in pod["metadata"]]


@contextlib.contextmanager
def replace_text(shop: project.Project, old: str, new: str) -> Iterator[None]:
    """Replace a text in app.yaml until the block ends."""
    file = shop.folder / "app" / "app.yaml"
    source = file.read_text()
    assert source.count(old) == 1, old
    file.write_text(source.replace(old, new))
    try:
        yield
    finally:
        file.write_text(source)


def find_title(shop: project.Project, title: str) -> None:
    """Change the title of web's page."""
    file = shop.folder / "app" / "app.yaml"
    source, count = re.subn(r"TITLE: \w+", f"TITLE: {title}", file.read_text())
    assert count == 1
    file.write_text(source)


def read_image(shop: project.Project, name: str = "web") -> tuple[str, dict[str, Any]]:
    """Return the revision of a Deployment, which counts its changes, and its container."""
    deployment = shop.get_objects("deployment", name, "-n", NAMESPACE)
    revision = deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
    return revision, deployment["spec"]["template"]["spec"]["containers"][0]


def list_locks(shop: project.Project) -> list[str]:
    """List the lock files of the stack's backend."""
    folder = shop.folder / ".seaway" / "state" / ".pulumi" / "locks"
    return [file.name for file in folder.rglob("*.json")]


def test_first_up_succeeds(shop: project.Project) -> None:
    result = shop.up()
    assert "created" in result.stdout
    for deployment in shop.get_objects("deployments", "-n", NAMESPACE)["items"]:
        assert deployment["status"]["readyReplicas"] == deployment["spec"]["replicas"], deployment["metadata"]["name"]


def test_services_work_across_the_cluster(shop: project.Project, address: str) -> None:
    """web calls api, api calls PostgreSQL. An order is read back through the whole chain."""
    item = uuid.uuid4().hex
    # As a browser sends the form; web responds with a redirect to its page.
    sent = httpx.post(f"{address}/orders", data={"item": item}, follow_redirects=True, timeout=10)
    assert sent.status_code == 200, sent.text
    assert item in sent.text
    query = f"psql -U shop -d shop -At -c \"select count(*) from orders where item = '{item}'\""
    assert shop.kubectl("exec", "-n", NAMESPACE, "db-0", "--", "sh", "-c", query).stdout.strip() == "1"
    # The worker reads open orders from api and packs them.
    prober.wait_until(lambda: f"<li>{item} (packed)</li>" in httpx.get(address, timeout=10).text, seconds=120)


def test_unchanged_source_changes_and_builds_nothing(shop: project.Project) -> None:
    before = list_images(shop), list_pods(shop, "web"), list_pods(shop, "api")
    result = shop.up("--expect-no-changes")
    assert "rebuild" not in result.output
    assert (list_images(shop), list_pods(shop, "web"), list_pods(shop, "api")) == before


def test_same_tree_in_another_folder_and_umask_is_no_change(shop: project.Project, tmp_path: Path) -> None:
    preview = shop.clone(tmp_path / "elsewhere", umask=0o077).preview("--expect-no-changes")
    assert "unchanged" in preview.stdout


def test_preview_shows_fields_not_secrets(shop: project.Project) -> None:
    """A changed variable is a visible field in plain text. The generated password is in no preview and no state."""
    items = shop.get_objects("secrets", "-n", NAMESPACE)["items"]
    encoded = [value for item in items for value in item.get("data", {}).values()]
    secrets = [form for value in encoded for form in (value.encode(), base64.b64decode(value))]
    assert secrets
    assert min(map(len, secrets)) >= 32, "short texts may stand anywhere"
    with replace_text(shop, "TITLE: Shop", "TITLE: changed-in-preview"):
        preview = shop.preview("--diff")
    assert "changed-in-preview" in preview.stdout
    written = {"preview": preview.output.encode()}
    for folder in ("state", "pulumi/logs"):  # the state with its history and backups
        for file in sorted((shop.folder / ".seaway" / folder).rglob("*")):
            if file.is_file():
                written[str(file)] = file.read_bytes()
    assert any(b"ciphertext" in content for content in written.values()), "the state was read"
    assert [name for name, content in written.items() if any(secret in content for secret in secrets)] == []


def test_secret_is_a_private_file_and_not_a_variable(shop: project.Project) -> None:
    items = shop.get_objects("secrets", "-n", NAMESPACE)["items"]
    (password,) = {base64.b64decode(item["data"]["POSTGRES_PASSWORD"]).decode() for item in items if "data" in item}
    look = "cat $POSTGRES_PASSWORD_FILE; echo; stat -Lc '%a %g' $POSTGRES_PASSWORD_FILE; id -g; env"
    for pod, group in ((list_pods(shop, "api")[0], "10001"), ("db-0", "999")):
        read, mode, own, *env = shop.kubectl("exec", "-n", NAMESPACE, pod, "--", "sh", "-c", look).stdout.splitlines()
        assert (read, mode, own) == (password, f"440 {group}", group), pod
        assert "POSTGRES_PASSWORD_FILE=/run/secrets/POSTGRES_PASSWORD" in env
        assert not any(password in line for line in env)


ASK = """
import pathlib, ssl, urllib.error, urllib.request
account = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
trust = ssl.create_default_context(cafile=account / "ca.crt")
for kind in ("pods", "secrets"):
    url = f"https://kubernetes.default.svc/api/v1/namespaces/{(account / 'namespace').read_text()}/{kind}"
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {(account / 'token').read_text()}"})
    try:
        print(kind, urllib.request.urlopen(asked, context=trust, timeout=10).status)
    except urllib.error.HTTPError as error:
        print(kind, error.code)
print(len(pathlib.Path("/run/secrets/POSTGRES_PASSWORD").read_text()))
"""


def test_account_has_declared_permissions_and_its_token_is_beside_the_secrets(shop: project.Project) -> None:
    """In these images, /var/run is a link to /run, so token and secrets are in one folder."""
    with replace_text(
        shop,
        "    secrets: [POSTGRES_PASSWORD] #",
        "    kubernetesApi: {pods: [list]}\n    secrets: [POSTGRES_PASSWORD] #",
    ):
        shop.up()
        asked = shop.kubectl("exec", "-n", NAMESPACE, list_pods(shop, "api")[0], "--", "python3", "-c", ASK).stdout
        assert asked.splitlines() == ["pods 200", "secrets 403", "32"]
    shop.up()
    asked = shop.kubectl("get", "roles,rolebindings", "-n", NAMESPACE, "-o", "name").stdout
    assert asked == "", "with the words the rights go too"


def test_change_rolls_only_its_service_without_a_failed_request(shop: project.Project, address: str) -> None:
    source = next(path for path in sorted((shop.folder / "app" / "web").glob("*.py")))
    before = list_images(shop)
    original = source.read_text()
    source.write_text(original + "\n# a changed line\n")
    with prober.Prober(address) as load:
        result = shop.up()
        load.wait_for_answers(20)
    after = list_images(shop)
    assert source.name in result.output, "the reason of the rebuild is told"
    assert {name for name in before if before[name] != after[name]} == {"web"}
    assert load.failures == []
    # Same content, same tag, same digest: a revert deploys the previous image.
    source.write_text(original)
    shop.up()
    assert list_images(shop) == before


def test_deleted_pod_is_replaced_without_a_failed_request(shop: project.Project, address: str) -> None:
    first = list_pods(shop, "web")
    assert len(first) == 2
    with prober.Prober(address) as load:
        shop.kubectl("delete", "pod", first[0], "-n", NAMESPACE)
        prober.wait_until(
            lambda: len(list_pods(shop, "web")) == 2 and first[0] not in list_pods(shop, "web"), seconds=120
        )
        shop.kubectl("rollout", "status", "deployment/web", "-n", NAMESPACE, "--timeout=60s")
        load.wait_for_answers(20)
    assert load.failures == []


def find_message(result: project.CommandResult, step: str) -> str:
    """Return the message of a step's Rollout in Pulumi's diagnostics."""
    _, _, diagnostics = result.stdout.partition("\nDiagnostics:\n")
    match = re.search(
        rf"^  seaway:index:Rollout \({step}\):\n(.*?)(?=\n  \S|\nResources:|\Z)", diagnostics, re.M | re.S
    )
    assert match, result.output
    return match[1]


def test_broken_release_fails_fast_while_the_old_one_serves(shop: project.Project, address: str) -> None:
    """One cause represents all: test_causes tests each cause, and dev/faults shows each with `pulumi up`.

    A file is changed too. The failed rollout must keep the previous ConfigMap: a restarted pod needs it.
    """
    source = shop.folder / "app" / "worker" / "worker.ini"
    original = source.read_text()
    before, workers = list_pods(shop, "web"), list_pods(shop, "worker")
    absent = "registry.localhost:5000/nobody/nothing:1"
    source.write_text(original + "colour = red\n")
    with (
        replace_text(shop, "    build: ./web\n", f"    image: {absent}\n"),
        replace_text(shop, "    build: ./worker\n", f"    image: {absent}\n"),
        prober.Prober(address) as load,
    ):
        failed = shop.up(check=False)
    source.write_text(original)
    assert failed.exit_code != 0
    error = find_message(failed, "services")
    assert "error: " in error
    assert "web" in error
    assert absent in error
    assert "seaway help image-not-found" in error
    assert load.failures == []
    assert set(before) <= set(list_pods(shop, "web")), "the old version still serves"
    # The previous source was healthy the last time: only the cluster shows that it is not healthy now.
    assert "web is not healthy now" in shop.preview().output
    shop.up()
    shop.preview("--expect-no-changes")
    is_rolled_out(shop)

    shop.kubectl("delete", "pod", *list_pods(shop, "worker"), "-n", NAMESPACE)
    prober.wait_until(lambda: (now := list_pods(shop, "worker")) and set(now).isdisjoint(workers), seconds=120)
    read = shop.kubectl("exec", "-n", NAMESPACE, "deployment/worker", "--", "cat", "/etc/shop/worker.ini")
    assert read.stdout == original
    shop.kubectl("rollout", "status", "deployment/worker", "-n", NAMESPACE, "--timeout=60s")


def is_rolled_out(shop: project.Project) -> None:
    """`kubectl rollout status` agrees immediately."""
    for name in ("deployment/web", "deployment/api", "deployment/worker", "statefulset/db"):
        shop.kubectl("rollout", "status", name, "-n", NAMESPACE, "--timeout=1s")


def test_failed_job_blocks_the_services_and_the_next_up_retries_it(shop: project.Project, address: str) -> None:
    """The source is unchanged and the job's requirement is met: only the failed Job shows that it must run again."""
    before = list_pods(shop, "web"), list_pods(shop, "api")
    query = "import store; held = store.connect(); held.__enter__().run('select 1 from gate')"
    file = shop.folder / "app" / "app.yaml"
    file.write_text(file.read_text().replace("command: [python3, migrate.py]", f'command: [python3, -c, "{query}"]'))
    find_title(shop, "Later")
    with prober.Prober(address) as load:
        failed = shop.up(check=False)
        assert failed.exit_code != 0
        error = find_message(failed, "jobs")
        assert "seaway help job-failed" in error
        assert 'relation "gate" does not exist' in error
        assert (list_pods(shop, "web"), list_pods(shop, "api")) == before, (
            "no service changes before the job has succeeded"
        )
        sql = "psql -U shop -d shop -c 'create table gate ()'"
        shop.kubectl("exec", "-n", NAMESPACE, "db-0", "--", "sh", "-c", sql)
        assert re.search(r"Job migrate-\S+ replace", shop.preview().stdout), "the preview tells"
        shop.up()
        shop.preview("--expect-no-changes")
        assert {"name": "TITLE", "value": "Later"} in read_image(shop)[1]["env"]
    assert load.failures == []


def test_broken_store_is_repaired_by_the_previous_source(shop: project.Project) -> None:
    before = list_pods(shop, "web"), list_pods(shop, "api")
    with replace_text(shop, "    image: postgres:17\n", "    image: registry.localhost:5000/nobody/nothing:2\n"):
        failed = shop.up(check=False)
    assert failed.exit_code != 0
    assert "seaway help image-not-found" in find_message(failed, "stores")
    assert (list_pods(shop, "web"), list_pods(shop, "api")) == before
    shop.up()
    shop.preview("--expect-no-changes")
    is_rolled_out(shop)


def test_foreign_object_is_not_adopted(shop: project.Project) -> None:
    """Reported before any change, also in a preview. With the label of the message, the object is adopted."""
    create = ("create", "service", "clusterip", "cache", "--tcp=1234", "-n", NAMESPACE)
    shop.kubectl(*create)
    spec = shop.get_objects("service", "cache", "-n", NAMESPACE)["spec"]
    with replace_text(shop, "  worker:\n", "  cache: {build: ./worker, port: 80, scale: 1}\n\n  worker:\n"):
        for refused in (shop.preview(check=False), shop.up(check=False)):
            assert refused.exit_code != 0
            assert "an object exists already and does not belong to this stack" in refused.output
        lines = {line.strip() for line in refused.output.splitlines() if line.strip().startswith("kubectl label")}
        assert len(lines) == 1, refused.output
        assert shop.get_objects("service", "cache", "-n", NAMESPACE)["spec"] == spec
        assert shop.kubectl("get", "deployment", "cache", "-n", NAMESPACE, check=False).exit_code != 0
        shop.kubectl(*lines.pop().split()[1:])
        assert "cache" in shop.preview().stdout
    shop.kubectl("delete", "service", "cache", "-n", NAMESPACE)


def test_replaced_deployment_exists_afterwards(shop: project.Project) -> None:
    """`up` waits for the deletion, or it would mistake the old Deployment for the new one.

    The image of `cache` may have been built before the refusal: this `up` removes it.
    """
    before = shop.get_objects("deployment", "web", "-n", NAMESPACE)["metadata"]["uid"]
    shop.up("--replace", f"{WORKLOAD}$kubernetes:apps/v1:Deployment::web")
    is_rolled_out(shop)
    assert shop.get_objects("deployment", "web", "-n", NAMESPACE)["metadata"]["uid"] != before
    shop.preview("--expect-no-changes")


def test_concurrent_up_never_apply_both(shop: project.Project) -> None:
    before, _ = read_image(shop)
    results: list[project.CommandResult] = []
    find_title(shop, "Two")
    workers = [threading.Thread(target=lambda: results.append(shop.up(check=False))) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=300)
    assert len(results) == 2
    # The second may start after the first has ended, without changes; or both may see the other's lock and fail.
    for failed in (result for result in results if result.exit_code):
        assert "error: the stack is currently locked by" in failed.output
        assert re.search(r"created by \S+@\S+ \(pid \d+\) at \d{4}-", failed.output), "who holds it"
    applied = [result for result in results if re.search(r"Deployment web updated", result.stdout)]
    assert len(applied) <= 1, "\n".join(result.output for result in results)
    shop.up()
    shop.preview("--expect-no-changes")
    after, container = read_image(shop)
    assert int(after) == int(before) + 1
    assert {"name": "TITLE", "value": "Two"} in container["env"]
    assert list_locks(shop) == []


def interrupt_up(shop: project.Project) -> watched_run.WatchedRun:
    """Run `pulumi up`, and press Ctrl-C while it waits for the rollout of web."""
    locks: list[str] = []

    def press(running: subprocess.Popen[str]) -> None:
        locks.extend(list_locks(shop))
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does

    run = watched_run.run_up(shop, act=press, after=1)
    assert len(locks) == 1
    return run


@pytest.mark.parametrize("title", ["Mended", None], ids=["forward to a mended source", "back to the source of before"])
def test_interrupted_up_ends_immediately_and_the_next_converges(
    shop: project.Project, address: str, title: str | None
) -> None:
    """Ctrl-C in a rollout that never ends: no lock remains, the old pods serve, and the next `up` repairs."""
    _, good = read_image(shop)
    with prober.Prober(address) as load:
        with replace_text(shop, "  web:\n", "  web:\n    command: [sleep, infinity]\n"):
            result = interrupt_up(shop)
        assert result.exit_code != 0, result.output
        assert list_locks(shop) == []
        assert read_image(shop)[1]["command"] == ["sleep", "infinity"], "the rollout had begun"
        if title:
            find_title(shop, title)
            variables = [
                variable | {"value": title} if variable["name"] == "TITLE" else variable for variable in good["env"]
            ]
            good |= {"env": variables}
        shop.up()
        shop.preview("--expect-no-changes")
    assert read_image(shop)[1] == good
    is_rolled_out(shop)
    assert load.failures == []


def test_unreachable_cluster_fails_with_one_line(shop: project.Project, tmp_path: Path) -> None:
    kubeconfig = environment.KUBECONFIG.read_text()
    closed = tmp_path / "kubeconfig"
    closed.write_text(re.sub(r"server: .*", "server: https://127.0.0.1:1", kubeconfig))
    result = dataclasses.replace(shop, env=shop.env | {"KUBECONFIG": str(closed)}).preview(check=False)
    assert result.exit_code != 0
    messages = {line.partition("error: ")[2] for line in result.output.splitlines() if "error: " in line}
    assert len(messages) == 1, result.output
    assert messages.pop().startswith('cannot reach the cluster of context "seaway-dev" (https://127.0.0.1:1: ')
    assert "no changes" not in result.output


def test_destroy_keeps_only_the_images(shop: project.Project) -> None:
    deployed = list_images(shop)
    shop.destroy()
    assert shop.kubectl("get", "namespace", NAMESPACE, check=False).exit_code != 0
    for image in deployed.values():
        shown = project.run_cluster("exec", "skopeo", "inspect", "--tls-verify=false", f"docker://{image}")
        assert json.loads(shown.stdout)["Digest"] == image.partition("@")[2]
