"""``seaway up``: runs pulumi up; a failure can restore the last healthy release.

Exit codes: 0, deployed; 1, failed; 3, failed, and the last healthy release is restored; 4, another update of the stack
runs; 130, interrupted.
"""

import argparse
import os
import sys

from seaway.cli import command, deployment, pulumi_cli, recovery, stack
from seaway.images import build_reports
from seaway.release import hold
from seaway.review import disks, pulumi_preview

PARTIAL_FLAGS = ("-t", "--target", "--target-replace", "--replace", "--exclude")
"""Flags of Pulumi for a part of the stack. A rollback restores all of it."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Exit codes: 0, deployed; 1, failed; 3, failed and the last healthy release is restored; 4, another update of"
        " the stack runs."
    )
    stack.add_option(parser)
    help_text = "on failure, restore the last healthy release and hold the failed one until the source changes"
    parser.add_argument("--rollback-on-failure", action="store_true", help=help_text)
    parser.add_argument("--retry", action="store_true", help="deploy a held release again")
    help_text = "first remove the lock and the pending operations that a killed pulumi left"
    parser.add_argument("--recover", action="store_true", help=help_text)
    help_text = "with --recover: remove the lock although Seaway cannot see whether its holder still runs"
    parser.add_argument("--force-unlock", action="store_true", help=help_text)
    help_text = "first run a preview, list the volumes that the change deletes, and allow exactly these deletions"
    parser.add_argument("--accept-data-loss", action="store_true", help=help_text)


def run(arguments: argparse.Namespace) -> int:
    if arguments.force_unlock and not arguments.recover:
        raise command.UsageError("--force-unlock requires --recover: seaway up --recover --force-unlock")
    partial = [word for word in arguments.pulumi if word.partition("=")[0] in PARTIAL_FLAGS]
    if arguments.rollback_on_failure and partial:
        raise command.UsageError(f"{partial[0]} conflicts with --rollback-on-failure, which restores the whole release")
    target = stack.find_target(arguments)
    if arguments.recover:
        recovery.recover(target, force_unlock=arguments.force_unlock)
    if arguments.accept_data_loss and (code := _accept_data_loss(target, arguments)):
        return code
    build_reports.clear(target.folder)
    deploying = deployment.Deployment(target, rollback=arguments.rollback_on_failure, pulumi_arguments=arguments.pulumi)
    code = deploying.run(retry=arguments.retry)
    build_reports.print_failures(target.folder)
    return code


def _accept_data_loss(target: stack.TargetStack, arguments: argparse.Namespace) -> int:
    """Accept the deletion of the volumes that a preview lists, for this process and its children; an exit code."""
    if arguments.retry:
        hold.remove_fallback(target.folder, target.lock_name)  # the preview must show the release that is deployed then
    command.report(f"pulumi preview of stack {target.name}: which volumes are deleted")
    args = ["preview", "--json", "--stack", target.name]
    code, printed = pulumi_cli.capture_stdout(target.folder, args, **{disks.LIST_VARIABLE: "true"})
    try:
        preview = pulumi_preview.parse(printed)
    except pulumi_preview.UnreadablePreview:
        print(printed.strip(), file=sys.stderr)
        return command.FAILURE
    for error in preview.errors:
        command.report(error)
    if code or preview.errors:
        return command.FAILURE
    deletions = disks.find_listed(preview.warnings)
    os.environ[disks.ACCEPT_VARIABLE] = ",".join(deletions)
    for line in deletions.values() or ["deletes no volume"]:
        command.report(f"accepted: {line}")
    return command.SUCCESS
