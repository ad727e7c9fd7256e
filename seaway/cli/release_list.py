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
    from seaway.release import lock, record_store, release

HEAD = ("RELEASE", "WHEN", "SOURCE", "FILE", "PINNED BY", "RUNS IN", "HELD")
REVISION = 12
"""Characters of a commit's id in the table."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the cluster of a stack says."""

    runs: str | None
    """The record of what it runs."""
    records: "Sequence[record_store.Entry]"


def add(parsers: command.Parsers) -> None:
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
        problems.Invalid: there is no such stack, or a file is wrong.
    """
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    folder = stack.project(Path.cwd())
    stacks = stack.everyone(folder)
    if arguments.stack:
        stack.known(folder, arguments.stack)
    from seaway.release import lock, release  # noqa: PLC0415 - not needed for a word that is wrong

    locks = {name: lock.read(folder, name) for name in stacks}
    files = {id_: release.read(folder, id_) for id_ in release.listed(folder)}
    asked, unknown = asyncio.run(_ask(folder, [arguments.stack] if arguments.stack else stacks))
    found = sorted(_rows(files, locks, asked), key=lambda row: (row["recorded"] or "", row["id"]), reverse=True)
    if arguments.json:
        print(json.dumps({"releases": found, "unknown": unknown}, indent=2, ensure_ascii=False))
        return command.DONE
    for name, why in unknown.items():
        print(f"seaway: stack {name}: {why}", file=sys.stderr)
    _show(found)
    return command.DONE


async def _ask(folder: Path, stacks: Sequence[str]) -> tuple[dict[str, Asked], dict[str, str]]:
    """All clusters at once, and why those cannot be asked that cannot."""
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    answers = await asyncio.gather(*(_answer(folder, name) for name in stacks))
    told = dict(zip(stacks, answers, strict=True))
    return (
        {name: one for name, one in told.items() if isinstance(one, Asked)},
        {name: one for name, one in told.items() if isinstance(one, str)},
    )


async def _answer(folder: Path, name: str) -> Asked | str:
    from seaway.cli import health  # noqa: PLC0415 - brings the client and rich
    from seaway.release import record_store  # noqa: PLC0415

    try:
        where = stack.named(folder, name)
        async with health.opened(where) as cluster:
            pointer = record_store.pointed(await cluster.find(record_store.path(where.namespace, record_store.POINTER)))
            records = await record_store.records(cluster, where.namespace)
    except (errors.Unavailable, diagnosis.Invalid) as error:
        return str(error)
    return Asked(runs=pointer.id if pointer else None, records=list(records.values()))


def _rows(
    files: "Mapping[str, release.Release]", locks: "Mapping[str, lock.Lock]", asked: Mapping[str, Asked]
) -> Iterator[dict[str, Any]]:
    """As ``--json`` prints them."""
    from seaway.release import record  # noqa: PLC0415 - as above

    entries = [entry for one in asked.values() for entry in one.records]
    pinned = {one.release for one in locks.values() if one.release}
    held = {each.release for one in locks.values() for each in one.held}
    for id_ in {*files, *(entry.release for entry in entries), *pinned, *held}:
        file, own = files.get(id_), [entry for entry in entries if entry.release == id_]
        came = file.provenance if file else own[0].provenance if own else None
        times = [entry.recorded for entry in own] + ([file.recorded] if file and file.recorded else [])
        yield {
            "id": id_,
            "recorded": min(times, default=None),
            "revision": came and came.revision,
            "dirty": bool(came and came.dirty),
            "file": file is not None,
            "pinned": [name for name, one in locks.items() if one.release == id_],
            "runs": [name for name, one in asked.items() if one.runs and record.release_of(one.runs) == id_],
            "healthy": [name for name, one in asked.items() if any(entry.release == id_ for entry in one.records)],
            "held": {name: each.because for name, one in locks.items() for each in one.held if each.release == id_},
        }


def _show(found: Sequence[Mapping[str, Any]]) -> None:
    from seaway.cli import display  # noqa: PLC0415 - brings rich

    if not found:
        print("no release yet: a pulumi up that succeeds records one, and seaway release promote gives it to others")
        return
    rows = [
        (
            row["id"],
            row["recorded"] or "-",
            f"{(row['revision'] or '-')[:REVISION]}{' (dirty)' if row['dirty'] else ''}",
            "yes" if row["file"] else "-",
            ", ".join(row["pinned"]) or "-",
            ", ".join(row["runs"]) or "-",
            "; ".join(f"{name}: {because}" for name, because in row["held"].items()) or "-",
        )
        for row in found
    ]
    display.write(display.screen(), display.columns(HEAD, rows))
