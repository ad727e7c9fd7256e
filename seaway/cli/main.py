"""The command ``seaway``: a table of verbs, each a module of this package."""

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from seaway import errors
from seaway.cli import check, command, diff, import_compose, logs, migrate, preview, release, render, show, status, up
from seaway.syntax import diagnosis

VERBS: Sequence[ModuleType] = (up, preview, check, render, import_compose, show, status, logs, diff, release, migrate)
"""In the order that the help shows them."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb. What it finds out goes to stdout, what is wrong to stderr."""
    arguments = build_parser().parse_args(words)
    try:
        return arguments.run(arguments)
    except diagnosis.InvalidInput as error:
        print(error, file=sys.stderr)
        return command.USAGE_ERROR
    except errors.Unavailable as error:
        print(f"seaway: {error}", file=sys.stderr)
        return command.FAILURE
    except KeyboardInterrupt:
        return command.INTERRUPTED
    except BrokenPipeError:
        # `seaway logs web | head`: the reader has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return command.SUCCESS


def build_parser() -> argparse.ArgumentParser:
    """The command line: what every verb takes."""
    made = argparse.ArgumentParser(prog="seaway", description="What plain pulumi cannot do.")
    parsers = made.add_subparsers(title="verbs", required=True, metavar="VERB")
    for each in VERBS:
        each.add(parsers)
    return made
