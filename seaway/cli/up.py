"""``seaway up``: pulumi up, and where it fails the last good release put back.

Exit codes: 0, deployed; 1, failed; 3, failed, and the last good release runs; 130, interrupted by the user.
"""

import argparse
import os
import sys

from seaway.cli import command, pulumi_cli, recovery, stack
from seaway.release import hold
from seaway.review import disks, pulumi_preview


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "pulumi up, then what runs; exit code 0: deployed, 1: failed, 3: failed, and the last good release is back"
    parser = parsers.add_parser("up", help="deploy, and go back where it fails", description=told)
    stack.add_option(parser)
    back = "where it fails, put the last good release back and hold the failed one, until the source changes"
    parser.add_argument("--rollback-on-failure", action="store_true", help=back)
    parser.add_argument("--retry", action="store_true", help="try a release again that is held back")
    recover = "first clear away what a killed pulumi left: its lock, and the operations that were under way"
    parser.add_argument("--recover", action="store_true", help=recover)
    stale = "with --recover: whoever holds the lock is gone, though that cannot be seen from here"
    parser.add_argument("--stale-lock", action="store_true", help=stale)
    accept = "run a preview first, list the disks that the change deletes, and let exactly these be deleted"
    parser.add_argument("--accept-data-loss", action="store_true", help=accept)
    parser.add_argument("pulumi", nargs="*", metavar="-- ARGUMENT", help="handed to pulumi up as they are")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Deploy; the exit code.

    Raises:
        diagnosis.InvalidInput: it is not clear which stack is meant, or a lock file is wrong.
        errors.Unavailable: the cluster cannot be asked.
    """
    if arguments.stale_lock and not arguments.recover:
        print("seaway: --stale-lock says something to --recover: seaway up --recover --stale-lock", file=sys.stderr)
        return command.USAGE_ERROR
    where = stack.find_target(arguments)
    if arguments.recover and (why := recovery.recover(where, force_unlock=arguments.stale_lock)):
        print(f"seaway: {why}", file=sys.stderr)
        return command.FAILURE
    if arguments.accept_data_loss and (code := _accept_data_loss(where, arguments)):
        return code
    from seaway.cli import deployment  # noqa: PLC0415 - brings the client and rich: 0.3 s that others need not pay

    chosen = deployment.Deployment(where, rollback=arguments.rollback_on_failure, pulumi_arguments=arguments.pulumi)
    return chosen.run(retry=arguments.retry)


def _accept_data_loss(target: stack.TargetStack, arguments: argparse.Namespace) -> int:
    """Accept the loss of the disks that a preview lists, for this process and what it starts; an exit code, or 0."""
    if arguments.retry:
        hold.remove_fallback(target.folder, target.name)  # the preview must be of what is deployed then
    print(f"seaway: pulumi preview of stack {target.name}: which disks are deleted", file=sys.stderr, flush=True)
    words = ["preview", "--json", "--stack", target.name]
    code, printed = pulumi_cli.capture_stdout(target.folder, words, **{disks.LIST_VARIABLE: "true"})
    try:
        found = pulumi_preview.parse(printed)
    except pulumi_preview.UnreadablePreview:
        print(printed.strip(), file=sys.stderr)
        return command.FAILURE
    for error in found.errors:
        print(f"seaway: {error}", file=sys.stderr)
    if code or found.errors:
        return command.FAILURE
    listed = disks.find_listed(found.warnings)
    os.environ[disks.ACCEPT_VARIABLE] = ",".join(listed)
    for line in listed.values() or ["deletes no disk"]:
        print(f"seaway: accepted: {line}", file=sys.stderr, flush=True)
    return command.SUCCESS
