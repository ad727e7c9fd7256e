"""The dev stack on the one-node cluster, for `make up`, `make preview` and `make down`."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from dev import environment, project
from dev.cluster import layout, node
from dev.images import catalogue, layers
from seaway import errors
from seaway.checks import all_checks
from seaway.cli import fingerprint_key, pulumi_cli
from seaway.cli import stack as stacks
from seaway.files import private
from seaway.project import environments
from seaway.review import disks
from seaway.syntax import diagnosis

STACK = "dev"


def main() -> int:
    """Run a command. The exit code is that of the failed part."""
    parser = argparse.ArgumentParser(prog="python -m dev.stack", description=__doc__)
    parser.add_argument("command", choices=["up", "preview", "down"])
    command = parser.parse_args().command
    try:
        private.check_folder(environment.ROOT)
        {"up": up, "preview": preview, "down": down}[command]()
    except subprocess.CalledProcessError as error:
        # The failed command has already printed its error.
        print(f"seaway: `{' '.join(map(str, error.cmd[-3:]))}` failed", file=sys.stderr)
        return error.returncode or 1
    except layout.CannotRunError as error:
        print(f"seaway: {error}", file=sys.stderr)
        return 2
    except diagnosis.InvalidInput as error:
        print(error, file=sys.stderr)
        return 2
    except (layout.FailedError, errors.Unavailable, OSError) as error:
        print(f"seaway: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def up() -> None:
    """Start the cluster, build the base images, run `pulumi up`, and print a table of the services."""
    start = time.monotonic()
    times: dict[str, float] = {}
    measure(times, "cluster", lambda: run_command([sys.executable, "-m", "dev.cluster", "up"]))
    measure(times, "base images", project.ensure_base_images)
    environment.write_env_file()
    env = select_stack()
    os.environ.update(env)  # later calls of Pulumi find the state of the stack
    warnings = print_image_notes()
    fingerprint_key.ensure_key(stacks.read_target(environment.ROOT, STACK))
    # A terminal shows Pulumi's live tree. A log does not need progress dots.
    quiet = [] if sys.stdout.isatty() else ["--suppress-progress"]
    command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, *quiet]
    try:
        measure(times, "pulumi up", lambda: run_command(command, env))
    except subprocess.CalledProcessError:
        print("\n".join(warnings), file=sys.stderr)  # the output of Pulumi is long
        raise
    times["total"] = time.monotonic() - start
    print_table(env, times)


def print_image_notes() -> list[str]:
    """Print the images that the cluster replaces, and the images that it cannot run. Returns the second."""
    try:
        stack = environments.load_environment(environment.ROOT, STACK, check_ids=all_checks.IDS)
        notes = catalogue.find_notes(stack, project.find_registry(environment.ROOT))
    except (diagnosis.InvalidInput, layers.CannotMakeError):
        return []  # Pulumi reports invalid files
    for note in notes:
        print(note, flush=True)
    return [note for note in notes if note.startswith("warning")]


def preview() -> None:
    """Run `pulumi preview`: the changes that `up` would make."""
    run_command(["pulumi", "preview", "--stack", STACK, "--diff"], select_stack())


def down() -> None:
    """Delete the stack and its data, then stop the cluster. Compiled, built and pushed artifacts are kept."""
    state = environment.STATE / "state" / ".pulumi" / "stacks" / "seaway" / f"{STACK}.json"
    if node.is_running(node.find_layout(environment.ROOT)) and state.exists():
        env = select_stack()
        accepted = project.format_data_loss_acceptance(env, list_namespaces(env))
        lost = ", ".join(filter(None, accepted[disks.ACCEPT_VARIABLE].split(","))) or "no disk"
        print(f"Deleting the stack {STACK} and its data ({lost}). To stop and keep data: make cluster-down", flush=True)
        destroy = ["pulumi", "destroy", "--yes", "--skip-preview", "--ignore-protect", "--suppress-progress"]
        run_command([*destroy, "--stack", STACK], env | accepted)
    run_command([sys.executable, "-m", "dev.cluster", "down"])


def list_namespaces(env: dict[str, str]) -> set[str]:
    """List the namespaces of the stack."""
    state: Any = json.loads(read_output(["pulumi", "stack", "export", "--stack", STACK], env))["deployment"]
    resources: list[Any] = state.get("resources") or []
    kind = "kubernetes:core/v1:Namespace"
    return {resource["inputs"]["metadata"]["name"] for resource in resources if resource["type"] == kind}


def select_stack() -> dict[str, str]:
    """Select the stack, and create it the first time. Its settings are in the committed Pulumi.dev.yaml."""
    env = environment.prepare_environment()
    run_command(["pulumi", "stack", "select", "--create", STACK], env, stdout=subprocess.DEVNULL)
    return env


def run_command(command: list[str], env: dict[str, str] | None = None, stdout: int | None = None) -> None:
    """Run a command in the checkout with its output on the terminal. After Ctrl-C, wait until it has ended."""
    code, _ = pulumi_cli.wait(command, environment.ROOT, env=env, stdout=stdout)
    if code:
        raise subprocess.CalledProcessError(code, command)


def measure(times: dict[str, float], part: str, work: Callable[[], None]) -> None:
    """Run a part and record its seconds."""
    start = time.monotonic()
    work()
    times[part] = time.monotonic() - start


def print_table(env: dict[str, str], times: dict[str, float]) -> None:
    """Print the services in the cluster with addresses, replicas and images, then the times."""
    outputs: dict[str, Any] = json.loads(read_output(["pulumi", "stack", "output", "--json", "--stack", STACK], env))
    kinds = "deployments,daemonsets,statefulsets"
    workloads = json.loads(read_output(["kubectl", "get", kinds, "-n", outputs["namespace"], "-o", "json"], env))[
        "items"
    ]
    rows = [("SERVICE", "ADDRESS", "READY", "IMAGE")]
    for workload in workloads:
        name = workload["metadata"]["name"]
        service = outputs["services"].get(name, {})
        address = service.get("address", "-")
        if "urls" in service:
            address = " ".join(service["urls"])
        elif "nodePort" in service:
            address = node.forward_port(node.find_layout(environment.ROOT), service["nodePort"])
        status = workload["status"]
        ready = f"{status.get('readyReplicas', 0)}/{workload['spec'].get('replicas')}"
        if workload["kind"] == "DaemonSet":
            ready = f"{status['numberReady']}/{status['desiredNumberScheduled']}"
        image = workload["spec"]["template"]["spec"]["containers"][0]["image"]
        rows.append((name, address, ready, image[: image.find("@") + 20] if "@" in image else image))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    print()
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]))
    print("\n" + " · ".join(f"{part} {seconds:.1f} s" for part, seconds in times.items()))
    print("Use pulumi and kubectl directly: . .seaway/env")
    print("Stop and keep data: make cluster-down    Delete the stack and its data: make down    Remove all: make clean")


def read_output(command: list[str], env: dict[str, str]) -> str:
    """Run a command and return its output."""
    return subprocess.run(command, check=True, cwd=environment.ROOT, env=env, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
