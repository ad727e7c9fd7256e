"""``seaway logs``: what the programs of a service, store or job print, all pods together and told apart.

Needs a kubeconfig only. A line is ``web-x2x4z: text``: the service, and the end of the pod's name; a container that is
not the pod's main one is ``web-x2x4z/name``. What the command itself has to say goes to stderr.
"""

import argparse
import re
import sys

from seaway.cli import command, stack

FOLLOW_TAIL_LINES = 10
"""Last lines of each container that ``-f`` begins with."""

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "what a service, store or job prints, all pods together, by time"
    parser = parsers.add_parser("logs", help=told, description=told)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("service", nargs="?", metavar="SERVICE", help="a service, store or job")
    which.add_argument("--all", action="store_true", help="all of them")
    stack.add_option(parser)
    when = parser.add_mutually_exclusive_group()
    when.add_argument("-f", "--follow", action="store_true", help="go on, with new pods too; Ctrl-C ends it")
    when.add_argument("--previous", action="store_true", help="what was printed before the last restart")
    lines = f"only the last N lines of each container [all; with -f the last {FOLLOW_TAIL_LINES}]"
    parser.add_argument("--tail", type=parse_line_count, metavar="N", help=lines)
    parser.add_argument(
        "--since", type=parse_duration, metavar="TIME", help="only what is not older: 30s, 10m, 1h30m, 2d"
    )
    parser.add_argument("--timestamps", action="store_true", help="begin each line with its time, in UTC")
    parser.set_defaults(run=run)


def parse_line_count(text: str) -> int:
    """A number of lines."""
    if not re.fullmatch("[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of lines; write one like 100")
    return int(text)


def parse_duration(text: str) -> int:
    """Seconds of a time like 1h30m."""
    if not re.fullmatch("([0-9]{1,9}[smhd])+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write one like 30s, 10m, 1h30m or 2d")
    # The API takes no 0.
    return max(1, sum(int(number) * _UNIT_SECONDS[unit] for number, unit in re.findall("([0-9]+)([smhd])", text)))


def run(arguments: argparse.Namespace) -> int:
    """Print them once, or until Ctrl-C.

    Raises:
        diagnosis.InvalidInput: it is not clear which stack is meant.
        errors.Unavailable: the cluster cannot be asked.
    """
    where = stack.find_target(arguments)
    from seaway.cli import log_reader, printer  # noqa: PLC0415 - bring the client and rich: 0.3 s that others need not pay

    query: dict[str, str] = {}
    if arguments.tail is not None or arguments.follow:
        query["tailLines"] = str(FOLLOW_TAIL_LINES if arguments.tail is None else arguments.tail)
    if arguments.since is not None:
        query["sinceSeconds"] = str(arguments.since)
    if arguments.previous:
        query["previous"] = "true"
    to = printer.Printer(timestamps=arguments.timestamps)
    try:
        return log_reader.print_logs(where, arguments.service, to, query, follows=arguments.follow)
    except log_reader.WorkloadNotFoundError as error:
        print(f"seaway: {error}", file=sys.stderr)
        return command.USAGE_ERROR
