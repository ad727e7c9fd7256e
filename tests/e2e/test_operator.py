"""`seaway status` and `seaway logs` on the real cluster, for objects that kubectl applied without Pulumi."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import environment, kubectl, prober, project
from seaway.files import roots
from seaway.manifests import objects, yaml_writer
from seaway.model import settings
from seaway.project import environments, load
from tests.support import running

pytestmark = pytest.mark.cluster

NAMESPACE = "operator-e2e"
PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
for number in range(100000):
    print(os.environ["HOSTNAME"], number, flush=True)
    time.sleep(0.2)
"""
APPLICATION = f"""
name: operator
services:
  web:
    image: registry.localhost:5000/base/python:3.11-bookworm
    command: [python3, -c, {json.dumps(PROGRAM)}]
    scale: 2
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Operator:
    """A user with a checkout and a kubeconfig."""

    folder: Path

    def seaway(self, *words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "seaway.cli", *words]
        return subprocess.run(
            line, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def env(self) -> dict[str, str]:
        """Variables without a PATH to pulumi, without state and passphrase."""
        return {"KUBECONFIG": str(environment.KUBECONFIG), "PYTHONPATH": str(project.ROOT), "HOME": str(self.folder)}

    def status(self) -> dict[str, Any]:
        return json.loads(self.seaway("status", "--json").stdout)

    def list_pods(self) -> list[str]:
        """Return the pods under the names of `seaway logs`."""
        manifests = json.loads(kubectl.run("get", "pods", "-n", NAMESPACE, "-o", "json"))["items"]
        return sorted(f"web-{pod['metadata']['name'].rpartition('-')[2]}" for pod in manifests)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("operator")
    (folder / "app").mkdir()
    (folder / "app" / "app.yaml").write_text(APPLICATION)
    (folder / "Pulumi.yaml").write_text("name: seaway\nruntime: python\n")
    (folder / "Pulumi.e2e.yaml").write_text("config:\n  seaway:context: seaway-dev\n")
    app = load.load_application(folder / "app" / "app.yaml", root=roots.Root(folder))
    rendered = objects.objects(
        environments.Environment.create(app, settings.Settings(stack="e2e", context="seaway-dev")), {}, {}
    )
    operator_ = Operator(folder)
    # A namespace of an earlier run that is still terminating accepts no objects.
    kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found")
    try:
        kubectl.run("apply", "-f", "-", stdin=yaml_writer.dump_objects(rendered))
        prober.wait_until(lambda: operator_.status()["healthy"], seconds=120)
        yield operator_
    finally:
        kubectl.delete_namespaces(NAMESPACE)


def test_status_of_healthy_workloads(operator: Operator) -> None:
    result = operator.seaway("status")
    assert (result.returncode, result.stderr) == (0, "")
    head, columns, row = result.stdout.splitlines()
    assert head == "operator · stack e2e · context seaway-dev · no release recorded"
    assert columns.split()[0] == "SERVICE"
    cells = row.split()
    assert [*cells[:5], cells[7]] == ["web", "service", "-", "2/2", "2", "base/python:3.11-bookworm"]
    [web] = operator.status()["workloads"]
    assert (web["state"], web["ready"], web["updated"], web["desired"], web["findings"]) == ("complete", 2, 2, 2, [])


def test_logs_have_the_names_of_both_pods(operator: Operator) -> None:
    """Each line contains the name of its pod."""
    words = ("logs", "web", "--tail", "5", "--timestamps")
    # The pods may have just started.
    prober.wait_until(lambda: len(operator.seaway(*words).stdout.splitlines()) == 10, seconds=120)
    result = operator.seaway(*words)
    assert (result.returncode, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert sorted({label.rstrip(":") for label, *_ in lines}) == operator.list_pods()
    for label, _, pod, _ in lines:
        assert pod.rpartition("-")[2] == label.removeprefix("web-").rstrip(":")
    times = [time for _, time, *_ in lines]
    assert times == sorted(times)


def test_following_logs_adds_a_new_pod_and_reports_the_end_of_the_old_one(operator: Operator) -> None:
    before = operator.list_pods()
    with running.run_seaway("logs", "web", "-f", cwd=operator.folder, env=operator.env) as logs:
        for pod in before:
            logs.stdout.wait_for_text(f"{pod}: ")
        gone = before[0].removeprefix("web-")
        full = next(
            name for name in kubectl.run("get", "pods", "-n", NAMESPACE, "-o", "name").split() if name.endswith(gone)
        )
        kubectl.run("delete", full, "-n", NAMESPACE, "--wait=false")
        logs.stderr.wait_for_text(f"seaway: {before[0]}: ended", seconds=120)
        [new] = [pod for pod in operator.list_pods() if pod not in before]
        # From its first line.
        assert next(line for line in logs.stdout.wait_for_text(f"{new}: ") if line.startswith(new)).endswith(" 0")
        assert logs.interrupt() == 130
    for pod in before[1], new:
        numbers = [int(line.split()[-1]) for line in logs.stdout.lines if line.startswith(f"{pod}:")]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no line lost, none twice"


def test_unhealthy_workload_is_reported_with_its_cause(operator: Operator) -> None:
    kubectl.run("set", "image", "deployment/web", "web=registry.localhost:5000/nobody/nothing:1", "-n", NAMESPACE)
    try:
        with running.run_seaway("status", "--watch", cwd=operator.folder, env=operator.env) as watched:
            watched.stdout.wait_for_text("registry.localhost:5000/nobody/nothing:1 does not exist", seconds=120)
            assert watched.interrupt() == 130
        result = operator.seaway("status")
        assert result.returncode == 1
        assert "seaway help image-not-found" in result.stdout
        row = next(line for line in result.stdout.splitlines() if line.startswith("web"))
        cells = row.split()
        assert [*cells[3:5], cells[7]] == ["2/2", "1", "nobody/nothing:1"], "the old pods serve on"
        [web] = operator.status()["workloads"]
        assert web["findings"][0]["cause"] == "image-not-found"
    finally:
        kubectl.run("rollout", "undo", "deployment/web", "-n", NAMESPACE)
    prober.wait_until(lambda: operator.status()["healthy"], seconds=120)
