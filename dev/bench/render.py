"""Wall time of `seaway render` for twenty services, beside `kubectl kustomize` of the same objects.

Both programs read files and print YAML, without a cluster. Only the ratio is meaningful.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from dev import environment


def main() -> int:
    """Measure alternately, and print medians, ranges and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench.render", description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[20], metavar="N")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(f"{'':6} {'seaway render':>20} {'kubectl kustomize':>20} {'ratio':>6}")
    for services in options.services:
        ours, theirs = measure(services, options.runs)
        ratio = statistics.median(ours) / statistics.median(theirs)
        print(f"N={services:<4} {format_spread(ours):>20} {format_spread(theirs):>20} {ratio:6.2f}")
    return 0


def measure(services: int, runs: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each run, ours and kustomize's."""
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory(prefix="seaway-bench-") as scratch:
        folder = Path(scratch)
        write_project(folder, services)
        render = [sys.executable, "-m", "seaway.cli", "render", "--stack", "dev"]
        (folder / "objects.yaml").write_bytes(run_timed(render, folder)[1])
        (folder / "kustomization.yaml").write_text("resources: [objects.yaml]\n")
        for _ in range(runs):
            ours.append(run_timed(render, folder)[0])
            theirs.append(run_timed(["kubectl", "kustomize", "."], folder)[0])
    return ours, theirs


def write_project(folder: Path, services: int) -> None:
    """Write services that use most features and call each other."""

    def service(number: int) -> dict[str, Any]:
        return {
            "build": "./program",
            "port": 8000,
            "calls": [f"s{(number + 1) % services}"] if services > 1 else [],
            "health": "/healthz",
            "scale": {"min": 2, "max": 6},
            "env": {"LOG_LEVEL": "info", "NUMBER": str(number)},
            "secrets": {f"KEY_{number}": {"generate": 32}},
            "files": {"/etc/service.toml": {"content": f"number = {number}\n"}},
            "writable": ["/var/cache/service"],
        }

    app = folder / "app"
    (app / "program").mkdir(parents=True)
    (app / "program" / "Dockerfile").write_text('FROM scratch\nCMD ["program"]\n')
    file = {"name": "bench", "services": {f"s{number}": service(number) for number in range(services)}}
    (app / "app.yaml").write_text(yaml.safe_dump(file))
    stack = {"seaway:context": "nowhere", "seaway:registry": "registry.example.com"}
    (folder / "Pulumi.yaml").write_text("name: seaway\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": stack}))


def run_timed(command: list[str], folder: Path) -> tuple[float, bytes]:
    """Run a command, and return its seconds and its output."""
    env = {**os.environ, **environment.format_variables()}
    start = time.monotonic()
    result = subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    return time.monotonic() - start, result.stdout


def format_spread(seconds: list[float]) -> str:
    """Format the median, and the range in parentheses, in seconds."""
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f}) s"


if __name__ == "__main__":
    sys.exit(main())
