"""The checks, before anything is registered: warnings are shown where the run succeeds, errors refused."""

import asyncio
import datetime

import pulumi

from components import settings
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
        _warn_on_success("\n  ".join([head, *shown]))
    return results


def _warn_on_success(message: str) -> None:
    """Show a warning at the end of the program, and only if the run succeeds.

    Pulumi repeats every message of a run below it, grouped by resource in random order. In a failed run the warnings
    would hide the error. The task that runs the program ends without an exception only after the engine has said that
    nothing failed, deletions included; the engine waits for the program, so the message is still shown.
    """
    try:
        program = asyncio.current_task()
    except RuntimeError:
        program = None
    if program is None:
        pulumi.log.warn(message)
        return

    def show(ended: asyncio.Task[object]) -> None:
        if not ended.cancelled() and ended.exception() is None:
            pulumi.log.warn(message)

    program.add_done_callback(show)
