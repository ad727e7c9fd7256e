"""``seaway release list``: the releases that have a file, and those that the clusters have recorded.

``--json`` prints one object::

    releases     a list, newest first
        id           of the release
        recorded     when it was deployed for the first time, as 2026-03-01T10:00:00Z; null if nobody knows
        revision     the commit that it was built from, or null
        dirty        whether there were changes that are in no commit
        file         whether it has a file in releases/
        pinned       the stacks that pin it
        runs         the stacks that run it, as their clusters say
        healthy      the stacks in which it has been healthy, as far as their clusters remember
        held         by stack: why it is held there
    unknown      by stack: why its cluster could not be asked
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seaway import errors
from seaway.cli import command, stack
from seaway.syntax import diagnosis

if TYPE_CHECKING:
    from seaway.project import release, release_lock
    from seaway.release import record_store

HEADINGS = ("RELEASE", "WHEN", "SOURCE", "FILE", "PINNED BY", "RUNS IN", "HELD")
REVISION_LENGTH = 12
"""Characters of a commit's id in the table."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReleases:
    """What the cluster of a stack says."""

    current_record: str | None
    """The record of what it runs."""
    records: "Sequence[record_store.RecordSummary]"


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "releases that have a file or are recorded in a cluster: what pins them, what runs them, what holds them"
    parser = parsers.add_parser("list", help="which releases there are", description=told)
    parser.add_argument("-s", "--stack", metavar="STACK", help="ask the cluster of this stack only [those of all]")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object; its fields: pydoc seaway.cli.release_list"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show them. What a cluster cannot be asked is told, and no failure.

    Raises:
        diagnosis.InvalidInput: there is no such stack, or a file is wrong.
    """
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    folder = stack.find_project_folder(Path.cwd())
    stacks = stack.list_names(folder)
    if arguments.stack:
        stack.find_file(folder, arguments.stack)
    from seaway.project import release, release_lock  # noqa: PLC0415 - not needed for a word that is wrong

    locks = {name: release_lock.read(folder, name) for name in stacks}
    files = {id_: release.read(folder, id_) for id_ in release.list_ids(folder)}
    asked, unknown = asyncio.run(_read_clusters(folder, [arguments.stack] if arguments.stack else stacks))
    found = sorted(_build_rows(files, locks, asked), key=lambda row: (row["recorded"] or "", row["id"]), reverse=True)
    if arguments.json:
        print(json.dumps({"releases": found, "unknown": unknown}, indent=2, ensure_ascii=False))
        return command.SUCCESS
    for name, why in unknown.items():
        print(f"seaway: stack {name}: {why}", file=sys.stderr)
    _print_table(found)
    return command.SUCCESS


async def _read_clusters(folder: Path, stacks: Sequence[str]) -> tuple[dict[str, ClusterReleases], dict[str, str]]:
    """All clusters at once, and why those cannot be asked that cannot."""
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    answers = await asyncio.gather(*(_read_cluster(folder, name) for name in stacks))
    told = dict(zip(stacks, answers, strict=True))
    return (
        {name: one for name, one in told.items() if isinstance(one, ClusterReleases)},
        {name: one for name, one in told.items() if isinstance(one, str)},
    )


async def _read_cluster(folder: Path, name: str) -> ClusterReleases | str:
    from seaway.cli import health  # noqa: PLC0415 - brings the client and rich
    from seaway.release import record_store  # noqa: PLC0415

    try:
        where = stack.read_target(folder, name)
        async with health.connect(where) as cluster:
            pointer = record_store.parse_current(
                await cluster.find(record_store.get_path(where.namespace, record_store.CURRENT_NAME))
            )
            records = await record_store.list_records(cluster, where.namespace)
    except (errors.Unavailable, diagnosis.InvalidInput) as error:
        return str(error)
    return ClusterReleases(current_record=pointer.id if pointer else None, records=list(records.values()))


def _build_rows(
    files: "Mapping[str, release.Release]",
    locks: "Mapping[str, release_lock.Lock]",
    clusters: Mapping[str, ClusterReleases],
) -> Iterator[dict[str, Any]]:
    """As ``--json`` prints them."""
    from seaway.release import record  # noqa: PLC0415 - as above

    entries = [entry for one in clusters.values() for entry in one.records]
    pinned = {one.release for one in locks.values() if one.release}
    held = {each.release for one in locks.values() for each in one.held}
    for id_ in {*files, *(entry.release_id for entry in entries), *pinned, *held}:
        file, own = files.get(id_), [entry for entry in entries if entry.release_id == id_]
        came = file.provenance if file else own[0].provenance if own else None
        times = [entry.recorded for entry in own] + ([file.recorded] if file and file.recorded else [])
        yield {
            "id": id_,
            "recorded": min(times, default=None),
            "revision": came and came.revision,
            "dirty": bool(came and came.dirty),
            "file": file is not None,
            "pinned": [name for name, one in locks.items() if one.release == id_],
            "runs": [
                name
                for name, one in clusters.items()
                if one.current_record and record.parse_release_id(one.current_record) == id_
            ],
            "healthy": [
                name for name, one in clusters.items() if any(entry.release_id == id_ for entry in one.records)
            ],
            "held": {name: each.because for name, one in locks.items() for each in one.held if each.release == id_},
        }


def _print_table(releases: Sequence[Mapping[str, Any]]) -> None:
    from seaway.cli import display  # noqa: PLC0415 - brings rich

    if not releases:
        print("no release yet: a pulumi up that succeeds records one, and seaway release promote gives it to others")
        return
    rows = [
        (
            row["id"],
            row["recorded"] or "-",
            f"{(row['revision'] or '-')[:REVISION_LENGTH]}{' (dirty)' if row['dirty'] else ''}",
            "yes" if row["file"] else "-",
            ", ".join(row["pinned"]) or "-",
            ", ".join(row["runs"]) or "-",
            "; ".join(f"{name}: {because}" for name, because in row["held"].items()) or "-",
        )
        for row in releases
    ]
    display.write(display.create_screen(), display.build_table(HEADINGS, rows))
