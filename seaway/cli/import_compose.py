"""``seaway import docker-compose.yml``: converts a Docker Compose file to app.yaml and reports each key.

The table lists the keys that are not kept as they are written: approximated, dropped or refused, each with the reason
and a fix. It also lists what is added, since Kubernetes needs values that Compose does not have. Nothing is written
while a key is refused: fix it, or waive it in the service with ``x-seaway: {waive: {privileged: <reason>}}``.

The value of a variable that is named like a secret, or looks like one, is not written. The variable becomes a secret,
and ``--set-secrets STACK`` sets all of their values in a stack: it reads them from the same files, and writes nothing
else, except the ``seaway:fingerprintKey`` of a stack that had no secrets.

Files are read inside the project of the working directory, or below that directory if there is no project. ``--root``
names another folder.

Exit codes: 0, imported; 1, a key is refused, or lost and ``--strict`` is set; 2, the Compose file is invalid, or the
output file exists.

``--json`` prints one object::

    application  its name
    written      the output file, or null
    counts       an object: kept, added, approximated, dropped, refused
    secrets      the names of the secrets whose values are not written
    strict       whether a loss is a failure
    keys         a list with an element for each key, and for each added value
        file, line, column
        key          its path
        kind         kept, added, approximated, dropped or refused
        message      the result or the reason
        hint         the fix
    app          the application as in app.yaml

Errors are printed as ``{"errors": [{code, file, line, column, path, message, hint}]}``.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import text

from seaway.cli import command, display, output, pulumi_cli, stack, standalone
from seaway.compose import project, report
from seaway.compose.importer import convert, write
from seaway.files import roots, working_tree, writer
from seaway.project import load, stack_file
from seaway.release import fingerprints
from seaway.syntax import diagnosis, nodes

HEADINGS = ("LINE", "KEY", "RESULT", "REASON", "FIX")
KIND_COLOURS = {"kept": "green", "added": "cyan", "approximated": "yellow", "dropped": "magenta", "refused": "red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("file", nargs="+", metavar="FILE", help="Compose files; each overrides the previous one")
    help_text = "write to this file; - is stdout [app.yaml or app.py beside the Compose file]"
    parser.add_argument("--out", metavar="FILE", help=help_text)
    parser.add_argument("--python", action="store_true", help="write a Python program instead of YAML")
    parser.add_argument("--name", metavar="NAME", help="set the application's name [the Compose project's name]")
    parser.add_argument("--profile", action="append", default=[], metavar="P", help="include services of a profile")
    standalone.add_root_option(parser)
    parser.add_argument("--all", action="store_true", help="list kept keys too")
    parser.add_argument("--strict", action="store_true", help="fail and write nothing if a key is lost")
    help_text = "set the values that look like secrets in the configuration of a stack, and write no file"
    parser.add_argument("--set-secrets", metavar="STACK", help=help_text)
    parser.add_argument("--force", action="store_true", help="overwrite the output file")
    command.add_json_option(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    """Import it."""
    files = [Path(name) for name in arguments.file]
    if arguments.set_secrets:
        return _set_secrets(arguments.set_secrets, files, arguments.profile)
    root = roots.find_working_root(arguments.root)
    document, result = project.convert_files(files, within=root, name=arguments.name, profiles=arguments.profile)
    is_refused = any(outcome.kind == "refused" for outcome in result.outcomes)
    is_lossy = any(outcome.kind in report.LOSSY_KINDS for outcome in result.outcomes)
    fails = is_refused or (arguments.strict and is_lossy)
    source = ", ".join(file.name for file in files)
    output_file = None if fails else _choose_output_file(arguments, files[0])
    if not fails:
        tree = working_tree.WorkingTree(folder=files[0].parent, root=root)
        if diagnostics := load.merge_overlay(result.app, None, tree).diagnostics:
            raise diagnosis.InvalidInput(diagnostics)
        if arguments.python:
            content = write.format_python(result.app, source=source)
        else:
            content = write.format_yaml(result.app, result.outcomes, source=source)
        if output_file is not None:
            writer.write_output(output_file, content)
        elif not arguments.json:
            output.write_document(content)
    if arguments.json:
        app = nodes.to_plain(result.app)
        command.print_json(
            {
                "application": app["name"],
                "written": str(output_file) if output_file else None,
                "counts": report.count_by_kind(result.outcomes),
                "secrets": sorted(result.secret_values),
                "strict": arguments.strict,
                "keys": [outcome.to_json() for outcome in result.outcomes],
                "app": app,
            }
        )
    else:
        listed = [outcome for outcome in result.outcomes if arguments.all or outcome.kind != "kept"]
        print_report(listed, report.summarize(result.outcomes), source, to_stderr=not fails and output_file is None)
        if output_file is not None:
            print(f"written: {output_file}")
        report_secrets(result, files, arguments.profile)
        for name in document.inactive_services:
            command.report(f"service {name} is omitted: enable one of its profiles with --profile")
    return command.FAILURE if fails else command.SUCCESS


def report_secrets(result: convert.Conversion, files: Sequence[Path], profiles: Sequence[str] = ()) -> None:
    """Name the secrets whose values are not written, and the command that sets them all."""
    if names := sorted(result.secret_values):
        options = [word for profile in profiles for word in ("--profile", profile)]
        words = ["seaway", "import", *map(str, files), *options, "--set-secrets", "dev"]
        command.report(
            f"values that look like secrets are not written: {', '.join(names)}; to set them all in the stack dev:"
            f" {shlex.join(words)}"
        )


def _set_secrets(name: str, files: Sequence[Path], profiles: Sequence[str]) -> int:
    """Set the values in a stack of the project in the working directory, which decides where the files may be."""
    folder = stack.find_project_folder(Path.cwd())
    file = folder / f"Pulumi.{name}.yaml"
    config = stack_file.read_config(file) if file.is_file() else None
    root = stack_file.find_root(config, folder) if config else roots.find_working_root()
    _, result = project.convert_files(files, within=root, profiles=profiles)
    has_key = config is not None and not config.pairs.keys().isdisjoint(("secrets", stack_file.FINGERPRINT_KEY))
    if result.secret_values and not has_key:
        key = fingerprints.generate_key()  # `pulumi up` needs it
        pulumi_cli.set_secret(folder, name, fingerprints.SETTING, key)
    for secret, value in result.secret_values.items():
        pulumi_cli.set_secret(folder, name, f'seaway:secrets["{secret}"]', value)
    names = ", ".join(sorted(result.secret_values)) or "none"
    print(f"set in stack {name}: {command.count(len(result.secret_values), 'secret')} ({names})")
    return command.SUCCESS


def _choose_output_file(arguments: argparse.Namespace, first: Path) -> Path | None:
    """The file to write; None: stdout."""
    if arguments.out == "-":
        return None
    file = Path(arguments.out) if arguments.out else first.with_name("app.py" if arguments.python else "app.yaml")
    location = diagnosis.SourceLocation(str(file))
    if os.path.lexists(file) and not arguments.force:
        hint = "write another file with --out FILE, or overwrite it with --force"
        raise diagnosis.reject(location, "", "file-exists", "the file exists", hint)
    if not file.parent.is_dir():
        hint = f"mkdir -p {file.parent}"
        raise diagnosis.reject(location, "", "file-not-found", "its folder does not exist", hint)
    return file


def print_report(outcomes: Sequence[report.KeyOutcome], summary: str, source: str, *, to_stderr: bool) -> None:
    """Print a table of the outcomes, and a line that counts all."""
    stream = sys.stderr if to_stderr else sys.stdout
    rows = (
        (
            str(outcome.location.line or "-"),
            outcome.path,
            text.Text(outcome.kind, style=KIND_COLOURS[outcome.kind]),
            outcome.message or "-",
            outcome.hint or "-",
        )
        for outcome in outcomes
    )
    display.print_table(HEADINGS, rows, stream=stream)
    display.print_line(f"{source}: {summary}", stream)
