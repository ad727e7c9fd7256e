"""Wall time of `up`, no-op `preview` and no-op `up` beside a plain Pulumi program of the same objects.

Both programs register the same Kubernetes objects (ours renders them, the plain program reads them), on the same
cluster, with the same provider version, and wait until all objects are healthy: ours in its Rollouts, the plain program
by Pulumi's own wait. They run alternately. Only the ratio is meaningful.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from dev import environment, project
from seaway.files import roots
from seaway.manifests import objects
from seaway.model import settings
from seaway.project import environments, load

WAIT_FOR = "pulumi.com/waitFor"
IMAGE = "registry.localhost:5000/base/python:3.11-bookworm"
Times = dict[str, list[float]]


def main() -> int:
    """Measure and print a table. With --json, write all figures."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[1, 10], metavar="N")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    figures: dict[str, dict[str, Times]] = {}
    with tempfile.TemporaryDirectory(prefix="seaway-bench-") as scratch:
        for services in options.services:
            ours: Times = {}
            plain: Times = {}
            for run in range(options.runs):
                print(f"N={services} run {run + 1} of {options.runs}", file=sys.stderr)
                folder = Path(scratch) / f"{services}-{run}"
                application = write_application(folder / "application", services)
                measure_ours(folder / "ours", application, ours)
                measure_plain(folder / "plain", application, plain)
            figures[f"N={services}"] = {"ours": ours, "plain": plain}
    print_figures(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def write_application(folder: Path, services: int) -> Path:
    """Write an application of N services that start immediately, from an image on the node."""
    folder.mkdir(parents=True)
    body = {
        "image": IMAGE,
        "command": ["python3", "-m", "http.server", "8000"],
        "port": 8000,
        "scale": 1,
        "health": "/",
    }
    file = {"name": "bench", "services": {f"s{number}": body for number in range(services)}}
    (folder / "app.yaml").write_text(yaml.safe_dump(file))
    return folder


def measure_ours(folder: Path, application: Path, times: Times) -> None:
    """Measure Seaway's program with the real command line."""
    stack = project.Project.create(folder, application=application, stack="ours", registry=None, imageOverrides=None)
    measure_steps(lambda *arguments: stack.pulumi(*arguments, "--stack", "ours", check=True), times)


def measure_plain(folder: Path, application: Path, times: Times) -> None:
    """Measure the same objects in a separate namespace, each registered as a resource."""
    shutil.copytree(Path(__file__).parent / "plain", folder)
    stack_settings = settings.Settings(stack="plain", context="seaway-dev")
    app = load.load_application(application / "app.yaml", root=roots.Root(application))
    rendered = objects.objects(environments.Environment.create(app, stack_settings), {}, {})
    (folder / "objects.json").write_text(json.dumps([remove_wait_for(resource.manifest) for resource in rendered]))
    env = environment.prepare_environment(state=folder / ".seaway")
    plain = project.Project(folder, "plain", env)
    plain.stack_file.write_text(yaml.safe_dump({"config": {"plain:context": "seaway-dev"}}))
    plain.pulumi("stack", "init", "plain", check=True)
    measure_steps(lambda *arguments: plain.pulumi(*arguments, "--stack", "plain", check=True), times)


def remove_wait_for(manifest: dict[str, Any]) -> dict[str, Any]:
    """Remove the annotation that turns off Pulumi's own wait: the plain program has no other wait."""
    annotations = {key: text for key, text in manifest["metadata"].get("annotations", {}).items() if key != WAIT_FOR}
    return manifest | {"metadata": manifest["metadata"] | {"annotations": annotations}}


def measure_steps(pulumi: Callable[..., Any], times: Times) -> None:
    """Measure `up`, and `preview` and `up` without changes. `destroy` is not measured."""
    try:
        for name, arguments in {
            "up": ("up", "--yes", "--skip-preview"),
            "no-op preview": ("preview", "--expect-no-changes"),
            "no-op up": ("up", "--yes", "--skip-preview", "--expect-no-changes"),
        }.items():
            start = time.monotonic()
            pulumi(*arguments)
            times.setdefault(name, []).append(time.monotonic() - start)
    finally:
        pulumi("destroy", "--yes", "--skip-preview")


def print_figures(figures: dict[str, dict[str, Times]]) -> None:
    """Print medians with the range, and the ratio of the medians."""
    print(f"{'':6} {'step':14} {'ours':>20} {'plain Pulumi':>20} {'ratio':>6}")
    for size, both in figures.items():
        for step in both["ours"]:
            ours, plain = both["ours"][step], both["plain"][step]
            ratio = statistics.median(ours) / statistics.median(plain)
            print(f"{size:6} {step:14} {format_spread(ours):>20} {format_spread(plain):>20} {ratio:6.2f}")


def format_spread(seconds: list[float]) -> str:
    """Format the median, and the range in parentheses, in seconds."""
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f}-{max(seconds):.1f}) s"


if __name__ == "__main__":
    sys.exit(main())
