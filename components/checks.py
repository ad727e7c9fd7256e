"""The checks before anything is registered: warnings are shown, errors are refused."""

import datetime
from collections.abc import Sequence

from seaway.checks import check, engine
from seaway.manifests import objects, preview
from seaway.project import environments, release_lock
from seaway.syntax import diagnosis

from . import messages, release

MAX_WARNINGS = 10
"""Lines of warnings. `seaway check` shows all."""

ALWAYS_ENFORCED = (check.NODE_ACCESS, check.OUTSIDE_APPLICATION)
"""Severities that also apply to a rollback."""


def find_refusals(environment: environments.Environment) -> list[diagnosis.Diagnostic]:
    """The findings that are errors in an environment whose images cannot be built."""
    today = datetime.datetime.now(datetime.UTC).date()
    results = engine.run_checks(environment, preview.render_objects(environment, {}), today)
    location = diagnosis.SourceLocation(environment.settings.app)
    return [engine.make_diagnostic(result, location) for result in results if result.is_refused]


def check_objects(
    environment: environments.Environment,
    release_objects: Sequence[objects.ReleaseObject],
    *,
    is_rollback: bool = False,
    command: str = "",
) -> list[engine.Result]:
    """Run the checks, show warnings, and return the results.

    A rollback is refused only for access to the node or beyond the application: a check that is newer than the release
    must not keep a broken release running.

    Args:
        command: shows all findings; empty: there is none, and all warnings are shown.

    Raises:
        diagnosis.InvalidInput: every finding that is an error here.
    """
    results = engine.run_checks(environment, release_objects, datetime.datetime.now(datetime.UTC).date())
    refused = [result for result in results if result.is_refused]
    if is_rollback:
        refused = [result for result in refused if result.check.default_severity in ALWAYS_ENFORCED]
    if refused:
        has_lock_file = environment.release or is_rollback
        stack_settings = environment.settings
        file = release_lock.format_path(environment.lock_name) if has_lock_file else stack_settings.app
        location = diagnosis.SourceLocation(file)
        raise diagnosis.InvalidInput(engine.make_diagnostic(result, location) for result in refused)
    if lines := engine.format_lines(result for result in results if result.state not in ("passed", "waived")):
        if command and len(lines) > MAX_WARNINGS:
            lines = [*lines[: MAX_WARNINGS - 1], f"... and {len(lines) - MAX_WARNINGS + 1} more"]
        head = engine.format_summary(results)
        head = f"{head}; all findings: {command}" if command else f"{environment.app.name}: {head}"
        messages.warn("\n  ".join([head, *lines]))
    return results


def run_checks(choice: release.ReleaseChoice) -> list[engine.Result]:
    """Run the checks on the objects of this run, show warnings and notes, and return the results.

    Raises:
        diagnosis.InvalidInput: every finding that is an error here.
    """
    environment = choice.stack_inputs.environment
    command = f"seaway check {environment.options}"
    results = check_objects(environment, choice.release_objects, is_rollback=choice.is_rollback, command=command)
    for line in environment.source.list_unset_variables():
        messages.warn(line)
    for line in environments.describe_file_secrets(environment):
        messages.info(line)
    if ports := environments.list_inferred_ports(environment):
        head = "ports that the Compose file does not state (state them with `expose:`):"
        messages.info("\n  ".join([head, *ports]))
    return results
