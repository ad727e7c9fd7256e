"""Compares Seaway with Docker Compose and with kompose, and writes two pages of docs.

``python -m dev.compose_comparison PAGE``:
- ``config``: docs/compose-config.md. Requires Docker Compose, compiled by `make optional`.
- ``table``: docs/kompose.md. Requires kompose too, and uses the checkout's cluster if it runs.
- ``runs``: as ``table``, and deploys the projects. Requires the cluster.

With ``--only PROJECT ...`` the last two compare only these projects, and write no page.

Exit codes: 0, success; 1, unintended differences from Docker; 2, a requirement is missing.
"""

import argparse
import sys
from collections.abc import Sequence

from dev import dry_run, environment, project
from dev.cluster import layout, parts
from dev.compose_comparison import config, projects, table

DOCS = project.ROOT / "docs"
TABLE = environment.STATE / "compose-table.json"
PARTIAL_TABLE = environment.STATE / "compose-table-part.json"
"""The rows of a run with ``--only``."""
KUBERNETES = parts.find_part("kubernetes").version


def compare_reading() -> int:
    """Compare with Docker Compose."""
    comparisons = [config.compare(name, files) for name, files in projects.list_projects().items()]
    (DOCS / "compose-config.md").write_text(config.format_page(comparisons))
    differences = [f"{comparison.name}: {text}" for comparison in comparisons for text in comparison.unexpected]
    for difference in differences:
        print(difference, file=sys.stderr)
    print(f"docker compose config: {len(comparisons)} projects, {len(differences)} unintended differences")
    return 1 if differences else 0


def compare_conversion(only: Sequence[str]) -> int:
    """Compare with kompose."""
    if project.run_cluster("status", "--json", check=False).exit_code:
        print("the cluster does not run, so no API server validates objects (make cluster-up)", file=sys.stderr)
        rows, version = table.make_rows(None, only), ""
    else:
        with dry_run.open_namespaces(table.NAMESPACES) as client:
            rows, version = table.make_rows(client, only), KUBERNETES
    _write(rows, version, only)
    return 0


def deploy_projects(only: Sequence[str]) -> int:
    """Deploy the projects, and add the results to the last table."""
    rows = table.read_rows(PARTIAL_TABLE if only else TABLE)
    with dry_run.open_client() as client:
        table.deploy_rows(rows, client)
    _write(rows, KUBERNETES, only)
    return 0


def _write(rows: Sequence[table.Row], version: str, only: Sequence[str]) -> None:
    table.write_rows(rows, PARTIAL_TABLE if only else TABLE)
    page = table.format_page(rows, version)
    if not only:
        (DOCS / "kompose.md").write_text(page)


def main() -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dev.compose_comparison", description=__doc__)
    parser.add_argument("page", choices=("config", "table", "runs"))
    parser.add_argument("--only", nargs="+", default=(), choices=(*projects.list_projects(),), metavar="PROJECT")
    options = parser.parse_args()
    if options.only and options.page == "config":
        parser.error("--only: config compares all projects")
    try:
        if options.page == "config":
            return compare_reading()
        return {"table": compare_conversion, "runs": deploy_projects}[options.page](options.only)
    except layout.CannotRunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
