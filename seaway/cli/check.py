"""``seaway check``: what the checks say of an environment. Needs no cluster, no Docker, no Pulumi, no secret's value.

With ``--cluster`` it also reads, with the kubeconfig, what the stack's cluster lacks of what the application needs.

Exit codes: 0, nothing is refused; 1, a check that is an error here failed, a waiver has ended, or the cluster lacks
something or cannot be asked; 2, the application or the stack's configuration is wrong.

``--json`` prints one object::

    application, stack    texts
    refused      whether the exit code is 1
    checks       a list, one for each finding, and one for each check without any
        check        its id
        title        what it asks for
        severity     error or warning: how much it weighs in this environment
        state        passed, failed, waived, expired (its waiver has ended), or idle (its waiver waives nothing)
        finding      null, or {owner, object, path, wrong, remedy}: owner is null for the whole application
        waiver       null, or {reason, owner, until}
    needs        with --cluster only: a list, one for each thing that is needed of the cluster
        what         what is needed
        of           the services, stores and jobs that need it; empty: all of them
        state        there, lacking (it will not run), warning (not as it is meant to), or unknown (it cannot be told)
        told         what was found
        remedy       the way out; empty where it is there
"""

import argparse
import datetime
import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seaway.cli import command, stack

if TYPE_CHECKING:
    from seaway.checks import check_context, engine
    from seaway.checks.preflight import requirement
    from seaway.project import environments

FINDING_HEADINGS = ("CHECK", "WEIGHT", "OF", "WHERE", "WHAT IS WRONG", "WAY OUT")
FIRST_FOLDED_COLUMN = 3
"""Columns from here on are folded, not cut: half a way out is none."""

STATE_COLOURS = {"present": "green", "missing": "red", "warning": "yellow", "unknown": "yellow"}
REQUIREMENT_HEADINGS = ("THE CLUSTER'S", "STATE", "FOR", "TOLD", "WAY OUT")


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "what the checks say of an environment; exit code 0: nothing is refused, 1: something is. docs/checks.md"
    parser = parsers.add_parser("check", help="is it fit to be deployed?", description=told)
    stack.add_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object; its fields: pydoc seaway.cli.check")
    told = "also ask the stack's cluster for what the application needs of it; reads only, with the kubeconfig"
    parser.add_argument("--cluster", action="store_true", help=told)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the checks and show what they found.

    Raises:
        diagnosis.InvalidInput: it is not clear which stack is meant, or its files are wrong.
        errors.Unavailable: the cluster is to be asked, and cannot be.
    """
    import asyncio  # noqa: PLC0415 - a tenth of the start of every verb

    where = stack.find_target(arguments)
    from seaway.checks import check_context, engine, registry  # noqa: PLC0415 - other verbs need not wait for the manifests
    from seaway.manifests import inputs, preview  # noqa: PLC0415
    from seaway.project import environments  # noqa: PLC0415

    one = environments.load_environment(where.folder, where.name, check_ids=registry.IDS)
    images = inputs.resolve_release_images(one.release, one.settings.registry) if one.release else {}
    objects = preview.render_objects(one, images)
    results = engine.run_checks(one, objects, datetime.datetime.now(datetime.UTC).date())
    refused = any(each.is_refused for each in results)
    seen = check_context.CheckContext(environment=one, objects=tuple(objects))
    needs = asyncio.run(_check_requirements(where, seen)) if arguments.cluster else []
    if arguments.json:
        checks = [each.to_json() for each in results]
        shown = {"application": one.app.name, "stack": where.name, "refused": refused, "checks": checks}
        shown |= {"needs": [each.to_json() for each in needs]} if arguments.cluster else {}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        _print_findings(one, engine.format_summary(results), results)
        _print_requirements(one.settings.context, needs)
    return command.FAILURE if refused or any(each.is_missing for each in needs) else command.SUCCESS


async def _check_requirements(
    target: stack.TargetStack, context: "check_context.CheckContext"
) -> "list[requirement.Result]":
    from seaway.checks.preflight import cluster_facts, requirements  # noqa: PLC0415
    from seaway.cli import health  # noqa: PLC0415 - brings the client

    wanted = requirements.list_requirements(context)
    async with health.connect(target) as asked:
        answers = await cluster_facts.read_answers(asked, (path for each in wanted for path in each.paths))
    return [each.evaluate(answers) for each in wanted]


def _print_findings(environment: "environments.Environment", summary: str, results: "Sequence[engine.Result]") -> None:
    from rich import text  # noqa: PLC0415 - 0.1 s that a program need not wait for

    from seaway.cli import display  # noqa: PLC0415

    screen = display.create_screen()
    display.write(screen, text.Text(f"{environment.app.name} · stack {environment.settings.stack} · {summary}"))
    rows = [
        (each.check.id, each.outcome, found.owner or "-", found.field_path, found.message, found.hint)
        for each in results
        if (found := each.finding)
    ]
    if not rows:
        return
    table = display.build_table(FINDING_HEADINGS, rows)
    for column in table.columns[FIRST_FOLDED_COLUMN:]:
        column.no_wrap, column.overflow = False, "fold"
    display.write(screen, table)


def _print_requirements(context: str, results: "Sequence[requirement.Result]") -> None:
    if not results:
        return
    from rich import text  # noqa: PLC0415 - as above

    from seaway.cli import display  # noqa: PLC0415

    screen = display.create_screen()
    counted = Counter(each.outcome.state for each in results)
    told = ", ".join(f"{counted[state]} {state}" for state in STATE_COLOURS if counted[state])
    display.write(screen, text.Text(f"context {context} · {len(results)} needs: {told}"))
    # What is the same for twenty services is one line.
    alike: dict[tuple[str, str, str, str], list[str]] = {}
    for each in results:
        said = each.outcome
        alike.setdefault((each.requirement.title, said.state, said.message, said.hint or "-"), []).extend(
            each.requirement.workloads
        )
    rows = [
        (what, text.Text(state, style=STATE_COLOURS[state]), ", ".join(dict.fromkeys(of)) or "-", told, remedy)
        for (what, state, told, remedy), of in alike.items()
    ]
    table = display.build_table(REQUIREMENT_HEADINGS, rows)
    for column in table.columns[2:]:
        column.no_wrap, column.overflow = False, "fold"
    display.write(screen, table)
