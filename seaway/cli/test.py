"""``seaway test``: tries what a deployed application promises. Needs only a kubeconfig.

``--json`` prints one object::

    application, stack, context, namespace    strings
    release      the id of the record of the release that was tested
    sha256       of that record
    tested       when the run began, in UTC: 2026-03-01T10:00:00Z
    passed       whether something was tried, and nothing failed; the exit code is 0 then, otherwise 1
    rows         a list of {row, passed}: communication, availability, security or performance
    results      a list
        row, workload   strings
        code         what was tried; it never changes: docs/test.md lists them
        subject      the target, the container or the disturbance
        outcome      passed, failed, declared (the application permits it) or skipped (nothing was tried)
        message, hint   empty if it passed
        figures      what was measured
"""

import argparse
import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from rich import text

from seaway.acceptance import deployment, results
from seaway.acceptance import run as acceptance_run
from seaway.cli import command, connection, display, stack, status_report
from seaway.files import writer

HEADINGS = ("ROW", "WORKLOAD", "RESULT", "TRIED")
OUTCOME_COLOURS = {"passed": "green", "failed": "red", "declared": "yellow", "skipped": "yellow"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit codes: 0, everything passed; 1, something failed, or the cluster does not answer."
    stack.add_option(parser)
    command.add_json_option(parser, __name__)
    help_text = f"run only these rows, separated by commas: {', '.join(results.ROWS)}"
    parser.add_argument("--only", metavar="ROWS", type=_parse_rows, help=help_text)
    parser.add_argument("--junit", metavar="FILE", type=Path, help="also write the results as JUnit XML")


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    default: tuple[results.Row, ...] = tuple(row for row in results.ROWS if row not in results.DISTURBING_ROWS)
    rows = arguments.only or default
    report = asyncio.run(_test(target, rows))
    if arguments.junit:
        writer.write_output(arguments.junit, results.format_junit(report, f"{target.app} {target.name}"))
    if arguments.json:
        command.print_json(status_report.target_to_json(target) | report.to_json())
    else:
        _print_report(target, report)
    return command.SUCCESS if report.passed else command.FAILURE


async def _test(target: stack.TargetStack, rows: tuple[results.Row, ...]) -> results.Report:
    tested = command.format_time()
    async with connection.connect(target) as cluster:
        application = await deployment.Deployment.read(
            cluster, target.namespace, app_name=target.app, stack=target.name
        )
        image = stack.read_debug_image(target)
        tried = await acceptance_run.run_probes(application, rows, image, command.report)
    # A hint of the layers below does not know the stack.
    status = f"seaway status {target.options}"
    complete = [dataclasses.replace(result, hint=result.hint.replace("seaway status", status)) for result in tried]
    return results.Report(
        release=application.release, sha256=application.sha256, tested=tested, rows=rows, results=complete
    )


def _parse_rows(words: str) -> tuple[results.Row, ...]:
    names = words.split(",")
    if unknown := [name for name in names if name not in results.ROWS]:
        raise argparse.ArgumentTypeError(f"unknown row {unknown[0]!r}; the rows are: {', '.join(results.ROWS)}")
    return tuple(row for row in results.ROWS if row in names)


def _print_report(target: stack.TargetStack, report: results.Report) -> None:
    heading = (target.app, f"stack {target.name}", f"context {target.context}", f"release {report.release}")
    display.print_line(" · ".join(heading))
    display.print_table(HEADINGS, _list_cells(report))
    for result in (*report.find("failed"), *report.find("declared"), *report.find("skipped")):
        hint = f"; {result.hint}" if result.hint else ""
        line = command.complete_commands(f"{result.code}: {result.message}{hint}")
        display.print_line(text.Text(f"{result.outcome} ", style=OUTCOME_COLOURS[result.outcome]).append(line))


def _list_cells(report: results.Report) -> Iterator[tuple[str | text.Text, ...]]:
    """One line for each row and workload."""
    for row in report.rows:
        own = [result for result in report.results if result.row == row]
        for workload in dict.fromkeys(result.workload for result in own):
            outcomes = results.count_outcomes(result for result in own if result.workload == workload)
            worst = next(outcome for outcome in ("failed", "declared", "passed", "skipped") if outcome in outcomes)
            counts = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
            yield row, workload, text.Text(worst, style=OUTCOME_COLOURS[worst]), counts
