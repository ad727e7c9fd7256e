"""``seaway release save``: what runs in a stack, written to ``releases/<id>.yaml``. It comes from the stack's state."""

import argparse

from seaway.cli import command, stack


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "write the release that runs in a stack to releases/<id>.yaml, to be kept in git"
    parser = parsers.add_parser("save", help="write what runs to a file", description=told)
    stack.add_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write it.

    Raises:
        diagnosis.InvalidInput: it is not clear which stack is meant, or there is another file of this release.
        errors.Unavailable: the stack's state cannot be read, or has no release.
    """
    where = stack.find_target(arguments)
    from seaway.cli import vouchers  # noqa: PLC0415 - not needed where it is not clear which stack is meant
    from seaway.project import release, release_lock  # noqa: PLC0415

    one = vouchers.read_state(where).build_release()
    path = release.get_path(where.folder, one.id)
    shown = path.relative_to(where.folder)
    there = path.exists()
    pinned = release_lock.read(where.folder, where.name)
    release.save_release(where.folder, one, pinned.sha256 if pinned.release == one.id else None)
    print(f"{shown} is there already: nothing to do" if there else f"{shown} is written; commit it")
    return command.SUCCESS
