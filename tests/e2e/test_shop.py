"""The main job on the real cluster, with examples/shop: web -> api -> db, and a worker.

The tests share one stack and run in the order of the file; each leaves the stack healthy.
"""

import dataclasses
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev import environment, project
from tests.support import prober

pytestmark = pytest.mark.cluster

NAMESPACE = "shop-e2e"
TIMEOUT = 45  # seconds that a rollout may take before it has failed


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("shop")
    made = project.Project.create(
        folder,
        application=project.ROOT / "examples" / "shop",
        stack="e2e",
        rolloutTimeout=TIMEOUT,
    )
    yield made
    made.pulumi("cancel", "--yes", "e2e")
    made.destroy()


@pytest.fixture(scope="module")
def address(shop: project.Project) -> str:
    """The address of web for a person on this machine."""
    port = shop.get("service", "web", "-n", NAMESPACE)["spec"]["ports"][0]["nodePort"]
    return project.cluster("forward", str(port)).out.strip()


def images(shop: project.Project) -> dict[str, str]:
    """The image of every Deployment."""
    deployments = shop.get("deployments", "-n", NAMESPACE)["items"]
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"] for each in deployments
    }


def pods(shop: project.Project, service: str) -> list[str]:
    """Names of the pods of a service that run."""
    found = shop.get(
        "pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={service}", "--field-selector=status.phase=Running"
    )
    return [each["metadata"]["name"] for each in found["items"] if "deletionTimestamp" not in each["metadata"]]


def test_fresh_up_comes_up(shop: project.Project) -> None:
    done = shop.up()
    assert "created" in done.out
    for deployment in shop.get("deployments", "-n", NAMESPACE)["items"]:
        assert deployment["status"]["readyReplicas"] == deployment["spec"]["replicas"], deployment["metadata"]["name"]


def test_services_work_across_the_cluster(shop: project.Project, address: str) -> None:
    """web asks api, api asks PostgreSQL; what was written is read again through the whole chain."""
    answer = httpx.get(address, timeout=10)
    assert answer.status_code == 200, answer.text


def test_images_are_deployed_by_digest(shop: project.Project) -> None:
    for name, image in images(shop).items():
        assert re.fullmatch(r"registry\.localhost:5000/.+@sha256:[0-9a-f]{64}", image), (name, image)


def test_nothing_changed_changes_and_builds_nothing(shop: project.Project) -> None:
    before = images(shop), pods(shop, "web"), pods(shop, "api")
    preview = shop.preview("--expect-no-changes")
    assert "unchanged" in preview.out
    done = shop.up("--expect-no-changes")
    assert "rebuild" not in done.text
    assert (images(shop), pods(shop, "web"), pods(shop, "api")) == before


def test_the_same_tree_elsewhere_with_another_umask_is_no_change(shop: project.Project, tmp_path: Path) -> None:
    shop.clone(tmp_path / "elsewhere", umask=0o077).preview("--expect-no-changes")


def test_preview_shows_fields_not_secrets(shop: project.Project) -> None:
    """One changed variable is one visible field, in plain text; the generated password is in no preview, no state."""
    file = shop.folder / "app" / "app.yaml"
    source = file.read_text()
    password = json.loads(shop.kubectl("get", "secrets", "-n", NAMESPACE, "-o", "json").out)
    values = [value for item in password["items"] for value in item.get("data", {}).values()]
    assert values
    file.write_text(source.replace("TITLE: Shop", "TITLE: changed-in-preview"))
    try:
        preview = shop.preview("--diff")
    finally:
        file.write_text(source)
    assert "changed-in-preview" in preview.out
    state = next((shop.folder / ".seaway" / "state" / ".pulumi" / "stacks" / "seaway").glob("e2e.json")).read_text()
    for value in values:
        assert value not in preview.text
        assert value not in state


def test_one_changed_line_rolls_only_its_service_without_a_failed_request(shop: project.Project, address: str) -> None:
    source = next(path for path in sorted((shop.folder / "app" / "web").glob("*.py")))
    before = images(shop)
    original = source.read_text()
    source.write_text(original + "\n# a changed line\n")
    with prober.Prober(address) as load:
        done = shop.up()
    after = images(shop)
    assert source.name in done.text, "the reason of the rebuild is told"
    assert {name for name in before if before[name] != after[name]} == {"web"}
    assert load.failures == []
    assert load.answered > 20
    # Same content, same tag, same digest: going back deploys the very image of before.
    source.write_text(original)
    shop.up()
    assert images(shop) == before


def test_a_deleted_pod_is_replaced_without_a_failed_request(shop: project.Project, address: str) -> None:
    first = pods(shop, "web")
    assert len(first) == 2
    with prober.Prober(address) as load:
        shop.kubectl("delete", "pod", first[0], "-n", NAMESPACE)
        prober.until(lambda: len(pods(shop, "web")) == 2 and first[0] not in pods(shop, "web"), seconds=60)
        shop.kubectl("rollout", "status", "deployment/web", "-n", NAMESPACE, "--timeout=60s")
    assert load.failures == []
    assert load.answered > 20


@pytest.mark.parametrize("broken", ["exits", "missing image"])
def test_a_broken_release_fails_while_the_old_one_serves(shop: project.Project, address: str, broken: str) -> None:
    file = shop.folder / "app" / "app.yaml"
    source = file.read_text()
    if broken == "exits":
        file.write_text(source.replace("  web:\n", "  web:\n    command: [python3, -c, raise SystemExit(3)]\n", 1))
    else:
        changed = source.replace("    build: ./web\n", "    image: registry.localhost:5000/nobody/nothing:1\n", 1)
        assert changed != source
        file.write_text(changed)
    old = pods(shop, "web")
    with prober.Prober(address) as load:
        failed = shop.up(check=False)
    assert failed.code != 0
    assert failed.seconds < TIMEOUT + 30
    assert "web" in failed.text
    assert load.failures == []
    assert set(old) <= set(pods(shop, "web")), "the old version still serves"
    file.write_text(source)
    shop.up()
    shop.preview("--expect-no-changes")
    shop.kubectl("rollout", "status", "deployment/web", "-n", NAMESPACE, "--timeout=60s")


def test_interrupted_up_frees_the_lock_and_converges(shop: project.Project) -> None:
    """Two `up` at once never both apply; afterwards a plain one converges."""
    results: list[project.Done] = []
    workers = [threading.Thread(target=lambda: results.append(shop.up(check=False))) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=300)
    assert len(results) == 2
    for failed in (each for each in results if each.code):
        assert "lock" in failed.text
    shop.up()


def test_an_unreachable_cluster_fails_in_one_line(shop: project.Project, tmp_path: Path) -> None:
    kubeconfig = environment.KUBECONFIG.read_text()
    closed = tmp_path / "kubeconfig"
    closed.write_text(re.sub(r"server: .*", "server: https://127.0.0.1:1", kubeconfig))
    done = dataclasses.replace(shop, env=shop.env | {"KUBECONFIG": str(closed)}).preview(check=False)
    assert done.code != 0
    told = {line.partition("error: ")[2] for line in done.text.splitlines() if "error: " in line}
    assert len(told) == 1, done.text
    assert told.pop().startswith('cannot reach the cluster of context "seaway-dev" (https://127.0.0.1:1: ')
    assert "no changes" not in done.text


def test_destroy_leaves_nothing_but_the_images(shop: project.Project) -> None:
    deployed = images(shop)
    shop.destroy()
    assert shop.kubectl("get", "namespace", NAMESPACE, check=False).code != 0
    for image in deployed.values():
        shown = project.cluster("exec", "skopeo", "inspect", "--tls-verify=false", f"docker://{image}")
        assert json.loads(shown.out)["Digest"] == image.partition("@")[2]
