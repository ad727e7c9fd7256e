"""A second checkout on the same machine: its own cluster, killed and wiped without the first one noticing."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import environment, project
from dev.cluster import node

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("second")
    project.copy_checkout(folder)
    project.cluster("up", folder=folder)
    project.base_images(folder)
    yield folder
    project.cluster("wipe", folder=folder)


def server(folder: Path) -> str:
    found = re.search(r"server: (\S+)", (folder / ".seaway" / "kubeconfig").read_text())
    assert found
    return found[1]


def healthy(folder: Path) -> bool:
    return project.cluster("status", "--json", folder=folder, check=False).code == 0


def test_two_checkouts_have_a_cluster_each(second: Path) -> None:
    assert healthy(project.ROOT)
    assert healthy(second)
    assert server(second) != server(project.ROOT)


def test_killed_half_way_the_next_start_cleans_up_and_comes_up(second: Path) -> None:
    project.cluster("down", folder=second)
    half = subprocess.Popen(
        [sys.executable, "-m", "dev.cluster", "up"],
        cwd=second,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(2)
    os.killpg(half.pid, signal.SIGKILL)
    half.wait()
    assert not healthy(second), "it was killed half-way"
    project.cluster("up", folder=second)
    assert healthy(second)
    assert healthy(project.ROOT), "the first checkout's cluster was left alone"


@pytest.fixture(scope="module")
def smallest(second: Path, tmp_path_factory: pytest.TempPathFactory) -> project.Project:
    made = project.Project.create(
        tmp_path_factory.mktemp("smallest"), application=project.ROOT / "examples" / "smallest", stack="e2e"
    )
    settings = {
        "KUBECONFIG": str(second / ".seaway" / "kubeconfig"),
        "DOCKER_CONFIG": str(second / ".seaway" / "docker"),
    }
    return dataclasses.replace(made, env=made.env | settings)


def test_another_cluster_under_the_same_context_is_refused(smallest: project.Project) -> None:
    smallest.up()
    first = dataclasses.replace(smallest, env=smallest.env | {"KUBECONFIG": str(environment.KUBECONFIG)})
    done = first.preview(check=False)
    assert done.code != 0
    assert "not the cluster" in done.text
    assert "no changes" not in done.text
    # A namespace of that name may live there: nothing of it is deleted.
    first.kubectl("create", "namespace", "smallest-e2e")
    try:
        refused = first.pulumi("destroy", "--yes", "--skip-preview", "--stack", "e2e")
        assert refused.code != 0
        assert "not the cluster" in refused.text
        assert first.get("namespace", "smallest-e2e")["status"]["phase"] == "Active"
    finally:
        first.kubectl("delete", "namespace", "smallest-e2e", check=False)
    smallest.preview("--expect-no-changes")


def test_a_wiped_cluster_is_told_and_the_way_out_works(smallest: project.Project, second: Path) -> None:
    project.cluster("wipe", folder=second)
    project.cluster("up", folder=second)
    project.base_images(second)
    told = smallest.preview(check=False)
    assert told.code != 0
    assert "not the cluster" in told.text
    assert "no changes" not in told.text
    command = re.search(r"made anew: pulumi ([^,]+), then pulumi up", told.text)
    assert command, told.text
    smallest.pulumi(*command[1].split(), check=True)
    smallest.up()
    smallest.preview("--expect-no-changes")
    ready = smallest.get("deployments", "-n", "smallest-e2e")["items"]
    assert all(each["status"]["readyReplicas"] == each["spec"]["replicas"] for each in ready)


def test_down_leaves_nothing_running_or_mounted(second: Path) -> None:
    assert healthy(second)
    layout = node.find(second)
    assert layout.run.exists()
    project.cluster("down", folder=second)
    assert not healthy(second)
    assert not layout.run.exists()
    assert not Path("/sys/class/net", layout.interface).exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{layout.name}"))
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    assert layout.name not in rules
    mounts = Path("/proc/self/mountinfo").read_text()
    assert str(second) not in mounts
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(second) not in process.read_text(errors="replace"), process
        except (FileNotFoundError, ProcessLookupError):
            continue
