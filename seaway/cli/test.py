"""``seaway test``: tries what a deployed application promises. Needs only a kubeconfig.

``--json`` prints one object::

    application, stack, context, namespace    strings
    release      the id of the record of the release that was tested
    sha256       of that record in the cluster
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
import functools
from collections.abc import Iterator
from pathlib import Path

from rich import text

from seaway.acceptance import deployment, performance, results
from seaway.acceptance import run as acceptance_run
from seaway.cli import command, connection, display, stack, status_report
from seaway.files import writer
from seaway.manifests import names
from seaway.project import recorded_test

_DISTURB_HINT = "test it in another stack, or run only: --only communication,security"

HEADINGS = ("ROW", "WORKLOAD", "RESULT", "TRIED")
OUTCOME_COLOURS = {"passed": "green", "failed": "red", "declared": "yellow", "skipped": "yellow"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Exit codes: 0, everything passed; 1, something failed, or the cluster does not answer."
    stack.add_option(parser)
    command.add_json_option(parser, __name__)
    help_text = f"run only these rows, separated by commas: {', '.join(results.ROWS)}"
    parser.add_argument("--only", metavar="ROWS", type=_parse_rows, help=help_text)
    help_text = "also delete pods, restart services and send load: availability and performance"
    parser.add_argument("--disturb", action="store_true", help=help_text)
    defaults = performance.LoadLimits()
    for name, help_text, maximum in (
        ("seconds", "how long performance sends load to each service", 300),
        ("connections", "how many connections it uses at once", 500),
        ("rate", "how many requests a second it sends in all; 0: as many as are answered", 10_000),
    ):
        default = getattr(defaults, name)
        parse = functools.partial(_parse_number, maximum=maximum)
        parser.add_argument(f"--{name}", metavar="N", type=parse, default=default, help=f"{help_text} [{default}]")
    help_text = "write the result to environments/STACK.test.yaml, for a promotion that requires it"
    parser.add_argument("--record", action="store_true", help=help_text)
    parser.add_argument("--junit", metavar="FILE", type=Path, help="also write the results as JUnit XML")


def run(arguments: argparse.Namespace) -> int:
    target = stack.find_target(arguments)
    rows: tuple[results.Row, ...] = arguments.only or (results.ROWS if arguments.disturb else results.QUIET_ROWS)
    disturbing = [row for row in rows if row in results.DISTURBING_ROWS]
    if disturbing and not arguments.disturb:
        raise command.UsageError(f"{disturbing[0]} deletes pods or sends load; add --disturb if it may do so here")
    if disturbing and not stack.read_settings(target.folder, target.name, target.application_name).test.disturb:
        raise command.UsageError(f"stack {target.name} has seaway:test: {{disturb: false}}; {_DISTURB_HINT}")
    limits = performance.LoadLimits(
        seconds=max(arguments.seconds, 1), connections=max(arguments.connections, 1), rate=arguments.rate
    )
    report = asyncio.run(_test(target, rows, limits))
    if arguments.junit:
        writer.write_output(arguments.junit, results.format_junit(report, f"{target.app} {target.name}"))
    if arguments.record:
        recorded_test.write(target.folder, target.lock_name, _summarize(report))
        command.report(f"recorded in {recorded_test.format_path(target.lock_name)}; commit it")
    if arguments.json:
        command.print_json(status_report.target_to_json(target) | report.to_json())
    else:
        _print_report(target, report)
    return command.SUCCESS if report.passed else command.FAILURE


async def _test(
    target: stack.TargetStack, rows: tuple[results.Row, ...], limits: performance.LoadLimits
) -> results.Report:
    tested = command.format_time()
    async with connection.connect(target) as cluster:
        application = await deployment.Deployment.read(
            cluster, target.namespace, app_name=target.app, stack=target.name
        )
        image = stack.read_debug_image(target)
        quiet: list[results.Row] = [row for row in results.QUIET_ROWS if row in rows]
        disturbing: list[results.Row] = [row for row in results.DISTURBING_ROWS if row in rows]
        if disturbing and not await acceptance_run.may_disturb(application):
            message = f"namespace {target.namespace} has the annotation {names.DISTURB_ANNOTATION}: false"
            raise command.UsageError(f"{message}; {_DISTURB_HINT}")
        tried = await acceptance_run.run_probes(application, quiet, image, command.report) if quiet else []
        if disturbing:
            tried += await acceptance_run.run_disturbing(application, disturbing, image, limits, command.report)
    # A hint of the layers below does not know the stack.
    status = f"seaway status {target.options}"
    complete = [dataclasses.replace(result, hint=result.hint.replace("seaway status", status)) for result in tried]
    return results.Report(
        release=application.release, sha256=application.sha256, tested=tested, rows=rows, results=complete
    )


def _parse_number(text_: str, *, maximum: int) -> int:
    if not text_.isdecimal() or int(text_) > maximum:
        raise argparse.ArgumentTypeError(f"{text_!r} is not a number from 0 to {maximum}")
    return int(text_)


def _parse_rows(words: str) -> tuple[results.Row, ...]:
    names = words.split(",")
    if unknown := [name for name in names if name not in results.ROWS]:
        raise argparse.ArgumentTypeError(f"unknown row {unknown[0]!r}; the rows are: {', '.join(results.ROWS)}")
    return tuple(row for row in results.ROWS if row in names)


def _summarize(report: results.Report) -> recorded_test.RecordedTest:
    failed = tuple(row for row in report.rows if report.find("failed", row))
    return recorded_test.RecordedTest(
        release=report.release,
        sha256=report.sha256,
        tested=report.tested,
        passed=tuple(row for row in report.rows if row not in failed and report.find("passed", row)),
        failed=failed,
    )


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
            measured = [result for result in own if result.workload == workload and result.figures]
            counts = "; ".join(f"{result.code}: {result.message}" for result in measured) or counts
            yield row, workload, text.Text(worst, style=OUTCOME_COLOURS[worst]), counts
