"""``seaway preview``: what `pulumi up` would change, what that does to those who use it, and whether it may.

Exit codes: 0, it may; 1, the preview failed; 2, the command line or the configuration is wrong; 5, blocked: an outage
or a loss of data that the stack's policy does not allow and no waiver covers, or a check that is refused here.

``--markdown FILE`` writes the summary for a comment of a pull request: at most 60,000 characters, its first line is
``<!-- seaway preview STACK -->``. It is written too where the preview fails, and says so.

``--json`` prints one object::

    application, stack    texts
    source       what was compared
    changes      a list, the worst first
        what     added, changed, replaced (deleted first, then made anew) or removed
        object   {kind, name}
        owner    the service, store or job; null: the whole application
        impact   none, rolling, outage or data loss
        reason   why, in words
        blocked  whether the policy blocks it
        fields   a list of {path, old, new}; null is what is not there; values of secrets are never in it
    images       a list of {name, repository, old, new, why}: old and new are tags
    notes        warnings, waivers, what could not be known
    checks       {summary, refused, advice}: a text, and two lists of lines that begin with the id of a check
    errors       a list of texts; not empty where the preview failed: the changes are those found until then
"""

import argparse
import os
import sys
from pathlib import Path

from seaway.cli import command, stack
from seaway.syntax import diagnosis


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = (
        "what pulumi up would change, and whether it rolls, interrupts or loses data; exit code 0: it may, 1: the"
        " preview failed, 5: blocked by the stack's policy or a check"
    )
    parser = parsers.add_parser("preview", help="what a change would do, and whether it may", description=told)
    stack.add_option(parser)
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the summary for a pull request")
    parser.add_argument("--json", action="store_true", help="one JSON object; its fields: pydoc seaway.cli.preview")
    offline = "without cluster, Docker, secrets and Pulumi: render --base and the working tree, and compare them"
    parser.add_argument("--offline", action="store_true", help=offline)
    base = "the revision to compare with (HEAD^1, origin/main); without --offline only to say why an image is rebuilt"
    parser.add_argument("--base", metavar="REVISION", help=base)
    local = "in CI: the state in a file of this machine is meant to be the stack's"
    parser.add_argument("--local-backend", action="store_true", help=local)
    parser.add_argument("pulumi", nargs="*", metavar="-- ARGUMENT", help="handed to pulumi preview as they are")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show it; the exit code.

    Raises:
        diagnosis.InvalidInput: it is not clear which stack is meant, its files are wrong, there is no such revision, or CI
            has no backend but its own disk.
    """
    if arguments.offline and (arguments.base is None or arguments.pulumi):
        wrong = "takes no arguments of pulumi" if arguments.base else "needs a revision to compare with: --base HEAD^1"
        print(f"seaway: --offline {wrong}", file=sys.stderr)
        return command.USAGE_ERROR
    where = stack.find_target(arguments)
    from seaway.cli import preview_run  # noqa: PLC0415 - brings the manifests and rich: others need not pay

    review = preview_run.PreviewRun(where, base=arguments.base, markdown=arguments.markdown, as_json=arguments.json)
    try:
        if arguments.offline:
            return review.compare_files()
        in_ci = os.environ.get("CI", "") in ("true", "1")
        return review.run_pulumi(arguments.pulumi, require_shared_backend=in_ci and not arguments.local_backend)
    except diagnosis.InvalidInput as error:
        review.write_failure(str(error))
        raise
