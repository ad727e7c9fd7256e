"""Seconds until a rollout is reported as complete: our watch beside `kubectl rollout status`, for the same change.

Both watch the same workloads at the same time, from the end of `kubectl apply`. The difference is the cost of
diagnosing causes.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from dev import environment
from plugin import engine, rollout_watch
from seaway.kubernetes.cluster import client
from seaway.rollout import target

NAMESPACE = "seaway-bench-rollout"
IMAGE = "registry.localhost:5000/base/python:3.11-bookworm"


class SilentEngine(engine.Engine):
    """An engine that discards messages."""

    async def tell(self, request: Any) -> None:
        """Discard a message."""


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench.rollout", description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[1, 50], metavar="N", help="Deployments [1 50]")
    parser.add_argument("--runs", type=int, default=1, help="number of measurements [1]")
    options = parser.parse_args()
    env = environment.prepare_environment()
    os.environ.update(env)
    print(f"{'':6} {'step':8} {'ours':>8} {'kubectl':>9} {'difference':>11} {'ratio':>6}")
    for count in (count for count in options.services for _ in range(options.runs)):
        try:
            for step in ("create", "update"):
                ours, kubectl = asyncio.run(measure(count, step, env))
                row = f"{ours:6.2f} s {kubectl:7.2f} s {ours - kubectl:+9.2f} s {ours / kubectl:6.2f}"
                print(f"N={count:<4} {step:8} {row}", flush=True)
        finally:
            run_kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", env=env)
    return 0


async def measure(count: int, step: str, env: Mapping[str, str]) -> tuple[float, float]:
    """Apply the workloads, wait with both, and return the seconds of each."""
    manifests: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]
    manifests += [make_deployment(f"w{number}", step) for number in range(count)]
    run_kubectl("apply", "-f", "-", env=env, text=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))
    started = time.monotonic()
    return await asyncio.gather(measure_watch(count, started), measure_kubectl(env, started))


async def measure_watch(count: int, started: float) -> float:
    """Return the seconds of our plugin's watch."""
    targets = [target.Target(kind="Deployment", name=f"w{n}", owner=f"w{n}", deadline=300) for n in range(count)]
    cluster = client.KubeClient(context="seaway-dev", timeout=10)
    try:
        await rollout_watch.RolloutWatch(cluster, NAMESPACE, targets, engine.Log(SilentEngine(""), "")).wait()
        return time.monotonic() - started
    finally:
        await cluster.close()


async def measure_kubectl(env: Mapping[str, str], started: float) -> float:
    """Return the seconds of kubectl."""
    words = ["rollout", "status", "deployment", "--selector", "bench=rollout", "--timeout", "300s", "-n", NAMESPACE]
    process = await asyncio.create_subprocess_exec("kubectl", *words, env=env, stdout=subprocess.DEVNULL)
    if await process.wait():
        raise SystemExit("kubectl rollout status failed")
    return time.monotonic() - started


def make_deployment(name: str, step: str) -> dict[str, Any]:
    """Return a Deployment that starts immediately, and rolls out when ``step`` changes."""
    labels = {"bench": "rollout", "name": name}
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["sleep", "3600"],
        "env": [{"name": "STEP", "value": step}],
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def run_kubectl(*words: str, env: Mapping[str, str], text: str = "") -> None:
    """Run kubectl without output."""
    subprocess.run(["kubectl", *words], env=env, input=text, text=True, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
