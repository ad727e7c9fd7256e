"""An autoscaler on the real cluster, with real metrics: more pods under load, without a failed request.

The tests share a stack and run in the order of the file. Each leaves the stack healthy.
"""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import prober, project
from tests.support import steering

pytestmark = [pytest.mark.cluster, pytest.mark.optional]

NAMESPACE = "smallest-scaling"
APP = """\
name: smallest
services:
  web:
    build: ./web
    port: 8000
    publish: true
    scale: {scale}
    # Small enough that any machine can generate the load of five pods.
    resources: {{cpu: 20m, memory: 64Mi}}
    env: {{COLOUR: {colour}}}
"""
AUTO = "{min: 2, max: 5, cpu: 50%}"
TARGET = 5 * 75
"""Load of all pods in percent of one pod's request. At 50% per pod, the autoscaler needs more than its maximum, five,
and 75 millicores are little enough for the rest of the machine to have its turn."""


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("smallest")
    example = project.Project.create(folder, application=project.ROOT / "examples" / "smallest", stack="scaling")
    deploy(example, "3")
    yield example
    example.pulumi("cancel", "--yes", "scaling")
    example.destroy()


@pytest.fixture(scope="module")
def address(smallest: project.Project) -> str:
    """The address of web on this machine."""
    return smallest.read_address(NAMESPACE)


def deploy(smallest: project.Project, scale: str, *, colour: str = "red") -> None:
    Path(smallest.folder, "app", "app.yaml").write_text(APP.format(scale=scale, colour=colour))
    smallest.up()


def replicas(smallest: project.Project) -> int:
    return smallest.get_objects("deployment", "web", "-n", NAMESPACE)["spec"]["replicas"]


def drift(smallest: project.Project) -> str:
    """Return the drift of `seaway status --drift`."""
    words = ("-m", "seaway.cli", "status", "--drift", "--stack", "scaling")
    result = project.run_command(sys.executable, *words, cwd=smallest.folder, env=smallest.env)
    return result.output if result.exit_code else ""


def wait_until_idle(address: str) -> prober.Prober:
    """Send a load that does not affect an autoscaler."""
    return prober.Prober(f"{address}/", threads=2, per_second=4)


@contextlib.contextmanager
def watch_replicas(smallest: project.Project) -> Iterator[list[int]]:
    """Record the replicas of the Deployment while the block runs, in order."""
    line = ["kubectl", "--context", "seaway-dev", "get", "deployment", "web", "-n", NAMESPACE, "--watch"]
    line += ["-o", 'jsonpath={.spec.replicas}{"\\n"}']
    seen: list[int] = []
    with subprocess.Popen(line, cwd=smallest.folder, env=smallest.env, stdout=subprocess.PIPE, text=True) as process:
        out = process.stdout
        assert out is not None
        reader = threading.Thread(target=lambda: seen.extend(int(output_line) for output_line in out), daemon=True)
        reader.start()
        prober.wait_until(lambda: seen, seconds=120)
        try:
            yield seen
        finally:
            process.terminate()
            reader.join(timeout=10)


def metrics(smallest: project.Project) -> list[dict[str, Any]]:
    """Return the metrics of the autoscaler. Empty before its first measurement."""
    status = smallest.get_objects("hpa", "web", "-n", NAMESPACE).get("status", {})
    return [
        metric["containerResource"] for metric in status.get("currentMetrics") or () if "containerResource" in metric
    ]


def measure_utilization(smallest: project.Project) -> steering.Measurement | None:
    """Return the measured utilization. None before the first measurement, or without an autoscaler."""
    result = smallest.kubectl("get", "hpa", "web", "-n", NAMESPACE, "-o", "json", check=False)
    status = json.loads(result.stdout).get("status", {}) if result.exit_code == 0 else {}
    for metric in status.get("currentMetrics") or ():
        value = metric.get("containerResource", {}).get("current", {}).get("averageUtilization")
        if value is not None:
            return steering.Measurement(utilization=value, pods=status["currentReplicas"])
    return None


def run_load(smallest: project.Project, address: str) -> contextlib.AbstractContextManager[prober.Prober]:
    """Send a load that requires the maximum of the autoscaler."""
    return steering.steer_load(f"{address}/", lambda: measure_utilization(smallest), target=TARGET)


def test_change_from_replicas_to_an_autoscaler_removes_no_pod(smallest: project.Project, address: str) -> None:
    with wait_until_idle(address) as load, watch_replicas(smallest) as seen:
        deploy(smallest, AUTO)
        (metric,) = prober.wait_until(lambda: metrics(smallest), seconds=180)
    assert metric["container"] == "web"
    assert min(seen) >= 3, seen
    assert not load.failures


def test_autoscaler_adds_pods_and_the_next_release_keeps_them(smallest: project.Project, address: str) -> None:
    with run_load(smallest, address) as load:
        prober.wait_until(lambda: replicas(smallest) == 5, seconds=300, interval=2)
        with watch_replicas(smallest) as seen:
            deploy(smallest, AUTO, colour="blue")
            smallest.preview("--expect-no-changes")
        assert set(seen) == {5}
        assert not drift(smallest)
    assert not load.failures
    assert load.answered


def test_change_to_replicas_applies_the_declared_number(smallest: project.Project, address: str) -> None:
    """More than the autoscaler's maximum: an active autoscaler would reduce them to five."""
    with run_load(smallest, address) as load:
        prober.wait_until(lambda: replicas(smallest) == 5, seconds=300, interval=2)
        with watch_replicas(smallest) as seen:
            deploy(smallest, "6", colour="blue")
            assert not smallest.get_objects("hpa", "-n", NAMESPACE)["items"]
            time.sleep(20)  # an autoscaler measures every 15 s
        assert list(dict.fromkeys(seen)) == [5, 6]
        assert not drift(smallest)
        with watch_replicas(smallest) as seen:
            deploy(smallest, "3", colour="blue")
        assert list(dict.fromkeys(seen)) == [6, 3]
    assert not load.failures
