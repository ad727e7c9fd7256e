"""``seaway check``: runs the checks on a stack. Needs no cluster, Docker, Pulumi or secret values.

With ``--cluster`` it also reads, with the kubeconfig, whether the stack's cluster has what the application requires.

Exit codes: 0, nothing is refused; 1, a check with severity error failed, a waiver has expired, or the cluster misses a
requirement or cannot be reached; 2, the application or the stack's configuration is invalid, and no check runs.

``--json`` prints one object::

    application, stack    strings
    refused      whether the exit code is 1
    checks       a list: each finding, and each check without findings
        check        its id
        title        the rule
        severity     error or warning: the severity in this environment
        state        passed, failed, waived, expired (the waiver has expired) or unused (the waiver waives nothing)
        finding      null, or {owner, object, path, message, hint}: owner is null for the whole application
        waiver       null, or {reason, owner, until}
    warnings     a list of texts: files in build contexts that look like secrets
    requirements with --cluster only: a list
        code         its stable code
        title        the requirement
        workloads    the services, stores and jobs that need it; empty: all
        state        present, missing (the application will not run), warning or unknown
        message      the state of the cluster
        hint         the fix; empty if it is present
"""

import argparse
import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence

from rich import text

from seaway.checks import check_context, engine
from seaway.checks.preflight import cluster_facts, requirement, requirements
from seaway.cli import command, connection, display, stack, standalone
from seaway.images import build_inputs
from seaway.manifests import inputs, preview
from seaway.project import environments, passphrase
from seaway.release import promotion
from seaway.syntax import diagnosis

FINDING_HEADINGS = ("CHECK", "SEVERITY", "WORKLOAD", "FINDING", "FIX")
REQUIREMENT_HEADINGS = ("REQUIREMENT", "STATE", "WORKLOAD", "FINDING", "FIX")

STATE_COLOURS: Mapping[str, str] = {"present": "green", "missing": "red", "warning": "yellow", "unknown": "yellow"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = f"Exit codes: 0, nothing is refused; 1, refused. The checks: {diagnosis.format_help('checks')}"
    stack.add_option(parser)
    command.add_json_option(parser, __name__)
    help_text = "also check the stack's cluster for the application's requirements; reads only"
    parser.add_argument("--cluster", action="store_true", help=help_text)


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    diagnostics = passphrase.check(target.folder, target.name)
    try:
        environment = standalone.load_environment(target)
    except diagnosis.InvalidInput as error:
        raise diagnosis.InvalidInput([*diagnostics, *error.diagnostics]) from None
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)
    release = environment.release
    # Not preview.find_images: the checks need no build contexts, and run without them.
    images = inputs.resolve_release_images(release, environment.settings.registry) if release else {}
    rendered = preview.render_objects(environment, images)
    results = engine.run_checks(environment, rendered, command.get_today())
    is_refused = any(result.is_refused for result in results)
    context = check_context.CheckContext(environment=environment, objects=tuple(rendered))
    warnings = [str(warning) for warning in build_inputs.list_secret_files(environment)]
    requirement_results = asyncio.run(_check_requirements(target, context)) if arguments.cluster else []
    if arguments.json:
        document = {
            "application": environment.app.name,
            "stack": target.name,
            "refused": is_refused,
            "checks": [result.to_json() for result in results],
            "warnings": warnings,
        }
        if arguments.cluster:
            document["requirements"] = [result.to_json() for result in requirement_results]
        command.print_json(document)
    else:
        _print_findings(environment, results)
        _print_requirements(target.context, requirement_results)
        for warning in warnings:
            command.report(warning)
    for line in environment.source.list_unset_variables():
        command.report(f"warning: {line}")
    for line in environments.describe_file_secrets(environment):
        command.report(f"note: {line}")
    for line in environments.list_inferred_ports(environment):
        command.report(f"note: {line}; state it with `expose:`")
    _report_image_differences(target, environment)
    is_missing = any(result.is_missing for result in requirement_results)
    return command.FAILURE if is_refused or is_missing else command.SUCCESS


def _report_image_differences(target: stack.TargetStack, environment: environments.Environment) -> None:
    """Warn of the images that the stack before replaces, and this one does not."""
    before = environment.settings.promotion
    if environment.release is None or before is None:
        return
    with contextlib.suppress(diagnosis.InvalidInput):  # a promotion reports it
        source = stack.read_settings(target.folder, before.from_, target.application_name)
        for difference in promotion.list_image_differences(environment, source):
            command.report(f"warning: {difference}")


async def _check_requirements(
    target: stack.TargetStack, context: check_context.CheckContext
) -> list[requirement.Result]:
    needed = requirements.list_requirements(context)
    async with connection.connect(target) as cluster:
        answers = await cluster_facts.read_answers(cluster, (path for required in needed for path in required.paths))
    return [required.evaluate(answers) for required in needed]


def _print_findings(environment: environments.Environment, results: Sequence[engine.Result]) -> None:
    summary = engine.format_summary(results)
    display.print_line(f"{environment.app.name} · stack {environment.settings.stack} · {summary}")
    rows = (
        (
            result.check.id,
            result.outcome,
            finding.owner or "-",
            f"{finding.field_path}: {finding.message}",
            finding.hint,
        )
        for result in results
        if (finding := result.finding)
    )
    display.print_table(FINDING_HEADINGS, rows)


def _print_requirements(context: str, results: Sequence[requirement.Result]) -> None:
    if not results:
        return
    counts = Counter(result.outcome.state for result in results)
    summary = ", ".join(f"{counts[state]} {state}" for state in STATE_COLOURS if counts[state])
    display.print_line(f"context {context} · {command.count(len(results), 'requirement')}: {summary}")
    # The same result for many workloads is one row.
    workloads: dict[tuple[str, str, str, str], list[str]] = {}
    for result in results:
        outcome = result.outcome
        key = (result.requirement.title, outcome.state, outcome.message, outcome.hint or "-")
        workloads.setdefault(key, []).extend(result.requirement.workloads)
    rows = [
        (title, text.Text(state, style=STATE_COLOURS[state]), command.join_or_dash(dict.fromkeys(names)), message, hint)
        for (title, state, message, hint), names in workloads.items()
    ]
    display.print_table(REQUIREMENT_HEADINGS, rows)
