"""A release is built in dev, promoted to staging and, under load, to prod, and rolled back there.

Three stacks share a cluster. dev and prod use the cluster's registry, staging uses another. The tests run in the order
of the file.
"""

import dataclasses
import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
import yaml

from dev import kubectl, prober, project
from seaway.images import registry
from seaway.project import release_lock
from seaway.release import stored_record

pytestmark = pytest.mark.cluster

QUIET = ("--", "--suppress-progress")

BROKEN = 'if os.environ.get("STAGE"):\n    raise SystemExit("web works in dev only")\n'


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """Three environments of a checkout."""

    dev: project.Project
    staging: project.Project
    prod: project.Project

    @property
    def folder(self) -> Path:
        return self.dev.folder

    def seaway(self, *words: str, code: int = 0) -> project.CommandResult:
        result = self.prod.seaway(*words)
        assert result.exit_code == code, result.output
        return result

    def pin(self, stack: str) -> dict[str, Any]:
        return yaml.safe_load((self.folder / "environments" / f"{stack}.lock.yaml").read_text())

    def deploy(self, checkout: project.Project, *words: str) -> str:
        """Run `pulumi up`, and return the id of the release."""
        checkout.up("--suppress-progress", *words)
        return read_current(checkout)

    def break_source(self, checkout: project.Project) -> None:
        """Run `pulumi up` of a release whose web cannot start, and interrupt it with Ctrl-C."""
        line = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", checkout.stack]
        with subprocess.Popen(
            line, cwd=checkout.folder, env=checkout.env, stdout=subprocess.PIPE, text=True
        ) as process:
            prober.wait_until(lambda: is_broken(checkout), seconds=120)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        assert process.returncode != 0


def namespace(checkout: project.Project) -> str:
    return f"story-{checkout.stack}"


def read_current(checkout: project.Project) -> str:
    """Return the id of the current release."""
    id_ = checkout.get_objects("configmap", "release-current", "-n", namespace(checkout))["data"]["id"]
    return id_.partition("-")[0]


def list_pods(checkout: project.Project, owner: str = "web") -> list[dict[str, Any]]:
    manifests = checkout.get_objects("pods", "-n", namespace(checkout), f"--selector=app.kubernetes.io/name={owner}")[
        "items"
    ]
    return [pod for pod in manifests if "deletionTimestamp" not in pod["metadata"]]


def is_broken(checkout: project.Project) -> bool:
    statuses = [status for pod in list_pods(checkout) for status in pod["status"].get("containerStatuses", ())]
    return any(status["restartCount"] > 0 for status in statuses)


def list_digests(checkout: project.Project) -> dict[str, str]:
    """Return the image digests of web and api."""
    images = {
        owner: {pod["spec"]["containers"][0]["image"] for pod in list_pods(checkout, owner)} for owner in ("web", "api")
    }
    return {owner: references.pop().partition("@")[2] for owner, references in images.items() if len(references) == 1}


class Watch:
    """Records the version of the page and the time of each response until the block ends."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            try:
                match = re.search(r"<h1>Shop (\w+)</h1>", httpx.get(self._url, timeout=5).text)
            except httpx.TransportError:
                continue  # the concurrent load counts failures
            self.seen.append((time.monotonic(), match[1] if match else "?"))

    def last(self, version: str) -> float:
        """Return the time of the last response with this version."""
        return max(moment for moment, seen in self.seen if seen == version)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, second_registry: str) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("story")
    dev = project.Project.create(folder, application=project.ROOT / "examples" / "shop", stack="dev")
    app = yaml.safe_load((folder / "app" / "app.yaml").read_text())
    app["name"] = "story"
    del app["services"]["worker"]
    for workload in (*app["services"].values(), *app["stores"].values()):
        workload["resources"]["cpu"] = (
            "20m"  # three copies of the application beside other tests, on a node with two cores
        )
    (folder / "app" / "app.yaml").write_text(yaml.safe_dump(app))
    own = {"seaway:build": False, "seaway:builder": None}
    staging = stack(
        dev, "staging", own | {"seaway:promotion": {"from": "dev"}, "seaway:registry": f"{second_registry}/staging"}
    )
    # It will be under load, and its CPU request determines a pod's share of the cores.
    prod = stack(dev, "prod", own | {"seaway:promotion": {"from": "staging"}}, cpu="60m")
    stages = Story(dev, staging, prod)
    stages.prod.replace_text("app/web/web.py", "<h1>{title}</h1>", "<h1>{title} one</h1>")
    yield stages
    kubectl.delete_namespaces(*map(namespace, (dev, staging, prod)))


def stack(dev: project.Project, name: str, settings: dict[str, Any], cpu: str = "20m") -> project.Project:
    """Create another environment, without Docker."""
    config = yaml.safe_load(dev.stack_file.read_text())["config"] | settings
    asks = {"resources": {"cpu": cpu}}
    services = {"web": asks | {"env": {"STAGE": name}}, "api": asks}
    config["seaway:overlay"] = {"services": services, "stores": {"db": asks}}
    checkout = dataclasses.replace(
        dev, stack=name, env=dev.env | {"DOCKER_CONFIG": "/nowhere", "DOCKER_HOST": "tcp://nowhere"}
    )
    checkout.stack_file.write_text(
        yaml.safe_dump({"config": {key: value for key, value in config.items() if value is not None}})
    )
    checkout.pulumi("stack", "init", name, check=True)
    return checkout


@pytest.fixture(scope="module")
def address(story: Story) -> str:
    """The address of prod's page on this machine."""
    return story.prod.read_address(namespace(story.prod))


def test_one_release_in_three_environments(story: Story, second_registry: str) -> None:
    first = story.deploy(story.dev)
    output = story.seaway("release", "promote", "dev", "staging")
    assert (
        f"web: registry.localhost:5000/story/web@{list_digests(story.dev)['web']} -> {second_registry}/staging/"
        in output.stdout
    )
    refused = story.seaway("release", "promote", "dev", "prod", code=1)
    assert f"release {first} was never healthy in stack staging" in refused.stderr
    assert story.deploy(story.staging) == first
    story.seaway("release", "promote", "staging", "prod")
    assert story.deploy(story.prod) == first
    assert list_digests(story.dev) == list_digests(story.staging) == list_digests(story.prod)
    (image,) = {pod["spec"]["containers"][0]["image"] for pod in list_pods(story.staging)}
    assert image.startswith(f"{second_registry}/staging/story/web@sha256:")


def test_change_is_promoted_from_dev_to_prod_under_load(story: Story, address: str) -> None:
    first = read_current(story.prod)
    story.prod.replace_text("app/web/web.py", "{title} one", "{title} two")
    story.prod.replace_text("app/api/migrate.py", "up to date", "up to date, version two")
    second = story.deploy(story.dev)
    story.seaway("release", "promote", "dev", "staging")
    assert story.deploy(story.staging) == second
    output = story.seaway("release", "promote", "staging", "prod").stdout
    assert re.search(r"^services.web +image +ctx-\w+ +ctx-\w+$", output, re.M)
    assert read_current(story.prod) == first, "nothing was deployed"
    with prober.Prober(address) as load:
        story.seaway("up", "--stack", "prod", "--rollback-on-failure", *QUIET)
        load.wait_for_answers(20)
    assert read_current(story.prod) == second
    assert load.failures == []
    assert any("Shop two" in body for body in load.bodies)
    assert list_digests(story.dev) == list_digests(story.staging) == list_digests(story.prod)


def test_edited_working_tree_changes_nothing_in_prod(story: Story) -> None:
    file = story.folder / "app" / "app.yaml"
    text = file.read_text()
    file.write_text("name: something-else\nservices: {web: {port: none}}\n")
    story.prod.preview("--expect-no-changes")
    assert json.loads(story.seaway("status", "--stack", "prod", "--json").stdout)["healthy"]
    file.write_text(text)


INTRUDER = "intruder"


@pytest.fixture
def intruder(story: Story) -> Iterator[Callable[..., str]]:
    """kubectl with an account that may edit the namespaces of staging and prod, and nothing else."""
    accounts = [namespace(checkout) for checkout in (story.staging, story.prod)]
    kubectl.run("create", "serviceaccount", INTRUDER, "-n", accounts[0])
    account = f"{accounts[0]}:{INTRUDER}"
    for name in accounts:
        options = ("--clusterrole=edit", f"--serviceaccount={account}")
        kubectl.run("create", "rolebinding", INTRUDER, "-n", name, *options)

    def run(*words: str, stdin: Any = None) -> str:
        return kubectl.run(f"--as=system:serviceaccount:{account}", *words, stdin=stdin)

    yield run
    for name in accounts:
        kubectl.run("delete", "serviceaccount,rolebinding", INTRUDER, "-n", name, "--ignore-not-found")


def read_config_map(checkout: project.Project, name: str) -> dict[str, Any]:
    """Return a ConfigMap as `kubectl create` takes it."""
    live = checkout.get_objects("configmap", name, "-n", namespace(checkout))
    return live | {"metadata": {key: live["metadata"][key] for key in ("name", "namespace", "labels")}}


def forge_record(config_map: dict[str, Any]) -> dict[str, Any]:
    """Change the base of a record. Its own checksum is right again."""
    true = stored_record.StoredRecord.join_parts([config_map])
    text = true.files[stored_record.RECORD_FILE]
    assert b"Shop" in text
    files = {**true.files, stored_record.RECORD_FILE: text.replace(b"Shop", b"Evil")}
    (part,) = dataclasses.replace(true, files=files).split_parts()
    return config_map | part


def replace_config_map(run: Callable[..., str], manifest: dict[str, Any]) -> None:
    metadata = manifest["metadata"]
    run("delete", "configmap", metadata["name"], "-n", metadata["namespace"])
    run("create", "-f", "-", stdin=manifest)


def test_forged_record_is_neither_promoted_nor_rolled_back_to(story: Story, intruder: Callable[..., str]) -> None:
    staging, prod = (
        checkout.get_objects("configmap", "release-current", "-n", namespace(checkout))["data"]
        for checkout in (story.staging, story.prod)
    )
    running = read_config_map(story.staging, f"release-{staging['id']}")
    previous = read_config_map(story.prod, f"release-{prod['previous']}")
    before = story.pin("prod")
    with pytest.raises(AssertionError, match="forbidden"):
        intruder("get", "secrets", "-n", "kube-system")
    replace_config_map(intruder, forge_record(running))
    message = f"the record of release {staging['id']} in namespace {namespace(story.staging)} was changed: "
    assert message in story.seaway("release", "promote", "staging", "prod", code=1).stderr
    assert message in story.prod.seaway("status", "--drift", "--stack", "staging").stderr
    # Without its file, only the record in the cluster has the older release.
    file = story.folder / "releases" / f"{prod['previous'].partition('-')[0]}.yaml"
    text = file.read_text()
    file.unlink()
    replace_config_map(intruder, forge_record(previous))
    message = f"the record of release {prod['previous']} in namespace {namespace(story.prod)} was changed: "
    assert message in story.seaway("release", "rollback", "prod", "--pin-only", code=1).stderr
    assert story.pin("prod") == before
    file.write_text(text)
    # A digest in the file of the running release.
    file = story.folder / "releases" / f"{staging['id'].partition('-')[0]}.yaml"
    text = file.read_text()
    file.write_text(re.sub(r"digest: sha256:\w{8}", "digest: sha256:00000000", text))
    assert file.read_text() != text
    assert "[checksum-mismatch]" in story.seaway("release", "promote", "staging", "prod", code=2).stderr
    file.write_text(text)
    for manifest in (running, previous):
        replace_config_map(intruder, manifest)
    assert story.deploy(story.staging) == staging["id"].partition("-")[0]


def test_admission_policy_keeps_records_for_deployers(story: Story, intruder: Callable[..., str]) -> None:
    """The policy in docs/ refuses an account with `edit`; a namespace with records can still be deleted."""
    policy = str(project.ROOT / "docs" / "admission-policy.yaml")
    there = ("-n", namespace(story.staging))
    record = read_config_map(story.staging, "release-current")
    kubectl.run("apply", "-f", policy)
    try:
        name = "release-0123456789ab-abcdef"
        prober.wait_until(lambda: is_refused(intruder, "create", "configmap", name, *there), seconds=60)
        assert is_refused(intruder, "label", "configmap", "release-current", "a=b", *there)
        assert is_refused(intruder, "delete", "configmap", "release-current", *there)
        assert is_refused(intruder, "delete", "configmaps", "--selector=seaway/release", *there)
        own = {"name": "own", "namespace": namespace(story.staging)}
        intruder("create", "-f", "-", stdin=record | {"metadata": own})
        labelled = record | {"metadata": own | {"labels": {"seaway/release": "x"}}}
        assert is_refused(intruder, "apply", "-f", "-", stdin=labelled)
        intruder("delete", "configmap", "own", *there)
        # The deployer may, and a namespace with records is deleted.
        replace_config_map(kubectl.run, record)
        kubectl.run("create", "namespace", "story-admission")
        elsewhere = record | {"metadata": record["metadata"] | {"namespace": "story-admission"}}
        kubectl.run("create", "-f", "-", stdin=elsewhere)
        kubectl.run("delete", "namespace", "story-admission", "--timeout=60s")
    finally:
        kubectl.run("delete", "-f", policy)
        kubectl.run("delete", "configmap", "release-0123456789ab-abcdef", "--ignore-not-found", *there)


def is_refused(run: Callable[..., str], *words: str, stdin: Any = None) -> bool:
    """Whether the admission policy refuses it."""
    try:
        run(*words, stdin=stdin)
    except AssertionError as error:
        return "records of releases belong to the deployer" in str(error)
    return False


def test_broken_release_is_refused(story: Story) -> None:
    """The release is healthy in dev, and not with the settings of staging and prod."""
    second = read_current(story.staging)
    story.prod.replace_text("app/web/web.py", "PAGE = ", f"{BROKEN}PAGE = ")
    third = story.deploy(story.dev)
    story.seaway("release", "promote", "dev", "staging")
    story.break_source(story.staging)
    before = story.pin("prod")
    output = story.seaway("release", "promote", "staging", "prod", code=1).stderr
    assert f"stack staging pins release {third} but runs {second};" in output
    assert "stack staging is not healthy (web: " in output
    assert story.pin("prod") == before
    story.seaway("release", "rollback", "staging", *QUIET)
    assert read_current(story.staging) == second


def test_forced_broken_release_is_rolled_back_without_a_failed_request(story: Story, address: str) -> None:
    second, third = read_current(story.prod), read_current(story.dev)
    pin = dataclasses.replace(release_lock.read(story.folder, "prod"), release=third, sha256=None)
    release_lock.write(story.folder, "prod", pin)
    secrets = list_names(story.prod, "secrets")
    with prober.Prober(address) as load:
        story.break_source(story.prod)
        result = story.seaway("release", "rollback", "prod", *QUIET)
        load.wait_for_answers(20)
    print(f"back from pods that are broken: {result.seconds:.1f} s, {load.answered} answered, {load.failures} failed")
    assert load.failures == []
    assert all("Shop two" in body for body in load.bodies)
    assert read_current(story.prod) == second
    assert list_names(story.prod, "secrets") == secrets
    lock = story.pin("prod")
    assert (lock["release"], lock["isRollback"]) == (second, True)
    assert "web: " in lock["held"][third]["because"]
    assert f"The jobs of {second} before and after the rollout do not run again (migrate)" in result.stdout
    assert list_names(story.prod, "jobs") == []
    story.prod.preview("--expect-no-changes")


def list_names(checkout: project.Project, kind: str) -> list[str]:
    return [manifest["metadata"]["name"] for manifest in checkout.get_objects(kind, "-n", namespace(checkout))["items"]]


def test_healthy_release_is_rolled_back(story: Story, address: str) -> None:
    """An error that only a person notices: all pods must be recreated."""
    second = read_current(story.prod)
    with prober.Prober(address) as load, Watch(address) as watch:
        begun = time.monotonic()
        result = story.seaway("release", "rollback", "prod", *QUIET)
        load.wait_for_answers(40)
    seconds = watch.last("two") - begun
    print(f"back to the version before: it serves alone after {seconds:.1f} s, command {result.seconds:.1f} s")
    print(f"{load.answered} answered, {len(load.failures)} failed")
    assert load.failures == []
    assert watch.seen[-1][1] == "one"
    assert read_current(story.prod) != second
    assert second in story.pin("prod")["held"]


def test_held_release_requires_its_id(story: Story) -> None:
    second = read_current(story.staging)
    before = story.pin("prod")
    output = story.seaway("release", "promote", "staging", "prod", code=1).stderr
    assert f"release {second} is held in stack prod since " in output
    assert story.pin("prod") == before
    story.seaway("release", "promote", "staging", "prod", "--unhold", second)
    pin = story.pin("prod")
    assert pin["release"] == second
    assert "back" not in pin
    assert second not in pin["held"]
    assert story.deploy(story.prod) == second
    assert len(list_names(story.prod, "jobs")) == 1, "its migration ran once more"
    listed = json.loads(story.seaway("release", "list", "--json").stdout)
    assert listed["unknown"] == {}
    (row,) = (release for release in listed["releases"] if release["id"] == second)
    assert (row["pinned"], row["runs"], row["file"]) == (["prod", "staging"], ["prod", "staging"], True)


def test_destroying_dev_keeps_the_images_of_prod(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl.empty_namespace(namespace(story.dev))
    story.dev.destroy()
    monkeypatch.setenv(registry.ADDRESSES_VARIABLE, story.prod.env[registry.ADDRESSES_VARIABLE])
    (image,) = {pod["spec"]["containers"][0]["image"] for pod in list_pods(story.prod)}
    assert image.startswith("registry.localhost:5000/story/web@sha256:"), "dev has pushed it there"
    source = f"docker://{registry.resolve_address(image)}"
    line = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", source, f"dir:{tmp_path / 'pulled'}"]
    subprocess.run(line, check=True)
