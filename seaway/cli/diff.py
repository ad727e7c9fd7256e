"""``seaway diff``: compares two stacks by their files. Needs no cluster, Docker, Pulumi or secrets.

``--json`` prints ``{"app", "left", "right", "differences", "equal"}``. A difference is ``{"part", "field", "left",
"right"}``: ``part`` is ``release``, ``settings``, or a service, store or job (``services.web``); ``field`` is a key of
app.yaml or of the stack's file; null is a missing value; ``equal`` counts the equal fields. Of a secret only its source
is compared. A part that only one stack has is one difference with an empty field.

Exit codes: 0, compared; with ``--exit-code`` 1 if the stacks differ, like git diff.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from seaway.checks import all_checks
from seaway.cli import command, display, stack
from seaway.project import environments
from seaway.review import comparison
from seaway.syntax import diagnosis

DIFFERENT = 1


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("left", metavar="STACK", type=stack.parse_name)
    parser.add_argument("right", metavar="STACK", type=stack.parse_name)
    stack.add_application_option(parser)
    parser.add_argument("--exit-code", action="store_true", help="exit with code 1 if the stacks differ")
    command.add_json_option(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    names = (arguments.left, arguments.right)
    left, right = _read_views(stack.find_project_folder(Path.cwd()), names, arguments.application)
    result = comparison.compare(left, right)
    app_name = left.environment.app.name
    if arguments.json:
        differences = [
            {"part": row.section, "field": row.field, "left": row.left, "right": row.right} for row in result.rows
        ]
        document = {"app": app_name, "left": names[0], "right": names[1]}
        command.print_json({**document, "differences": differences, "equal": result.equal})
    else:
        _print_comparison(app_name, names, result)
    return DIFFERENT if result.rows and arguments.exit_code else command.SUCCESS


def _read_views(folder: Path, names: Sequence[str], application_name: str | None) -> list[comparison.EnvironmentView]:
    """Read both stacks. The errors of both are reported together."""
    views: list[comparison.EnvironmentView] = []
    diagnostics: list[diagnosis.Diagnostic] = []
    for name in names:
        try:
            stack.find_file(folder, name)
            environment = environments.load_environment(
                folder, name, application_name=application_name, check_ids=all_checks.IDS
            )
            views.append(comparison.EnvironmentView.create(environment))
        except diagnosis.InvalidInput as error:
            diagnostics += error.diagnostics
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)
    return views


def _print_comparison(app_name: str, names: Sequence[str], result: comparison.Comparison) -> None:
    total = command.count(len(result.rows), "difference") if result.rows else "no differences"
    stacks = " and ".join(f"stack {name}" for name in names)
    equal = f"{command.count(result.equal, 'field')} equal"
    display.print_line(f"{app_name} · {stacks} · {total}, {equal}")
    rows = (
        (row.section, row.field or display.EMPTY, display.format_value(row.left), display.format_value(row.right))
        for row in result.rows
    )
    display.print_table(("PART", "FIELD", *names), rows)
