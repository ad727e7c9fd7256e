"""The checks, before anything is registered: warnings are shown, errors refused."""

import datetime

from components import messages, settings
from seaway.checks import engine
from seaway.manifests import offline
from seaway.model import problems
from seaway.release import lock

MOST = 10
"""Lines of warnings; `seaway check` shows all."""


def told(given: settings.Given) -> list[engine.Result]:
    """Run the checks on what this run is given, tell what is to be told, and return their results.

    What is not built yet will be deployed by its digest. After a rollback nothing is refused: a check that is newer
    than the release must not keep what is broken running.

    Raises:
        problems.Invalid: every finding that is an error here.
    """
    stack = given.settings
    there = given.release.given(stack.registry) if given.release else {}
    today = datetime.datetime.now(datetime.UTC).date()
    results = engine.run(given.app, stack, offline.rendered(given.app, stack, there), today)
    if not given.lock.back and (refused := [one for one in results if one.refused]):
        file = f"{lock.FOLDER}/{stack.stack}{lock.ENDING}" if given.release else stack.app
        raise problems.Invalid(engine.problem(one, problems.Place(file)) for one in refused)
    if lines := engine.lines(one for one in results if one.state not in ("passed", "waived")):
        shown = lines if len(lines) <= MOST else [*lines[: MOST - 1], f"... and {len(lines) - MOST + 1} more"]
        head = f"{engine.summary(results)}; all findings: seaway check --stack {stack.stack}"
        messages.warn("\n  ".join([head, *shown]))
    return results
