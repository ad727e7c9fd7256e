"""Compose files before Docker Compose, before us and before kompose; writes two pages of docs.

``python -m tests.compose config``: docs/compose-config.md. Needs Docker Compose, compiled (`make optional`).
``python -m tests.compose table``: docs/kompose.md. Needs kompose too, and asks the checkout's cluster where one runs.
``python -m tests.compose runs``: the same with the column of what runs; deploys, and needs the cluster.
With ``--only PROJECT ...`` the last two look at these projects only, and write no page.

Exit codes: 0, done; 1, something is read otherwise than Docker reads it; 2, it cannot run here.
"""

import argparse
import sys
from collections.abc import Sequence

from dev import environment, project
from dev.cluster import layout, parts
from tests.compose import config, projects, table
from tests.support import strict

DOCS = project.ROOT / "docs"
KEPT = environment.STATE / "compose-table.json"
PART = environment.STATE / "compose-table-part.json"
"""The rows of the projects that ``--only`` names."""
KUBERNETES = parts.named("kubernetes").version


def compare() -> int:
    """What Docker reads, and what we read."""
    found = [config.compared(name, files) for name, files in projects.list_projects().items()]
    (DOCS / "compose-config.md").write_text(config.page(found))
    wrong = [f"{one.name}: {told}" for one in found for told in one.wrong]
    for told in wrong:
        print(told, file=sys.stderr)
    print(f"docker compose config: {len(found)} projects, {len(wrong)} differences that are not meant")
    return 1 if wrong else 0


def convert(only: Sequence[str]) -> int:
    """What we convert, and what kompose converts."""
    if project.cluster("status", "--json", check=False).code:
        print("no cluster runs: nothing is asked of an API server (make cluster-up)", file=sys.stderr)
        done, version = table.rows(None, only), ""
    else:
        with table.server() as server:
            done, version = table.rows(server, only), KUBERNETES
    _write(done, version, only)
    return 0


def run(only: Sequence[str]) -> int:
    """Deploys, and adds what came of it to the last table."""
    done = table.read(PART if only else KEPT)
    with strict.server() as server:
        table.run(done, server)
    _write(done, KUBERNETES, only)
    return 0


def _write(done: Sequence[table.Row], version: str, only: Sequence[str]) -> None:
    table.kept(done, PART if only else KEPT)
    page = table.page(done, version)
    if not only:
        (DOCS / "kompose.md").write_text(page)


def main() -> int:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.compose", description=__doc__)
    parser.add_argument("page", choices=("config", "table", "runs"))
    parser.add_argument("--only", nargs="+", default=(), choices=(*projects.list_projects(),), metavar="PROJECT")
    options = parser.parse_args()
    if options.only and options.page == "config":
        parser.error("--only: config compares all projects")
    try:
        if options.page == "config":
            return compare()
        return {"table": convert, "runs": run}[options.page](options.only)
    except layout.CannotRunError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
