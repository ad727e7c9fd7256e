"""`python3 -m dev.cluster`: manage the one-node cluster of this checkout.

Exit codes: 0 success, 1 failure, 2 this machine cannot run the cluster.
"""

import argparse
import dataclasses
import json
import os
import sys
import time
from pathlib import Path

from dev.cluster import client, machine, node, toolchain
from dev.cluster import layout as layouts
from seaway.files import private
from seaway.syntax import diagnosis

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code."""
    options = _build_parser().parse_args(arguments)
    try:
        private.check_folder(ROOT)
        return _run_command(options)
    except (layouts.CannotRunError, diagnosis.InvalidInput) as error:
        print(error, file=sys.stderr)
        return 2
    except layouts.FailedError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `make cluster-up` resumes, `make cluster-down` cleans up", file=sys.stderr)
        return 130


def _run_command(options: argparse.Namespace) -> int:
    command: str = options.command
    if command == "check":
        problems = [*machine.find_problems(), *toolchain.make_plan().problems]
        print("\n".join(problems) or "this machine can run the cluster")
        return 2 if problems else 0
    if command == "up":
        node.up(ROOT, lambda line: print(line, flush=True))
        return 0
    layout = node.find_layout(ROOT)
    if layout.run.exists() and os.geteuid() != 0:
        raise layouts.CannotRunError("the cluster was started by root; run this command with sudo")
    if command in {"down", "wipe"}:
        {"down": node.down, "wipe": node.wipe}[command](ROOT)
        print(
            {"down": "the cluster is stopped; its data is kept", "wipe": "the cluster and its data are deleted"}[
                command
            ]
        )
        return 0
    if command == "status":
        return _print_status(layout, as_json=options.json)
    if not node.is_running(layout):
        raise layouts.FailedError("the cluster is stopped; `make cluster-up` starts it")
    if command == "forward":
        print(node.forward_port(layout, options.node_port))
    elif command == "exec":
        command_line = node.format_exec_command(layout, options.command_line)
        os.execvp(command_line[0], command_line)  # noqa: S606 - replaces this process: exit code and signals pass
    else:
        try:
            component = client.send_command(layout, command, options.component)
        except OSError as error:
            log = layout.logs / f"{options.component}.log"
            raise layouts.FailedError(
                f"{options.component}: {command} did not finish within 30 s ({error}); see {log}"
            ) from error
        if "error" in component:
            raise layouts.CannotRunError(component["error"])
        print(f"{component['name']}: {component['state']}")
    return 0


def _print_status(layout: layouts.Layout, *, as_json: bool) -> int:
    rows = node.list_status(layout)
    if as_json:
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
    elif rows:
        print(f"{'COMPONENT':<24} {'STATE':<14} {'PID':<8} {'SINCE':<9} {'RESTARTS':<9} ADDRESS")
        for row in rows:
            since = time.strftime("%H:%M:%S", time.localtime(row.since)) if row.since else "-"
            print(f"{row.name:<24} {row.state:<14} {row.pid or '-':<8} {since:<9} {row.restarts:<9} {row.address}")
    else:
        print("the cluster is stopped; `make cluster-up` starts it")
    return 0 if rows and all(row.is_ready for row in rows) else 1


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m dev.cluster", description="Manage the one-node cluster of this checkout."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in {
        "check": "report whether this machine can run the cluster",
        "up": "start the components that do not run, and wait until all are ready",
        "down": "stop every process and remove every mount; keep the data",
        "wipe": "stop the cluster and delete its data",
    }.items():
        commands.add_parser(name, help=text)
    commands.add_parser("status", help="list the components").add_argument("--json", action="store_true")
    for name, text in {
        "stop": "stop a component and keep it stopped",
        "start": "start a stopped component, and wait until it is ready",
        "kill": "send SIGKILL to a component; the supervisor restarts it",
    }.items():
        commands.add_parser(name, help=text).add_argument("component")
    forward = commands.add_parser("forward", help="print the local address of a node port")
    forward.add_argument("node_port", type=int)
    exec_parser = commands.add_parser("exec", help="run a command in the namespaces of the cluster")
    exec_parser.add_argument("command_line", nargs=argparse.REMAINDER, metavar="command")
    return parser


if __name__ == "__main__":
    sys.exit(main())
