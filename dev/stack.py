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
from dev.cluster import addons, layout, node
from dev.images import catalogue, layers
from seaway import errors
from seaway.checks import all_checks
from seaway.cli import deployment, pulumi_cli, recovery, status
from seaway.cli import stack as stacks
from seaway.files import private
from seaway.images import build_reports
from seaway.project import environments
from seaway.review import disks
from seaway.syntax import diagnosis

STACK = "dev"


class CommandFailedError(Exception):
    """A command failed, and has printed its errors. The text says what was not done."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def main() -> int:
    """Run a command. The exit code is that of the failed part."""
    parser = argparse.ArgumentParser(prog="python -m dev.stack", description=__doc__)
    parser.add_argument("command", choices=["up", "preview", "down"])
    command = parser.parse_args().command
    try:
        private.check_folder(environment.ROOT)
        {"up": up, "preview": preview, "down": down}[command]()
    except CommandFailedError as error:
        print(f"seaway: {error}", file=sys.stderr)
        build_reports.print_failures(environment.ROOT)
        return error.exit_code
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
    """Start the cluster, build the base images, run `pulumi up`, and print the status of the workloads."""
    start = time.monotonic()
    build_reports.clear(environment.ROOT)
    times: dict[str, float] = {}
    cluster_up = [sys.executable, "-m", "dev.cluster", "up"]
    failure = "the one-node cluster was not started; its logs are in .seaway/cluster/logs"
    measure(times, "cluster", lambda: run_command(cluster_up, failure=failure))
    measure(times, "base images", project.ensure_base_images)
    environment.write_env_file()
    env = select_stack()
    os.environ.update(env)  # later calls of Pulumi find the state of the stack
    warnings = print_image_notes()
    target = stacks.read_target(environment.ROOT, STACK)
    deployment.ensure_fingerprint_key(target)
    # A terminal shows Pulumi's live tree. A log does not need progress dots.
    quiet = [] if sys.stdout.isatty() else ["--suppress-progress"]
    pulumi_up = ["pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, *quiet]
    try:
        measure(times, "pulumi up", lambda: run_command(pulumi_up, env))
    except CommandFailedError as error:
        print("\n".join(warnings), file=sys.stderr)  # the output of Pulumi is long
        raise CommandFailedError(deployment.describe_failure(target), error.exit_code) from None
    times["total"] = time.monotonic() - start
    print()
    status.show_status(target)
    print_times(times)


def print_image_notes() -> list[str]:
    """Print what the cluster does not enforce, and the images that it replaces or cannot run. Returns the latter."""
    if "kube-network-policies" not in addons.list_addons():
        print(
            "note: this cluster enforces no NetworkPolicy, so every pod reaches every other: make optional", flush=True
        )
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
    failure = f"the preview of stack {STACK} failed with the errors above; nothing has changed"
    run_command(["pulumi", "preview", "--stack", STACK, "--diff"], select_stack(), failure=failure)


def down() -> None:
    """Delete the stack and its data, then stop the cluster. Compiled, built and pushed artifacts are kept."""
    state = environment.STATE / "state" / ".pulumi" / "stacks" / "seaway" / f"{STACK}.json"
    if node.is_running(node.find_layout(environment.ROOT)) and state.exists():
        env = select_stack()
        accepted = project.format_data_loss_acceptance(env, list_namespaces(env))
        lost = ", ".join(filter(None, accepted[disks.ACCEPT_VARIABLE].split(","))) or "no disk"
        print(f"Deleting the stack {STACK} and its data ({lost}). To stop and keep data: make cluster-down", flush=True)
        destroy = ["pulumi", "destroy", "--yes", "--skip-preview", "--ignore-protect", "--suppress-progress"]
        failure = f"stack {STACK} is not deleted completely; see the errors above, then repeat make down"
        run_command([*destroy, "--stack", STACK], env | accepted, failure=failure)
    run_command([sys.executable, "-m", "dev.cluster", "down"], failure="the one-node cluster was not stopped")


def list_namespaces(env: dict[str, str]) -> set[str]:
    """List the namespaces of the stack."""
    state: Any = json.loads(read_output(["pulumi", "stack", "export", "--stack", STACK], env))["deployment"]
    resources: list[Any] = state.get("resources") or []
    kind = "kubernetes:core/v1:Namespace"
    return {resource["inputs"]["metadata"]["name"] for resource in resources if resource["type"] == kind}


def select_stack() -> dict[str, str]:
    """Select the stack, and create it the first time. Its settings are in the committed Pulumi.dev.yaml."""
    env = environment.prepare_environment()
    select = ["pulumi", "stack", "select", "--create", STACK]
    run_command(select, env, stdout=subprocess.DEVNULL, failure=f"stack {STACK} was not selected")
    return env


def run_command(
    command: list[str], env: dict[str, str] | None = None, *, stdout: int | None = None, failure: str = ""
) -> None:
    """Run a command in the checkout with its output on the terminal. After Ctrl-C, wait until it has ended.

    Args:
        command: the program and its arguments.
        env: its environment variables.
        stdout: as for ``subprocess.Popen``.
        failure: what is not done if it fails.
    """
    code, conflict = pulumi_cli.wait_unless_locked(command, environment.ROOT, env=env, stdout=stdout)
    if conflict:
        explanation = recovery.explain_lock(stacks.read_target(environment.ROOT, STACK), conflict)[1]
        raise errors.Unavailable(f"{explanation} (first: . .seaway/env)")
    if code:
        raise CommandFailedError(failure, code)


def measure(times: dict[str, float], part: str, work: Callable[[], None]) -> None:
    """Run a part and record its seconds."""
    start = time.monotonic()
    work()
    times[part] = time.monotonic() - start


def print_times(times: dict[str, float]) -> None:
    """Print the duration of each part, and the next commands."""
    print("\n" + " · ".join(f"{part} {seconds:.1f} s" for part, seconds in times.items()))
    print("Use pulumi, seaway and kubectl directly: . .seaway/env")
    print("Stop and keep data: make cluster-down    Delete the stack and its data: make down    Remove all: make clean")


def read_output(command: list[str], env: dict[str, str]) -> str:
    """Run a command and return its output."""
    done = subprocess.run(command, check=False, cwd=environment.ROOT, env=env, capture_output=True, text=True)
    if done.returncode:
        raise CommandFailedError(f"{' '.join(command)} failed: {done.stderr.strip()}", done.returncode)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
