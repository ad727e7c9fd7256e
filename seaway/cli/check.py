"""``seaway check``: what the checks say of an environment. Needs no cluster, no Docker, no Pulumi, no secret's value.

Exit codes: 0, nothing is refused; 1, a check that is an error here failed, or a waiver has ended; 2, the application or
the stack's configuration is wrong.

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
"""

import argparse
import datetime
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seaway.cli import stack, verb

if TYPE_CHECKING:
    from seaway.checks import engine
    from seaway.release import project

HEAD = ("CHECK", "WEIGHT", "OF", "WHERE", "WHAT IS WRONG", "WAY OUT")
FOLDED = 3
"""Columns from here on are folded, not cut: half a way out is none."""


def add(parsers: verb.Parsers) -> None:
    """The verb's command line."""
    told = "what the checks say of an environment; exit code 0: nothing is refused, 1: something is. docs/checks.md"
    parser = parsers.add_parser("check", help="is it fit to be deployed?", description=told)
    stack.add(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object; its fields: pydoc seaway.cli.check")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the checks and show what they found.

    Raises:
        problems.Invalid: it is not clear which stack is meant, or its files are wrong.
    """
    where = stack.find(arguments)
    from seaway.checks import engine  # noqa: PLC0415 - other verbs need not wait for the manifests
    from seaway.manifests import offline  # noqa: PLC0415
    from seaway.release import project  # noqa: PLC0415

    one = project.of(where.folder, where.name)
    images = one.release.given(one.settings.registry) if one.release else {}
    today = datetime.datetime.now(datetime.UTC).date()
    results = engine.run(one.app, one.settings, offline.rendered(one.app, one.settings, images), today)
    refused = any(each.refused for each in results)
    if arguments.json:
        checks = [each.plain() for each in results]
        shown = {"application": one.app.name, "stack": where.name, "refused": refused, "checks": checks}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        _show(one, engine.summary(results), results)
    return verb.FAILED if refused else verb.DONE


def _show(one: "project.Project", summary: str, results: "Sequence[engine.Result]") -> None:
    from rich import text  # noqa: PLC0415 - 0.1 s that a program need not wait for

    from seaway.cli import display  # noqa: PLC0415

    screen = display.screen()
    display.write(screen, text.Text(f"{one.app.name} · stack {one.settings.stack} · {summary}"))
    rows = [
        (each.check.id, each.told, found.owner or "-", found.where, found.wrong, found.remedy)
        for each in results
        if (found := each.finding)
    ]
    if not rows:
        return
    table = display.columns(HEAD, rows)
    for column in table.columns[FOLDED:]:
        column.no_wrap, column.overflow = False, "fold"
    display.write(screen, table)
