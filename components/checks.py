"""The checks, before anything is registered: warnings are shown, errors refused."""

import datetime

from components import messages, release
from seaway.checks import check, engine
from seaway.manifests import preview
from seaway.release import lock
from seaway.syntax import diagnosis

MOST = 10
"""Lines of warnings; `seaway check` shows all."""

ALWAYS_REFUSED = (check.NEVER, check.WIDE)
"""What a rollback does not deploy either."""


def told(choice: release.Choice) -> list[engine.Result]:
    """Run the checks on what this run deploys, tell what is to be told, and return their results.

    What is not built yet will be deployed by its digest. After a rollback only what opens the node or reaches beyond
    the application is refused: a check that is newer than the release must not keep what is broken running.

    Raises:
        problems.Invalid: every finding that is an error here.
    """
    given, stack = choice.given, choice.given.settings
    objects = choice.recorded or preview.rendered(given.app, stack, choice.images)
    today = datetime.datetime.now(datetime.UTC).date()
    results = engine.run(given.app, stack, objects, today)
    refused = [one for one in results if one.refused]
    if choice.is_rollback:
        refused = [one for one in refused if one.check.level in ALWAYS_REFUSED]
    if refused:
        file = f"{lock.FOLDER}/{stack.stack}{lock.ENDING}" if given.release or choice.is_rollback else stack.app
        raise diagnosis.Invalid(engine.problem(one, diagnosis.Place(file)) for one in refused)
    if lines := engine.lines(one for one in results if one.state not in ("passed", "waived")):
        shown = lines if len(lines) <= MOST else [*lines[: MOST - 1], f"... and {len(lines) - MOST + 1} more"]
        head = f"{engine.summary(results)}; all findings: seaway check --stack {stack.stack}"
        messages.warn("\n  ".join([head, *shown]))
    return results
