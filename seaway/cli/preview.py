"""``seaway preview``: what `pulumi up` would change, the impact on users, and whether the stack's policy allows it.

Exit codes: 0, allowed; 1, the preview failed; 2, the command line or the configuration is invalid; 5, blocked: an
outage or a data loss that the stack's policy blocks and no waiver covers, or a failed check.

``--markdown FILE`` writes the summary for a pull request comment: at most 60,000 characters, the first line is
``<!-- seaway preview STACK -->``. It is also written when the preview fails.

``--json`` prints one object::

    application, stack    strings
    source       what was compared
    changes      a list, the worst first
        what     added, changed, replaced (deleted, then created) or removed
        object   {kind, name}
        owner    the service, store or job; null: the whole application
        impact   none, rolling, outage or data loss
        reason   the reason for the impact
        blocked  whether the policy blocks it
        fields   a list of {path, old, new}; null: not there; values of secrets are never in it
    images       a list of {name, repository, old, new, why}: old and new are tags
    notes        warnings, waivers, limits of the comparison
    checks       {summary, refused, advice}: a string, and two lists of lines that begin with the id of a check
    errors       a list of strings; not empty: the preview failed, and the changes are incomplete
"""

import argparse
import os
from pathlib import Path

from seaway.cli import command, preview_run, stack
from seaway.syntax import diagnosis


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit codes: 0, allowed; 1, the preview failed; 5, blocked by the stack's policy or a check."
    stack.add_option(parser)
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write a summary for a pull request")
    command.add_json_option(parser, __name__)
    help_text = "render --base and the working tree and compare them, without cluster, Docker, secrets and Pulumi"
    parser.add_argument("--offline", action="store_true", help=help_text)
    help_text = "compare with this revision (HEAD^1, origin/main); without --offline only to explain image rebuilds"
    parser.add_argument("--base", metavar="REVISION", help=help_text)
    help_text = "in CI: allow a backend that is a file of this machine"
    parser.add_argument("--local-backend", action="store_true", help=help_text)


def run(arguments: argparse.Namespace) -> int:
    if arguments.offline and arguments.base is None:
        command.report("--offline requires a revision to compare with: --base HEAD^1")
        return command.USAGE_ERROR
    if arguments.offline and arguments.pulumi:
        command.report("--offline accepts no arguments for pulumi")
        return command.USAGE_ERROR
    target = stack.find_target(arguments)
    preview = preview_run.PreviewRun(target, base=arguments.base, markdown=arguments.markdown, as_json=arguments.json)
    try:
        if arguments.offline:
            return preview.compare_files()
        in_ci = os.environ.get("CI", "") in ("true", "1")
        return preview.run_pulumi(arguments.pulumi, require_shared_backend=in_ci and not arguments.local_backend)
    except diagnosis.InvalidInput as error:
        preview.write_failure(str(error))
        raise
