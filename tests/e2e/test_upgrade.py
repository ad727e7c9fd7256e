"""Upgrade of stacks of an older version: only `Release` is updated, no pod restarts, and no job runs again.

The stacks are those of tests/upgrade, restored as of commit 24bb12e. The tests run in the order of the file.
"""

import contextlib
import dataclasses
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dev import kubectl, prober, project
from tests.upgrade import restore

pytestmark = pytest.mark.cluster

SHOP_STACKS = ("kept-dev", "kept-staging", "kept-prod")
QUIET = ("--", "--suppress-progress")


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """The restored stacks by name."""

    stacks: dict[str, project.Project]
    pods: dict[str, list[str]]

    def seaway(self, stack: str, *words: str, code: int = 0) -> project.CommandResult:
        checkout = self.stacks[stack]
        env = {key: value for key, value in checkout.env.items() if key != "CI"}  # in CI no command writes a key
        result = project.run_command(
            sys.executable, "-m", "seaway.cli", *words, cwd=checkout.folder, env=env, timeout=400
        )
        print(f"seaway {' '.join(words)} ({result.seconds:.1f} s)\n{result.output}")
        assert result.exit_code == code, result.output
        return result


@contextlib.contextmanager
def restore_stacks(folder: Path, name: str, *stacks: str) -> Iterator[Kept]:
    """Restore stacks of one application. They are deleted at the end: their pods need much of the node's CPU."""
    images = restore.create_project(folder, name)
    digests = restore.build_images(images)
    if name == "shop":
        restore.replace_digests(images, name, digests)
    checkouts = {stack: dataclasses.replace(images, stack=stack) for stack in stacks}
    try:
        for checkout in checkouts.values():
            restore.restore_stack(checkout, name, digests)
        for stack, checkout in checkouts.items():
            prober.wait_until(lambda checkout=checkout, stack=stack: is_ready(checkout, stack), seconds=180)
        yield Kept(checkouts, {stack: list_running(checkout, stack) for stack, checkout in checkouts.items()})
    finally:
        kubectl.delete_namespaces(*map(namespace, stacks))


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[Kept]:
    with restore_stacks(tmp_path_factory.mktemp("shop"), "shop", *SHOP_STACKS) as kept:
        yield kept


def namespace(stack: str) -> str:
    return f"{'guestbook' if stack == 'kept' else 'shop'}-{stack}"


def is_ready(checkout: project.Project, stack: str) -> bool:
    """Return whether all workloads are complete."""
    manifests = checkout.get_objects("deployments,statefulsets,jobs", "-n", namespace(stack))["items"]
    return all(
        manifest["status"].get("succeeded")
        if manifest["kind"] == "Job"
        else manifest["status"].get("readyReplicas") == manifest["spec"]["replicas"]
        for manifest in manifests
    )


def list_running(checkout: project.Project, stack: str) -> list[str]:
    """Return pods and jobs with their UIDs: a recreated object has another UID."""
    manifests = checkout.get_objects("pods,jobs", "-n", namespace(stack))["items"]
    return sorted(
        f"{manifest['kind']} {manifest['metadata']['name']} {manifest['metadata']['uid']}"
        f" {[status['restartCount'] for status in manifest['status'].get('containerStatuses', ())]}"
        for manifest in manifests
    )


def test_upgrade_of_the_sample_updates_only_the_record(tmp_path: Path, one_node_cluster: None) -> None:
    with restore_stacks(tmp_path, "sample", "kept") as kept:
        upgrade(kept, "kept")


@pytest.mark.parametrize("stack", SHOP_STACKS)
def test_upgrade_updates_only_the_record(upgraded: Kept, stack: str) -> None:
    upgrade(upgraded, stack)


def upgrade(upgraded: Kept, stack: str) -> None:
    checkout = upgraded.stacks[stack]
    upgraded.seaway(stack, "status", "--stack", stack)
    upgraded.seaway(stack, "status", "--drift", "--stack", stack)
    preview = json.loads(checkout.pulumi("preview", "--stack", stack, "--json", check=True).stdout)
    changed = {step["urn"].rpartition("$")[2]: step["op"] for step in preview["steps"] if step["op"] != "same"}
    assert changed == {"seaway:index:Release::release": "update"}
    upgraded.seaway(stack, "up", "--stack", stack, *QUIET)
    assert list_running(checkout, stack) == upgraded.pods[stack]
    checkout.pulumi("preview", "--stack", stack, "--expect-no-changes", check=True)
    upgraded.seaway(stack, "status", "--drift", "--stack", stack)
    record = checkout.get_objects("configmap", "release-current", "-n", namespace(stack))["data"]["id"]
    assert checkout.get_objects("configmap", f"release-{record}", "-n", namespace(stack))["data"]["format"] == "2"


def test_secret_keeps_its_name_until_its_value_changes(upgraded: Kept) -> None:
    """The names were created without a key; `seaway up` has since set one."""
    stack = "kept-dev"
    checkout = upgraded.stacks[stack]
    assert "seaway:fingerprintKey" in yaml.safe_load(checkout.stack_file.read_text())["config"]
    before = list_secret_names(checkout, stack)
    checkout.pulumi(
        "config", "set", "--secret", "--path", "seaway:secrets.SESSION_KEY", "another", "--stack", stack, check=True
    )
    checkout.up("--suppress-progress")
    after = list_secret_names(checkout, stack)
    assert before["web"] != after["web"]
    assert {name: value for name, value in before.items() if name != "web"} == {
        name: value for name, value in after.items() if name != "web"
    }


def list_secret_names(checkout: project.Project, stack: str) -> dict[str, list[str]]:
    manifests = checkout.get_objects("deployments,statefulsets", "-n", namespace(stack))["items"]
    return {
        manifest["metadata"]["name"]: re.findall(r"[\w-]+-secrets-\w+", json.dumps(manifest["spec"]["template"]))
        for manifest in manifests
    }


def test_old_release_is_promoted(upgraded: Kept) -> None:
    file: Path = upgraded.stacks["kept-dev"].folder / "app" / "app.yaml"
    file.write_text(file.read_text().replace("TITLE: Shop two", "TITLE: Shop three"))
    upgraded.stacks["kept-dev"].up("--suppress-progress")
    upgraded.seaway("kept-dev", "release", "promote", "kept-dev", "kept-staging")
    pinned = yaml.safe_load((file.parents[1] / "environments" / "kept-staging.lock.yaml").read_text())
    assert pinned["format"] == 2
    assert (file.parents[1] / "releases" / f"{pinned['release']}.yaml").is_file()


def test_stack_is_rolled_back_to_an_old_release(upgraded: Kept) -> None:
    """The release is not in the state, so it must be named; its committed file verifies it."""
    stack = "kept-prod"
    checkout = upgraded.stacks[stack]
    jobs = [name for name in list_running(checkout, stack) if name.startswith("Job")]
    refused = upgraded.seaway(stack, "release", "rollback", stack, *QUIET, code=1)
    assert re.search(r"with --to: .*3475cd4aaa05", refused.stderr)
    result = upgraded.seaway(stack, "release", "rollback", stack, "--to", "3475cd4aaa05", *QUIET)
    assert re.search(r"^release 3475cd4aaa05 is deployed; commit ", result.stdout, re.M)
    assert [name for name in list_running(checkout, stack) if name.startswith("Job")] in ([], jobs), "no job runs again"
