"""An autoscaler on the real cluster, with real metrics: more pods under load, and no switch loses a request.

The tests share one stack and run in the order of the file; each leaves the stack healthy.
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
    # So little that a machine of any speed can make the load that five pods are for.
    resources: {{cpu: 20m, memory: 64Mi}}
    env: {{COLOUR: {colour}}}
"""
AUTO = "{min: 2, max: 5, cpu: 50%}"
TARGET = 5 * 75
"""Percent of what one pod requests, of all pods together: with 50% each, the autoscaler wants more than its most, five,
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
    """The address of web for a person on this machine."""
    port = smallest.get_objects("service", "web", "-n", NAMESPACE)["spec"]["ports"][0]["nodePort"]
    return project.run_cluster("forward", str(port)).stdout.strip()


def deploy(smallest: project.Project, scale: str, *, colour: str = "red") -> None:
    Path(smallest.folder, "app", "app.yaml").write_text(APP.format(scale=scale, colour=colour))
    smallest.up()


def replicas(smallest: project.Project) -> int:
    return smallest.get_objects("deployment", "web", "-n", NAMESPACE)["spec"]["replicas"]


def drift(smallest: project.Project) -> str:
    """What `seaway status --drift` tells; empty where all is as declared."""
    words = ("-m", "seaway.cli", "status", "--drift", "--stack", "scaling")
    done = project.run_command(sys.executable, *words, cwd=smallest.folder, env=smallest.env)
    return done.output if done.exit_code else ""


def quiet(address: str) -> prober.Prober:
    """A load that no autoscaler minds."""
    return prober.Prober(f"{address}/", threads=2, per_second=4)


@contextlib.contextmanager
def watched(smallest: project.Project) -> Iterator[list[int]]:
    """Every number of pods that the Deployment asks for while the block runs, in its order."""
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
    """What the autoscaler goes by; nothing before its first look."""
    status = smallest.get_objects("hpa", "web", "-n", NAMESPACE).get("status", {})
    return [
        metric["containerResource"] for metric in status.get("currentMetrics") or () if "containerResource" in metric
    ]


def measure_utilization(smallest: project.Project) -> steering.Measurement | None:
    """The same in numbers; nothing where there is no autoscaler, too."""
    done = smallest.kubectl("get", "hpa", "web", "-n", NAMESPACE, "-o", "json", check=False)
    status = json.loads(done.stdout).get("status", {}) if done.exit_code == 0 else {}
    for metric in status.get("currentMetrics") or ():
        value = metric.get("containerResource", {}).get("current", {}).get("averageUtilization")
        if value is not None:
            return steering.Measurement(utilization=value, pods=status["currentReplicas"])
    return None


def busy(smallest: project.Project, address: str) -> contextlib.AbstractContextManager[prober.Prober]:
    """A load for which the autoscaler wants its most."""
    return steering.steer_load(f"{address}/", lambda: measure_utilization(smallest), target=TARGET)


def test_from_a_number_to_an_autoscaler_no_pod_goes(smallest: project.Project, address: str) -> None:
    with quiet(address) as load, watched(smallest) as seen:
        deploy(smallest, AUTO)
        (metric,) = prober.wait_until(lambda: metrics(smallest), seconds=180)
    assert metric["container"] == "web"
    assert min(seen) >= 3, seen
    assert not load.failures


def test_under_load_it_goes_up_and_the_next_release_takes_no_pod_away(smallest: project.Project, address: str) -> None:
    with busy(smallest, address) as load:
        prober.wait_until(lambda: replicas(smallest) == 5, seconds=300, interval=2)
        with watched(smallest) as seen:
            deploy(smallest, AUTO, colour="blue")
            smallest.preview("--expect-no-changes")
        assert set(seen) == {5}
        assert not drift(smallest)
    assert not load.failures
    assert load.answered


def test_back_to_a_number_what_is_declared_wins_and_stays(smallest: project.Project, address: str) -> None:
    """More than the autoscaler's most: as long as it ruled, it would cut them to five."""
    with busy(smallest, address) as load:
        prober.wait_until(lambda: replicas(smallest) == 5, seconds=300, interval=2)
        with watched(smallest) as seen:
            deploy(smallest, "6", colour="blue")
            assert not smallest.get_objects("hpa", "-n", NAMESPACE)["items"]
            time.sleep(20)  # an autoscaler looks every 15 s
        assert list(dict.fromkeys(seen)) == [5, 6]
        assert not drift(smallest)
        with watched(smallest) as seen:
            deploy(smallest, "3", colour="blue")
        assert list(dict.fromkeys(seen)) == [6, 3]
    assert not load.failures
