"""What an older version has deployed, under today's: only `Release` is updated, no pod restarts, and no job runs again.

The stacks are those of tests/upgrade, put back as commit 24bb12e left them. The tests run in the order of the file.
"""

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

STACKS = (("sample", "kept"), ("shop", "kept-dev"), ("shop", "kept-staging"), ("shop", "kept-prod"))
NAMESPACES = ("guestbook-kept", "shop-kept-dev", "shop-kept-staging", "shop-kept-prod")
QUIET = ("--", "--suppress-progress")


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """The stacks by name, as they were put back."""

    stacks: dict[str, project.Project]
    pods: dict[str, list[str]]

    def seaway(self, stack: str, *words: str, code: int = 0) -> project.CommandResult:
        one = self.stacks[stack]
        env = {key: value for key, value in one.env.items() if key != "CI"}  # CI writes no key
        done = project.run_command(sys.executable, "-m", "seaway.cli", *words, cwd=one.folder, env=env, timeout=400)
        print(f"seaway {' '.join(words)} ({done.seconds:.1f} s)\n{done.output}")
        assert done.exit_code == code, done.output
        return done


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[Kept]:
    stacks: dict[str, project.Project] = {}
    for name in dict.fromkeys(name for name, _ in STACKS):
        images = restore.create_project(tmp_path_factory.mktemp(name), name)
        digests = restore.build_images(images)
        if name == "shop":
            restore.replace_digests(images, name, digests)
        for _, stack in (each for each in STACKS if each[0] == name):
            stacks[stack] = dataclasses.replace(images, stack=stack)
            restore.restore_stack(stacks[stack], name, digests)
    for stack, one in stacks.items():
        prober.wait_until(lambda one=one, stack=stack: ready(one, stack), seconds=180)
    yield Kept(stacks, {stack: running(one, stack) for stack, one in stacks.items()})
    kubectl.delete_namespaces(*NAMESPACES)


def namespace(stack: str) -> str:
    return f"{'guestbook' if stack == 'kept' else 'shop'}-{stack}"


def ready(one: project.Project, stack: str) -> bool:
    """Whether all workloads are complete."""
    found = one.get_objects("deployments,statefulsets,jobs", "-n", namespace(stack))["items"]
    return all(
        each["status"].get("succeeded")
        if each["kind"] == "Job"
        else each["status"].get("readyReplicas") == each["spec"]["replicas"]
        for each in found
    )


def running(one: project.Project, stack: str) -> list[str]:
    """Pods and jobs by what they are: one that is made again has another UID."""
    found = one.get_objects("pods,jobs", "-n", namespace(stack))["items"]
    return sorted(
        f"{each['kind']} {each['metadata']['name']} {each['metadata']['uid']}"
        f" {[status['restartCount'] for status in each['status'].get('containerStatuses', ())]}"
        for each in found
    )


@pytest.mark.parametrize("stack", [stack for _, stack in STACKS])
def test_only_the_record_is_updated(kept: Kept, stack: str) -> None:
    one = kept.stacks[stack]
    kept.seaway(stack, "status", "--stack", stack)
    kept.seaway(stack, "status", "--drift", "--stack", stack)
    preview = json.loads(one.pulumi("preview", "--stack", stack, "--json", check=True).stdout)
    changed = {each["urn"].rpartition("$")[2]: each["op"] for each in preview["steps"] if each["op"] != "same"}
    assert changed == {"seaway:index:Release::release": "update"}
    kept.seaway(stack, "up", "--stack", stack, *QUIET)
    assert running(one, stack) == kept.pods[stack]
    one.pulumi("preview", "--stack", stack, "--expect-no-changes", check=True)
    kept.seaway(stack, "status", "--drift", "--stack", stack)
    record = one.get_objects("configmap", "release-current", "-n", namespace(stack))["data"]["id"]
    assert one.get_objects("configmap", f"release-{record}", "-n", namespace(stack))["data"]["format"] == "2"


def test_a_secret_keeps_its_name_until_its_value_changes(kept: Kept) -> None:
    """The names were made without a key; `seaway up` has set one since."""
    stack = "kept-dev"
    one = kept.stacks[stack]
    assert "seaway:fingerprintKey" in yaml.safe_load(one.stack_file.read_text())["config"]
    before = names_of_secrets(one, stack)
    one.pulumi(
        "config", "set", "--secret", "--path", "seaway:secrets.SESSION_KEY", "another", "--stack", stack, check=True
    )
    one.up("--suppress-progress")
    after = names_of_secrets(one, stack)
    assert before["web"] != after["web"]
    assert {name: value for name, value in before.items() if name != "web"} == {
        name: value for name, value in after.items() if name != "web"
    }


def names_of_secrets(one: project.Project, stack: str) -> dict[str, list[str]]:
    found = one.get_objects("deployments,statefulsets", "-n", namespace(stack))["items"]
    return {
        each["metadata"]["name"]: re.findall(r"[\w-]+-secrets-\w+", json.dumps(each["spec"]["template"]))
        for each in found
    }


def test_it_is_promoted(kept: Kept) -> None:
    file: Path = kept.stacks["kept-dev"].folder / "app" / "app.yaml"
    file.write_text(file.read_text().replace("TITLE: Shop two", "TITLE: Shop three"))
    kept.stacks["kept-dev"].up("--suppress-progress")
    kept.seaway("kept-dev", "release", "promote", "kept-dev", "kept-staging")
    pinned = yaml.safe_load((file.parents[1] / "environments" / "kept-staging.lock.yaml").read_text())
    assert pinned["format"] == 2
    assert (file.parents[1] / "releases" / f"{pinned['release']}.yaml").is_file()


def test_it_is_rolled_back_to_a_release_of_then(kept: Kept) -> None:
    """The state does not know it; its committed file vouches for it."""
    stack = "kept-prod"
    one = kept.stacks[stack]
    jobs = [each for each in running(one, stack) if each.startswith("Job")]
    done = kept.seaway(stack, "release", "rollback", stack, *QUIET)
    assert re.search(r"^release 3475cd4aaa05 runs; commit ", done.stdout, re.M)
    assert [each for each in running(one, stack) if each.startswith("Job")] in ([], jobs), "no job runs again"
