"""``seaway import docker-compose.yml``: a compose file as app.yaml, with what becomes of each of its keys.

The table has what is not kept as it was written: approximated (how), dropped (why, and what to do) or refused; and what
is added, since Kubernetes wants to know what compose does not say. With
refusals nothing is written: mend them, or waive them in the service with ``x-seaway: {waive: {privileged: <reason>}}``.

Files are read inside the project of the working directory, or below that directory where there is no project.

Exit codes: 0, imported; 1, something is refused, or lost and ``--strict`` is given; 2, the compose file is wrong, or
the file to write is there.

``--json`` prints one object::

    application  its name
    written      the file that was written, or null
    counts       an object: kept, added, approximated, dropped, refused
    strict       whether a loss is a failure
    keys         a list, one for each key, and for what a service does not say and gets
        file, line, column
        key          its path
        kind         kept, added, approximated, dropped or refused
        how          how, or why
        remedy       the way out
    app          the application as app.yaml has it
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seaway.cli import command
from seaway.files import roots
from seaway.syntax import diagnosis, nodes

if TYPE_CHECKING:
    from seaway.compose import report

HEADINGS = ("LINE", "KEY", "WHAT", "HOW", "WAY OUT")
KIND_COLOURS = {"kept": "green", "added": "cyan", "approximated": "yellow", "dropped": "magenta", "refused": "red"}


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "write a compose file as app.yaml, and tell what becomes of each key"
    parser = parsers.add_parser("import", help="docker-compose.yml to app.yaml", description=told)
    parser.add_argument("file", nargs="+", metavar="FILE", help="compose files, each laid over the one before")
    parser.add_argument("--out", metavar="FILE", help="where to write it; - is stdout [beside it: app.yaml or app.py]")
    parser.add_argument("--python", action="store_true", help="write a program in Python [YAML]")
    parser.add_argument("--name", metavar="NAME", help="name of the application [that of the project]")
    parser.add_argument("--profile", action="append", default=[], metavar="P", help="also what has this profile")
    parser.add_argument("--all", action="store_true", help="the table has the keys that are kept, too")
    parser.add_argument("--strict", action="store_true", help="fail if anything is lost, and write nothing then")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object; its fields: pydoc seaway.cli.import_compose"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import it.

    Raises:
        diagnosis.InvalidInput: the compose file is wrong, or the file to write is there.
    """
    from seaway.compose import report  # noqa: PLC0415 - not needed for a word that is wrong
    from seaway.compose.importer import convert, write  # noqa: PLC0415
    from seaway.compose.loader import loader  # noqa: PLC0415 - not needed for a word that is wrong

    files = [Path(name) for name in arguments.file]
    within = roots.find_working_root()
    for file in files:
        if not within.exists(file):
            raise diagnosis.InvalidInput(
                [
                    diagnosis.Diagnostic(
                        diagnosis.SourceLocation(str(file)), "", "there is no such file", "name one that is there"
                    )
                ]
            )
    document = loader.load(files, within=within, profiles=arguments.profile)
    above = files[0].parent
    found = convert.convert_document(
        document.root, name=arguments.name, folder=above, within=within, outcomes=document.outcomes
    )
    refused = report.list_refusals(found.outcomes)
    lossy = any(one.kind in report.LOSSY_KINDS for one in found.outcomes)
    fails = bool(refused) or (arguments.strict and lossy)
    source = ", ".join(file.name for file in files)
    target = None if fails else _choose_output_file(arguments, files[0])
    if not fails:
        text = (
            write.format_python(found.app, source=source)
            if arguments.python
            else write.format_yaml(found.app, found.outcomes, source=source)
        )
        if target is None:
            if not arguments.json:
                sys.stdout.write(text)
        else:
            target.write_text(text)
    if arguments.json:
        shown = {
            "application": nodes.to_plain(found.app)["name"],
            "written": str(target) if target else None,
            "counts": report.count_by_kind(found.outcomes),
            "strict": arguments.strict,
            "keys": [one.to_json() for one in found.outcomes],
            "app": nodes.to_plain(found.app),
        }
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        told = [one for one in found.outcomes if arguments.all or one.kind != "kept"]
        print_report(told, report.summarize(found.outcomes), source, to_stderr=not fails and target is None)
        if target is not None:
            print(f"written: {target}")
        for name in document.inactive_services:
            print(f"seaway: {name} is left out: none of its profiles was asked for (--profile)", file=sys.stderr)
    return command.FAILURE if fails else command.SUCCESS


def _choose_output_file(arguments: argparse.Namespace, first: Path) -> Path | None:
    """None: stdout."""
    if arguments.out == "-":
        return None
    target = Path(arguments.out) if arguments.out else first.with_name("app.py" if arguments.python else "app.yaml")
    if os.path.lexists(target) and not arguments.force:
        remedy = "--out FILE writes another, --force this one"
        raise diagnosis.InvalidInput(
            [diagnosis.Diagnostic(diagnosis.SourceLocation(str(target)), "", "is there already", remedy)]
        )
    if not target.parent.is_dir():
        raise diagnosis.InvalidInput(
            [
                diagnosis.Diagnostic(
                    diagnosis.SourceLocation(str(target)), "", "its folder is not there", f"mkdir -p {target.parent}"
                )
            ]
        )
    return target


def print_report(outcomes: "Sequence[report.KeyOutcome]", summary: str, source: str, *, to_stderr: bool) -> None:
    """A table of what was lost, and a line that counts all."""
    from rich import text  # noqa: PLC0415 - 0.1 s that a program need not wait for

    from seaway.cli import display  # noqa: PLC0415

    screen = display.create_screen(sys.stderr if to_stderr else None)
    if outcomes:
        rows = [
            (
                str(one.location.line or "-"),
                one.path,
                text.Text(one.kind, style=KIND_COLOURS[one.kind]),
                one.message or "-",
                one.hint or "-",
            )
            for one in outcomes
        ]
        table = display.build_table(HEADINGS, rows)
        for column in table.columns[3:]:
            column.no_wrap, column.overflow = False, "fold"
        display.write(screen, table)
    display.write(screen, text.Text(f"{source}: {summary}"))
