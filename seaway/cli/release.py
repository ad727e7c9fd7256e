"""``seaway release``: what is promoted from one environment to the next; a table of verbs like that of ``seaway``."""

from collections.abc import Sequence
from types import ModuleType

from seaway.cli import listing, outdated, promote, rollback, save, verb

VERBS: Sequence[ModuleType] = (listing, save, promote, rollback, outdated)
"""In the order that the help shows them."""


def add(parsers: verb.Parsers) -> None:
    """The verb's command line, and those of its own verbs."""
    told = "what is promoted from one environment to the next"
    parser = parsers.add_parser("release", help=told, description=told)
    own = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for each in VERBS:
        each.add(own)
