"""`kill -9` of Pulumi and its children while it deploys examples/shop; then one command recovers."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import kubectl, project

pytestmark = pytest.mark.cluster

STACK = "recovery"
NAMESPACE = f"shop-{STACK}"
KINDS = "serviceaccounts,secrets,configmaps,services,poddisruptionbudgets,statefulsets,jobs,deployments"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, one_node_cluster: None) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("shop")
    checkout = project.Project.create(folder, application=project.ROOT / "examples" / "shop", stack=STACK)
    yield checkout
    kubectl.delete_namespaces(NAMESPACE)


def state(shop: project.Project) -> dict[str, list[dict[str, object]]]:
    """List the files of the file backend."""
    file = shop.folder / ".seaway" / "state" / ".pulumi" / "stacks" / "seaway" / f"{STACK}.json"
    return json.loads(file.read_bytes())["checkpoint"]["latest"]


def list_written(shop: project.Project) -> bool:
    """Return whether no file is incomplete: Pulumi cannot read a state beside one (docs/runbook.md#interrupted)."""
    return all(file.stat().st_size for file in (shop.folder / ".seaway" / "state").rglob("*.attrs"))


def list_recorded(shop: project.Project) -> set[str]:
    """Return the objects in the state: ``Service/web``."""
    resources = state(shop)["resources"]
    return {
        f"{str(resource['type']).rpartition(':')[2]}/{str(resource['id']).rpartition('/')[2]}"
        for resource in resources
        if str(resource["type"]).startswith("kubernetes:")
    }


def list_live(shop: project.Project) -> dict[str, str]:
    """Return the UID of each object of Seaway by ``Service/web``."""
    manifests = shop.get_objects(KINDS, "-n", NAMESPACE, "-l", "app.kubernetes.io/managed-by=seaway")["items"]
    return {f"{manifest['kind']}/{manifest['metadata']['name']}": manifest["metadata"]["uid"] for manifest in manifests}


def kill_up(shop: project.Project) -> dict[str, str]:
    """Run `pulumi up`, and kill it and its plugins once the cluster has an object that is not in the state.

    Returns the objects that are not in the state.
    """
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", STACK]
    with subprocess.Popen(
        command, cwd=shop.folder, env=shop.env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        try:
            assert running.stdout
            lines: list[str] = []
            for line in running.stdout:
                lines.append(line)
                if f"Namespace {NAMESPACE} created" in line:
                    break
            for _ in range(100):
                # The command is stopped, and its plugins finish their requests.
                running.send_signal(signal.SIGSTOP)
                time.sleep(0.3)
                known = list_recorded(shop)
                lost = {name: uid for name, uid in list_live(shop).items() if name not in known}
                if lost and list_written(shop):
                    return lost
                running.send_signal(signal.SIGCONT)
                time.sleep(0.05)
            raise AssertionError(f"all was recorded at each look:\n{''.join(lines)}")
        finally:
            session(running.pid)


def session(leader: int) -> None:
    """Send SIGKILL to every process of a session, the leader first."""
    os.kill(leader, signal.SIGKILL)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == leader:
                os.kill(int(folder.name), signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_one_command_adopts_objects_of_a_killed_pulumi(shop: project.Project) -> None:
    lost = kill_up(shop)
    before = list_live(shop)
    assert lost.items() <= before.items()
    assert state(shop)["pending_operations"]

    refused = shop.seaway("up", "--stack", STACK)
    assert refused.exit_code == 4
    assert "has ended: seaway up --stack recovery --recover" in " ".join(refused.stderr.split())
    assert "pulumi cancel" not in refused.output

    result = shop.seaway("up", "--stack", STACK, "--recover")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert lines[0].startswith("seaway: removed the lock of ")
    assert lines[1].startswith("seaway: interrupted operations, repeated or taken over: ")
    assert "pending operations" not in result.output
    after = list_live(shop)
    assert before.items() <= after.items(), "nothing was made twice"
    assert len([name for name in after if name.startswith("Job/")]) == 1
    assert "pending_operations" not in state(shop)

    # Without remains, the command is an ordinary up, here without changes.
    again = shop.seaway("up", "--stack", STACK, "--recover", "--", "--expect-no-changes")
    assert again.exit_code == 0
    assert "seaway:" not in again.stderr
