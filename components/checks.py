"""The checks, before anything is registered: warnings are shown, errors refused."""

import datetime

from components import messages, release
from seaway.checks import check, engine
from seaway.manifests import preview
from seaway.project import release_lock
from seaway.syntax import diagnosis

MAX_WARNINGS = 10
"""Lines of warnings; `seaway check` shows all."""

ALWAYS_ENFORCED = (check.NODE_ACCESS, check.OUTSIDE_APPLICATION)
"""What a rollback does not deploy either."""


def run_checks(choice: release.ReleaseChoice) -> list[engine.Result]:
    """Run the checks on what this run deploys, tell what is to be told, and return their results.

    What is not built yet will be deployed by its digest. After a rollback only what opens the node or reaches beyond
    the application is refused: a check that is newer than the release must not keep what is broken running.

    Raises:
        diagnosis.InvalidInput: every finding that is an error here.
    """
    environment, stack = choice.stack_inputs.environment, choice.stack_inputs.environment.settings
    objects = choice.recorded_objects or preview.render_objects(environment.app, stack, choice.images)
    today = datetime.datetime.now(datetime.UTC).date()
    results = engine.run_checks(environment.app, stack, objects, today)
    refused = [one for one in results if one.is_refused]
    if choice.is_rollback:
        refused = [one for one in refused if one.check.default_severity in ALWAYS_ENFORCED]
    if refused:
        file = (
            f"{release_lock.FOLDER}/{stack.stack}{release_lock.FILE_SUFFIX}"
            if environment.release or choice.is_rollback
            else stack.app
        )
        raise diagnosis.InvalidInput(engine.make_diagnostic(one, diagnosis.SourceLocation(file)) for one in refused)
    if lines := engine.format_lines(one for one in results if one.state not in ("passed", "waived")):
        shown = (
            lines
            if len(lines) <= MAX_WARNINGS
            else [*lines[: MAX_WARNINGS - 1], f"... and {len(lines) - MAX_WARNINGS + 1} more"]
        )
        head = f"{engine.format_summary(results)}; all findings: seaway check --stack {stack.stack}"
        messages.warn("\n  ".join([head, *shown]))
    return results
