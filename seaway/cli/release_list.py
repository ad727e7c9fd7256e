"""``seaway release list``: the releases in files and in the clusters of the stacks.

``--json`` prints one object::

    releases     a list, newest first
        id           of the release
        recorded     the first deployment, as 2026-03-01T10:00:00Z; null if unknown
        revision     the commit that it was built from, or null
        dirty        whether the working tree had uncommitted changes
        file         whether it has a file in releases/
        pinned       the stacks that pin it
        runs         the stacks that run it, according to their clusters
        healthy      the stacks in which it was healthy, according to their clusters
        held         by stack: why it is held there
    unknown      by stack: why its cluster cannot be reached
"""

import argparse
import asyncio
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seaway import errors
from seaway.cli import command, connection, display, stack
from seaway.project import environments, release, release_lock
from seaway.release import record, record_store
from seaway.syntax import diagnosis

HEADINGS = ("RELEASE", "WHEN", "SOURCE", "FILE", "PINNED BY", "RUNS IN", "HELD")
REVISION_LENGTH = 12
"""Characters of a commit's id in the table."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReleases:
    """The releases that the cluster of a stack records."""

    current_record: str | None
    """The id of the deployed record."""
    records: Sequence[record.RecordSummary]


def configure(parser: argparse.ArgumentParser) -> None:
    help_text = "read only the cluster of this stack [all clusters]"
    parser.add_argument("-s", "--stack", metavar="STACK", type=stack.parse_name, help=help_text)
    stack.add_application_option(parser)
    command.add_json_option(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    folder = stack.find_project_folder(Path.cwd())
    stacks = stack.list_names(folder)
    if arguments.stack:
        stack.find_file(folder, arguments.stack)
    locks = {
        name: release_lock.read(folder, environments.format_lock_name(name, arguments.application)) for name in stacks
    }
    files = {id_: release.read(folder, id_) for id_ in release.list_ids(folder)}
    clusters, unknown = asyncio.run(
        _read_clusters(folder, arguments.application, [arguments.stack] if arguments.stack else stacks)
    )
    rows = _build_rows(files, locks, clusters)
    releases = sorted(rows, key=lambda row: (row["recorded"] or "", row["id"]), reverse=True)
    if arguments.json:
        command.print_json({"releases": releases, "unknown": unknown})
        return command.SUCCESS
    for name, reason in unknown.items():
        command.report(f"stack {name}: {reason}")
    _print_table(releases)
    return command.SUCCESS


async def _read_clusters(
    folder: Path, application_name: str | None, stacks: Sequence[str]
) -> tuple[dict[str, ClusterReleases], dict[str, str]]:
    """Read all clusters in parallel; the releases, and the reasons of the unreachable clusters."""
    results = dict(
        zip(
            stacks,
            await asyncio.gather(*(_read_cluster(folder, name, application_name) for name in stacks)),
            strict=True,
        )
    )
    return (
        {name: result for name, result in results.items() if isinstance(result, ClusterReleases)},
        {name: result for name, result in results.items() if isinstance(result, str)},
    )


async def _read_cluster(folder: Path, name: str, application_name: str | None) -> ClusterReleases | str:
    try:
        target = stack.read_target(folder, name, application_name)
        async with connection.connect(target) as cluster:
            current = await record_store.find_current(cluster, target.namespace)
            records = await record_store.list_records(cluster, target.namespace)
    except (errors.Unavailable, diagnosis.InvalidInput) as error:
        return str(error)
    return ClusterReleases(current_record=current.id if current else None, records=list(records.values()))


def _build_rows(
    files: Mapping[str, release.Release],
    locks: Mapping[str, release_lock.Lock],
    clusters: Mapping[str, ClusterReleases],
) -> Iterator[dict[str, Any]]:
    """The releases for ``--json``."""
    records = [summary for cluster in clusters.values() for summary in cluster.records]
    running = {
        name: record.parse_release_id(cluster.current_record)
        for name, cluster in clusters.items()
        if cluster.current_record
    }
    held = [(name, hold) for name, lock in locks.items() for hold in lock.held]
    ids = {*files, *(summary.release_id for summary in records), *(hold.release for _, hold in held)}
    for id_ in ids | {lock.release for lock in locks.values() if lock.release}:
        file, own = files.get(id_), [summary for summary in records if summary.release_id == id_]
        provenance = file.provenance if file else own[0].provenance if own else None
        times = [summary.recorded for summary in own] + ([file.recorded] if file and file.recorded else [])
        yield {
            "id": id_,
            "recorded": min(times, default=None),
            "revision": provenance and provenance.revision,
            "dirty": bool(provenance and provenance.dirty),
            "file": file is not None,
            "pinned": [name for name, lock in locks.items() if lock.release == id_],
            "runs": [name for name, release_id in running.items() if release_id == id_],
            "healthy": [
                name
                for name, cluster in clusters.items()
                if any(summary.release_id == id_ for summary in cluster.records)
            ],
            "held": {name: hold.because for name, hold in held if hold.release == id_},
        }


def _print_table(releases: Sequence[Mapping[str, Any]]) -> None:
    if not releases:
        print("no releases: a successful pulumi up records one, and seaway release promote pins it for other stacks")
        return
    rows = [
        (
            row["id"],
            row["recorded"] or "-",
            f"{(row['revision'] or '-')[:REVISION_LENGTH]}{' (dirty)' if row['dirty'] else ''}",
            "yes" if row["file"] else "-",
            command.join_or_dash(row["pinned"]),
            command.join_or_dash(row["runs"]),
            command.join_or_dash((f"{name}: {reason}" for name, reason in row["held"].items()), "; "),
        )
        for row in releases
    ]
    display.print_table(HEADINGS, rows)
