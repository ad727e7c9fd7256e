"""The dev stack on the one-node cluster: what `make up`, `make preview` and `make down` run."""

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

from dev import environment

STACK = "dev"


def main() -> int:
    """Run one verb; the exit code is that of the part that failed."""
    parser = argparse.ArgumentParser(prog="python -m dev.stack", description=__doc__)
    parser.add_argument("verb", choices=["up", "preview", "down"])
    verb = parser.parse_args().verb
    try:
        {"up": up, "preview": preview, "down": down}[verb]()
    except subprocess.CalledProcessError as failed:
        # The part has said what is wrong on stderr; say only which one it was.
        print(f"seaway: `{' '.join(map(str, failed.cmd[-3:]))}` failed", file=sys.stderr)
        return failed.returncode or 1
    except KeyboardInterrupt:
        return 130
    return 0


def up() -> None:
    """Cluster, base images, `pulumi up`, and a table of what runs."""
    start = time.monotonic()
    times: dict[str, float] = {}
    cluster("up", times)
    timed(times, "base images", [sys.executable, "-m", "dev.images", "ensure"])
    environment.write()
    env = select()
    timed(times, "pulumi up", ["pulumi", "up", "--yes", "--skip-preview", "--stack", STACK], env)
    times["in all"] = time.monotonic() - start
    table(env, times)


def preview() -> None:
    """`pulumi preview`, without touching anything."""
    subprocess.run(["pulumi", "preview", "--stack", STACK, "--diff"], check=True, cwd=environment.ROOT, env=select())


def down() -> None:
    """Destroy the stack, then stop everything; what was compiled, built and pushed stays for the next time."""
    if cluster_runs() and (environment.STATE / "state" / ".pulumi" / "stacks" / "seaway" / f"{STACK}.json").exists():
        env = select()
        subprocess.run(
            ["pulumi", "destroy", "--yes", "--skip-preview", "--stack", STACK],
            check=True,
            cwd=environment.ROOT,
            env=env,
        )
    subprocess.run([sys.executable, "-m", "dev.cluster", "down"], check=True, cwd=environment.ROOT)


def select() -> dict[str, str]:
    """Make the stack the first time; its settings stand in the committed Pulumi.dev.yaml."""
    env = environment.prepare()
    subprocess.run(
        ["pulumi", "stack", "select", "--create", STACK],
        check=True,
        cwd=environment.ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
    )
    return env


def cluster(verb: str, times: dict[str, float]) -> None:
    """Run a verb of the one-node cluster."""
    timed(times, "cluster", [sys.executable, "-m", "dev.cluster", verb])


def cluster_runs() -> bool:
    """Whether this checkout's cluster is up."""
    done = subprocess.run(
        [sys.executable, "-m", "dev.cluster", "status", "--json"], check=False, cwd=environment.ROOT, capture_output=True
    )
    return done.returncode == 0


def timed(times: dict[str, float], part: str, command: list[str], env: dict[str, str] | None = None) -> None:
    """Run a part and keep its seconds."""
    start = time.monotonic()
    subprocess.run(command, check=True, cwd=environment.ROOT, env=env)
    times[part] = time.monotonic() - start


def table(env: dict[str, str], times: dict[str, float]) -> None:
    """Services, addresses, replicas, digests, times."""
    done = subprocess.run(
        ["pulumi", "stack", "output", "--json", "--stack", STACK],
        check=True,
        cwd=environment.ROOT,
        env=env,
        capture_output=True,
        text=True,
    )
    outputs: dict[str, Any] = json.loads(done.stdout)
    print(json.dumps(outputs, indent=2), times, os.getpid())


if __name__ == "__main__":
    sys.exit(main())
