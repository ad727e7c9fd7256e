"""Imports Compose projects, and validates their objects by a strict dry run on an API server.

``python -m dev.compose_dry_run FOLDER``: each folder in FOLDER is a project, with its Compose files at the top, or with
a file ``compose-files`` that names them, one a line, in the order in which they override each other. ``app.yaml`` is
written beside the first of them, so use a copy. The API server is that of the checkout's cluster, or with
``--kubeconfig FILE`` another one; etcd and kube-apiserver are enough.

Prints ``name | objects | accepted`` for each project, with the reasons below. Exit codes: 0, all are accepted; 1, a
project is refused, by the import or by the API server.
"""

import argparse
import contextlib
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from dev import dry_run, environment
from seaway.cli import main as cli

LIST = "compose-files"
DEFAULT_FILES = (
    ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"),
    ("compose.override.yaml", "compose.override.yml", "docker-compose.override.yml", "docker-compose.override.yaml"),
)


def list_files(folder: Path) -> list[str]:
    """Return the Compose files of a project, relative to its folder."""
    if (folder / LIST).exists():
        return (folder / LIST).read_text().split()
    existing = ([name for name in names if (folder / name).exists()] for names in DEFAULT_FILES)
    return [names[0] for names in existing if names]


def import_project(folder: Path, app: Path, profiles: Sequence[str]) -> list[str]:
    """Import a project to app.yaml. Returns the reasons why it is refused."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        options = [f"--profile={profile}" for profile in profiles]
        code = cli.main(["import", *list_files(folder), *options, "--out", str(app), "--force", "--json"])
    report = json.loads(output.getvalue() or errors.getvalue())
    problems = report.get("errors") or [outcome for outcome in report["keys"] if outcome["kind"] == "refused"]
    return [f"{problem.get('key', problem.get('path'))}: {problem['message']}" for problem in problems] if code else []


def check_project(
    folder: Path, client: httpx.Client, prefix: str, profiles: Sequence[str] = ()
) -> tuple[int, list[str]]:
    """Return the number of objects and pods of a project, and the problems."""
    app = (folder / list_files(folder)[0]).with_name("app.yaml")
    if problems := import_project(folder, app, profiles):
        return 0, problems
    level, manifests = dry_run.render_application(app, folder)
    objects = [*manifests, *dry_run.list_pods(manifests)]
    return len(objects), [line for item in objects for line in dry_run.list_problems(client, item, f"{prefix}-{level}")]


def main() -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dev.compose_dry_run", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--profile", action="append", default=[], help="enable a profile; * is all")
    parser.add_argument("--kubeconfig", type=Path, default=environment.KUBECONFIG)
    options = parser.parse_args()
    total = refused = 0
    prefix = f"compose-{os.getpid()}"
    with dry_run.open_namespaces(prefix, kubeconfig=options.kubeconfig) as client:
        folders = [folder for folder in sorted(options.folder.resolve().iterdir()) if folder.is_dir()]
        for folder in folders:
            count, problems = check_project(folder, client, prefix, options.profile)
            print(f"{folder.name} | {count} | {'no' if problems else 'yes'}", *problems, sep="\n    ", flush=True)
            total, refused = total + count, refused + bool(problems)
    print(f"{len(folders)} projects, {total} objects, {refused} not accepted", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
