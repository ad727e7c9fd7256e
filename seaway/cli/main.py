"""The command ``seaway``: a table of verbs, each a module of this package."""

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from seaway import errors
from seaway.cli import check, command, diff, import_compose, logs, preview, release, render, show, status, up
from seaway.syntax import diagnosis

VERBS: Sequence[ModuleType] = (up, preview, check, render, import_compose, show, status, logs, diff, release)
"""In the order that the help shows them."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb. What it finds out goes to stdout, what is wrong to stderr."""
    arguments = parser().parse_args(words)
    try:
        return arguments.run(arguments)
    except diagnosis.Invalid as error:
        print(error, file=sys.stderr)
        return command.USAGE
    except errors.Unavailable as error:
        print(f"seaway: {error}", file=sys.stderr)
        return command.FAILED
    except KeyboardInterrupt:
        return command.INTERRUPTED
    except BrokenPipeError:
        # `seaway logs web | head`: the reader has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return command.DONE


def parser() -> argparse.ArgumentParser:
    """The command line: what every verb takes."""
    made = argparse.ArgumentParser(prog="seaway", description="What plain pulumi cannot do.")
    parsers = made.add_subparsers(title="verbs", required=True, metavar="VERB")
    for each in VERBS:
        each.add(parsers)
    return made
