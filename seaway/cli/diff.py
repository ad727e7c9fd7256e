"""``seaway diff``: what differs between two stacks, from their files.

``--json`` prints ``{"app", "left", "right", "differences", "equal"}``. A difference is ``{"part", "field", "left",
"right"}``: ``part`` is ``release``, ``settings``, or a service, store or job (``services.web``); ``field`` is in the
words of app.yaml and of the stack's file; null is what is not there; ``equal`` counts the fields that do not differ. Of
a secret there is only how its value comes about. A part that only one stack has is one difference with an empty field.

Exit codes: 0, compared; with ``--exit-code`` 1 where they differ, as git diff has it.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seaway.cli import command, stack
from seaway.syntax import diagnosis

if TYPE_CHECKING:
    from seaway.review import comparison

DIFFERENT = 1


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "what differs between two stacks, from their files: no cluster, no Docker, no Pulumi, no secrets"
    parser = parsers.add_parser("diff", help="what differs between two stacks", description=told)
    parser.add_argument("left", metavar="STACK")
    parser.add_argument("right", metavar="STACK")
    parser.add_argument("--exit-code", action="store_true", help="exit code 1 where they differ")
    parser.add_argument("--json", action="store_true", help="for a program to read")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show what differs; the exit code.

    Raises:
        diagnosis.InvalidInput: there is no such stack, or its files are wrong.
    """
    names = (arguments.left, arguments.right)
    folder = stack.find_project_folder(Path.cwd())
    left, right = _read_views(folder, names)
    from seaway.review import comparison  # noqa: PLC0415 - for those who compare

    found = comparison.compare(left, right)
    if arguments.json:
        print(json.dumps(to_json(left.app.name, names, found), indent=2, ensure_ascii=False))
    else:
        _print_comparison(left.app.name, names, found)
    return DIFFERENT if found.rows and arguments.exit_code else command.SUCCESS


def to_json(app_name: str, names: Sequence[str], result: "comparison.Comparison") -> dict[str, Any]:
    """As ``--json`` prints it."""
    left, right = names
    differences = [
        {"part": row.section, "field": row.field, "left": row.left, "right": row.right} for row in result.rows
    ]
    return {"app": app_name, "left": left, "right": right, "differences": differences, "equal": result.equal}


def _read_views(folder: Path, names: Sequence[str]) -> "list[comparison.EnvironmentView]":
    """All that is wrong with either is told together."""
    from seaway.checks import registry  # noqa: PLC0415 - for those who compare
    from seaway.project import environments  # noqa: PLC0415
    from seaway.review import environment_views  # noqa: PLC0415 - for those who compare

    read: list[comparison.EnvironmentView] = []
    wrong: list[diagnosis.Diagnostic] = []
    for name in names:
        try:
            stack.find_file(folder, name)
            read.append(
                environment_views.create_view(environments.load_environment(folder, name, check_ids=registry.IDS))
            )
        except diagnosis.InvalidInput as error:
            wrong += [one for one in error.diagnostics if one not in wrong]
    if wrong:
        raise diagnosis.InvalidInput(wrong)
    return read


def _print_comparison(app_name: str, names: Sequence[str], result: "comparison.Comparison") -> None:
    from rich import text  # noqa: PLC0415 - 0.1 s that a program need not wait for

    from seaway.cli import display  # noqa: PLC0415

    screen = display.create_screen()
    differ = (
        f"{len(result.rows)} {'differs' if len(result.rows) == 1 else 'differ'}" if result.rows else "nothing differs"
    )
    told = f"{app_name} · {' and '.join(f'stack {name}' for name in names)} · {differ}, {result.equal} the same"
    display.write(screen, text.Text(told))
    if result.rows:
        rows = [
            (row.section, row.field or "-", display.format_value(row.left), display.format_value(row.right))
            for row in result.rows
        ]
        display.write(screen, display.build_table(("PART", "FIELD", *names), rows))
