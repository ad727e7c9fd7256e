"""The dev stack on the one-node cluster: what `make up`, `make preview` and `make down` run."""

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
from seaway import errors
from seaway.cli import fingerprint_key, pulumi_cli
from seaway.cli import stack as stacks
from seaway.files import private
from seaway.review import disks
from seaway.syntax import diagnosis

STACK = "dev"


def main() -> int:
    """Run one verb; the exit code is that of the part that failed."""
    parser = argparse.ArgumentParser(prog="python -m dev.stack", description=__doc__)
    parser.add_argument("verb", choices=["up", "preview", "down"])
    verb = parser.parse_args().verb
    try:
        private.check_folder(environment.ROOT)
        {"up": up, "preview": preview, "down": down}[verb]()
    except subprocess.CalledProcessError as failed:
        # The part has said what is wrong on stderr; say only which one it was.
        print(f"seaway: `{' '.join(map(str, failed.cmd[-3:]))}` failed", file=sys.stderr)
        return failed.returncode or 1
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
    """Cluster, base images, `pulumi up`, and a table of what runs."""
    start = time.monotonic()
    times: dict[str, float] = {}
    measure(times, "cluster", lambda: run_command([sys.executable, "-m", "dev.cluster", "up"]))
    measure(times, "base images", project.ensure_base_images)
    environment.write_env_file()
    env = select_stack()
    os.environ.update(env)  # what asks Pulumi for the stack's state finds it as `pulumi up` does
    fingerprint_key.ensure_key(stacks.read_target(environment.ROOT, STACK))
    # A terminal gets Pulumi's live tree; a log is spared the dots that say it is still at work.
    quiet = [] if sys.stdout.isatty() else ["--suppress-progress"]
    measure(
        times,
        "pulumi up",
        lambda: run_command(["pulumi", "up", "--yes", "--skip-preview", "--stack", STACK, *quiet], env),
    )
    times["in all"] = time.monotonic() - start
    print_table(env, times)


def preview() -> None:
    """`pulumi preview`: what `up` would change in the cluster."""
    run_command(["pulumi", "preview", "--stack", STACK, "--diff"], select_stack())


def down() -> None:
    """Delete the stack and its data, then stop everything; what was compiled, built and pushed stays."""
    state = environment.STATE / "state" / ".pulumi" / "stacks" / "seaway" / f"{STACK}.json"
    if node.is_running(node.find_layout(environment.ROOT)) and state.exists():
        env = select_stack()
        accepted = project.format_data_loss_acceptance(env, list_namespaces(env))
        lost = ", ".join(filter(None, accepted[disks.ACCEPT_VARIABLE].split(","))) or "no disk"
        print(f"Deleting the stack {STACK} and its data ({lost}). To stop and keep it: make cluster-down", flush=True)
        destroy = ["pulumi", "destroy", "--yes", "--skip-preview", "--ignore-protect", "--suppress-progress"]
        run_command([*destroy, "--stack", STACK], env | accepted)
    run_command([sys.executable, "-m", "dev.cluster", "down"])


def list_namespaces(env: dict[str, str]) -> set[str]:
    """The namespaces that the stack would delete."""
    state: Any = json.loads(read_output(["pulumi", "stack", "export", "--stack", STACK], env))["deployment"]
    resources: list[Any] = state.get("resources") or []
    return {one["inputs"]["metadata"]["name"] for one in resources if one["type"] == "kubernetes:core/v1:Namespace"}


def select_stack() -> dict[str, str]:
    """Make the stack the first time; its settings stand in the committed Pulumi.dev.yaml."""
    env = environment.prepare_environment()
    run_command(["pulumi", "stack", "select", "--create", STACK], env, stdout=subprocess.DEVNULL)
    return env


def run_command(command: list[str], env: dict[str, str] | None = None, stdout: int | None = None) -> None:
    """Run a command in the checkout, with its output going to the person; after a Ctrl-C, wait until it has ended."""
    code, _ = pulumi_cli.wait(command, environment.ROOT, env=env, stdout=stdout)
    if code:
        raise subprocess.CalledProcessError(code, command)


def measure(times: dict[str, float], part: str, work: Callable[[], None]) -> None:
    """Do a part and keep its seconds."""
    start = time.monotonic()
    work()
    times[part] = time.monotonic() - start


def print_table(env: dict[str, str], times: dict[str, float]) -> None:
    """Services with addresses, replicas and images as they are in the cluster now, then the times."""
    outputs: dict[str, Any] = json.loads(read_output(["pulumi", "stack", "output", "--json", "--stack", STACK], env))
    kinds = "deployments,daemonsets,statefulsets"
    live = json.loads(read_output(["kubectl", "get", kinds, "-n", outputs["namespace"], "-o", "json"], env))["items"]
    rows = [("SERVICE", "ADDRESS", "READY", "IMAGE")]
    for one in live:
        name = one["metadata"]["name"]
        shown = outputs["services"].get(name, {})
        address = shown.get("address", "-")
        if "urls" in shown:
            address = " ".join(shown["urls"])
        elif "nodePort" in shown:
            address = node.forward_port(node.find_layout(environment.ROOT), shown["nodePort"])
        status = one["status"]
        ready = f"{status.get('readyReplicas', 0)}/{one['spec'].get('replicas')}"
        if one["kind"] == "DaemonSet":
            ready = f"{status['numberReady']}/{status['desiredNumberScheduled']}"
        image = one["spec"]["template"]["spec"]["containers"][0]["image"]
        rows.append((name, address, ready, image[: image.find("@") + 20] if "@" in image else image))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    print()
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]))
    print("\n" + " · ".join(f"{part} {seconds:.1f} s" for part, seconds in times.items()))
    print("Plain pulumi and kubectl: . .seaway/env")
    print("Stop, keep data: make cluster-down    Delete the stack and its data: make down")


def read_output(command: list[str], env: dict[str, str]) -> str:
    """What a command prints."""
    done = subprocess.run(command, check=True, cwd=environment.ROOT, env=env, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
