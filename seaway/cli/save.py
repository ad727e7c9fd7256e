"""``seaway release save``: what runs in a stack, written to ``releases/<id>.yaml``. Needs a kubeconfig only."""

import argparse
from typing import TYPE_CHECKING

from seaway.cli import stack, verb

if TYPE_CHECKING:
    from seaway.release import release


def add(parsers: verb.Parsers) -> None:
    """The verb's command line."""
    told = "write the release that runs in a stack to releases/<id>.yaml, to be kept in git"
    parser = parsers.add_parser("save", help="write what runs to a file", description=told)
    stack.add(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write it.

    Raises:
        problems.Invalid: it is not clear which stack is meant, or there is another file of this release.
        errors.Unavailable: the cluster cannot be asked, or no release is recorded in it.
    """
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    where = stack.find(arguments)
    from seaway.release import release  # noqa: PLC0415 - not needed where it is not clear which stack is meant

    one = asyncio.run(_runs(where))
    path = release.file(where.folder, one.id)
    shown = path.relative_to(where.folder)
    there = path.exists()
    release.save(where.folder, one)
    print(f"{shown} is there already: nothing to do" if there else f"{shown} is written; commit it")
    return verb.DONE


async def _runs(where: stack.Stack) -> "release.Release":
    from seaway.cli import health  # noqa: PLC0415 - brings the client and rich
    from seaway.release import store  # noqa: PLC0415

    async with health.opened(where) as cluster:
        return await store.promoted(cluster, where.namespace, (await store.current(cluster, where.namespace)).id)
