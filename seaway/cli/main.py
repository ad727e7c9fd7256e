"""The command ``seaway``: a table of verbs, each a module of this package."""

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from seaway.cli import check, diff, importing, logs, preview, release, render, show, status, up, verb
from seaway.cluster import errors
from seaway.model import problems

VERBS: Sequence[ModuleType] = (up, preview, check, render, importing, show, status, logs, diff, release)
"""In the order that the help shows them."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one verb. What it finds out goes to stdout, what is wrong to stderr."""
    arguments = parser().parse_args(words)
    try:
        return arguments.run(arguments)
    except problems.Invalid as error:
        print(error, file=sys.stderr)
        return verb.USAGE
    except errors.Unavailable as error:
        print(f"seaway: {error}", file=sys.stderr)
        return verb.FAILED
    except KeyboardInterrupt:
        return verb.INTERRUPTED
    except BrokenPipeError:
        # `seaway logs web | head`: the reader has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return verb.DONE


def parser() -> argparse.ArgumentParser:
    """The command line: what every verb takes."""
    made = argparse.ArgumentParser(prog="seaway", description="What plain pulumi cannot do.")
    parsers = made.add_subparsers(title="verbs", required=True, metavar="VERB")
    for each in VERBS:
        each.add(parsers)
    return made
