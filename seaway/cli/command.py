"""What every verb shares: the module of a verb has ``add(parsers)`` and ``run(arguments) -> int``, its exit code."""

import argparse
from collections.abc import Callable
from typing import Protocol

SUCCESS = 0

FAILURE = 1
"""What was asked for could not be done, or is not so."""

USAGE_ERROR = 2
"""The command line or the configuration is wrong; nothing was tried. argparse's own code too."""

ROLLED_BACK = 3
"""`up` failed, and the last good release is back."""

BLOCKED = 5
"""What would happen may not: the stack's policy, or a check, says so."""

INTERRUPTED = 130
"""By the user, with Ctrl-C; as a shell has it."""

Run = Callable[[argparse.Namespace], int]


class Subparsers(Protocol):
    """What ``argparse.ArgumentParser.add_subparsers`` gives; its own class has a private name."""

    def add_parser(self, name: str, *, help: str, description: str) -> argparse.ArgumentParser:  # noqa: A002
        """The parser of one verb. Its ``set_defaults(run=run)`` says what runs."""
        ...
