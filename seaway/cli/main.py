"""The command ``seaway``: a table of commands, each a module of this package that is imported when it is named."""

import argparse
import difflib
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence

from seaway import errors
from seaway.cli import command, output, pulumi_cli
from seaway.syntax import diagnosis

COMMANDS: Sequence[command.Command] = (
    command.Command(
        name="new", runs_application=False, help="write a new project: program, application, tests and CI files"
    ),
    command.Command(name="up", pulumi="up", help="deploy with pulumi up, then show the status"),
    command.Command(
        name="preview",
        pulumi="preview",
        help="show the effects of a change, and whether it is allowed",
    ),
    command.Command(name="check", help="run the checks on a stack"),
    command.Command(name="render", help="print the Kubernetes manifests of a stack"),
    command.Command(
        name="export",
        module="export_compose",
        help="print an application as a Docker Compose file",
    ),
    command.Command(
        name="import", module="import_compose", runs_application=False, help="convert a Docker Compose file to app.yaml"
    ),
    command.Command(name="migrate", runs_application=False, help="rewrite files of version 0.1.0 for this version"),
    command.Command(name="explain", help="explain the manifests of a workload, or all defaults"),
    command.Command(name="graph", help="draw the services, stores and jobs and their links"),
    command.Command(name="status", help="show the health of the workloads"),
    command.Command(name="test", help="try what the deployed application promises: links, confinement, availability"),
    command.Command(name="logs", help="print the logs of a service, store or job"),
    command.Command(name="exec", help="run a command, or a shell, in a pod of a service or store", runs_words=True),
    command.Command(name="run", help="run a command in a new pod of a service or job", runs_words=True),
    command.Command(name="port-forward", help="connect a local port to a port of a store or service"),
    command.Command(name="diff", help="compare two stacks"),
    command.Command(
        name="release",
        help="list, save, sign, promote and roll back releases",
        subcommands=(
            command.Command(name="list", module="release_list", help="list the releases"),
            command.Command(name="save", module="release_save", help="write the deployed release to a file"),
            command.Command(name="sign", module="release_sign", help="sign the deployed release and its images"),
            command.Command(name="promote", module="release_promote", help="pin a release for the next environment"),
            command.Command(
                name="rollback", module="release_rollback", pulumi="up", help="go back to an older release"
            ),
        ),
    ),
    command.Command(
        name="images",
        help="compare pinned images with their registries",
        subcommands=(
            command.Command(
                name="outdated",
                module="images_outdated",
                help="list images that have a newer version",
            ),
            command.Command(name="lock", module="images_lock", help="pin all images to the newest digests"),
        ),
    ),
    command.Command(name="help", runs_application=False, help="print a page or a section of the documentation"),
)
"""In the order of the help."""

FORMER_COMMANDS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("show", "defaults"): ("explain", "--defaults"),
    ("show", "graph"): ("graph",),
    ("show",): ("explain",),
    ("render", "--to", "compose"): ("export",),
    ("release", "outdated", "--write"): ("images", "lock"),
    ("release", "outdated"): ("images", "outdated"),
}
FORMER_OPTIONS: Mapping[tuple[str, str], str] = {
    ("up", "--stale-lock"): "--force-unlock",
    ("release", "--no-up"): "--pin-only",
}
"""Command lines of version 0.1.0, for the hint. They no longer run."""

_OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
"""In a help text."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code. Results go to stdout, errors to stderr."""
    words = sys.argv[1:] if words is None else list(words)
    arguments = argparse.Namespace()
    command.APPLICATION.set(None)
    command.STACKS.set({})
    try:
        with output.clean_streams():
            return _run(words, arguments)
    except BrokenPipeError:
        # `seaway logs web | head`: the reader has ended. Python would report it again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return command.SUCCESS


def _run(words: Sequence[str], arguments: argparse.Namespace) -> int:
    try:
        _parse(words, arguments)
        command.APPLICATION.set(getattr(arguments, "application", None))
        if getattr(arguments, "no_program", False):
            from seaway.project import python_program  # noqa: PLC0415 - other commands start without it

            with python_program.refuse_programs():
                return arguments.run(arguments)
        return arguments.run(arguments)
    except command.StackLocked as error:
        command.report(str(error))
        return command.LOCKED
    except (diagnosis.InvalidInput, errors.Unavailable) as error:
        command.print_errors(error, as_json=getattr(arguments, "json", False))
        return command.USAGE_ERROR if isinstance(error, diagnosis.InvalidInput) else command.FAILURE
    except command.UsageError as error:
        command.report(str(error))
        return command.USAGE_ERROR
    except KeyboardInterrupt:
        return command.INTERRUPTED


def build_parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser with the options of the command that ``words`` name, or of all commands without ``words``."""
    parser = argparse.ArgumentParser(prog="seaway", description="Do what plain Pulumi cannot do.")
    _add_commands(parser, COMMANDS, words)
    return parser


def _parse(words: Sequence[str], arguments: argparse.Namespace) -> None:
    """Parse a command line into ``arguments``."""
    if message := find_unknown(words):
        raise command.UsageError(message)
    declared = find_command(words)
    own, passed = list(words), list[str]()
    if declared and (declared.pulumi or declared.runs_words) and "--" in words:
        own, passed = own[: own.index("--")], own[own.index("--") + 1 :]
    _, unknown = build_parser(words).parse_known_args(own, arguments)
    if unknown:
        options = _OPTION.findall(arguments.parser.format_help())
        pulumi_cli.check_flags(arguments.parser.prog, declared.pulumi if declared else "", unknown, options)
    if declared and declared.runs_words:
        # argparse accepts them only directly behind the other positional arguments, and not behind an option.
        arguments.command = [*arguments.command, *passed]
    arguments.pulumi = [*unknown, *passed]


def find_command(words: Sequence[str], commands: Sequence[command.Command] = COMMANDS) -> command.Command | None:
    """The command that the words name; None: none, or a group."""
    declared = next((declared for declared in commands if words[:1] == [declared.name]), None)
    return find_command(words[1:], declared.subcommands) if declared and declared.subcommands else declared


def _add_commands(
    parser: argparse.ArgumentParser, commands: Sequence[command.Command], words: Sequence[str] | None
) -> None:
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for declared in commands:
        subparser = subparsers.add_parser(
            declared.name,
            help=declared.help,
            description=f"{declared.help[0].upper()}{declared.help[1:]}.",
            # `--re` must not be taken for one of ours: Pulumi has flags with the same beginning.
            allow_abbrev=not declared.pulumi,
        )
        if words is not None and list(words[:1]) != [declared.name]:
            continue
        if declared.subcommands:
            _add_commands(subparser, declared.subcommands, words[1:] if words else words)
        else:
            module = declared.load()
            module.configure(subparser)
            if declared.runs_application and declared.pulumi != "up":
                help_text = "refuse to run an application in Python, whose code you do not trust"
                subparser.add_argument("--no-program", action="store_true", help=help_text)
            subparser.set_defaults(run=module.run, parser=subparser)
            if declared.pulumi:
                more = f"It also accepts the flags of pulumi {declared.pulumi}, as --target URN --parallel 4."
                subparser.epilog = f"{subparser.epilog or ''} {more}".strip()


def find_unknown(words: Sequence[str]) -> str | None:
    """The message for a command or an option that does not exist, with the command line that replaces it."""
    for former, command_line in FORMER_COMMANDS.items():
        if all(word in words for word in former) and words[0] == former[0]:
            rest = [word for word in words if word not in former]
            return f"unknown command {' '.join(former)}; did you mean seaway {shlex.join([*command_line, *rest])}?"
    own = list(words[: words.index("--")]) if "--" in words else words
    for (name, option), replacement in FORMER_OPTIONS.items():
        if own[:1] == [name] and option in own:
            return f"unknown option {option}; did you mean {replacement}?"
    names = [declared.name for declared in COMMANDS]
    if not words or words[0] in names or words[0].startswith("-"):
        return None
    nearest = difflib.get_close_matches(words[0], names, n=1)
    hint = f"did you mean seaway {nearest[0]}?" if nearest else f"the commands are: {', '.join(names)}"
    return f"unknown command {diagnosis.quote(words[0])}; {hint}"
