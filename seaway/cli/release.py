"""``seaway release``: what is promoted from one environment to the next; a table of verbs like that of ``seaway``."""

from collections.abc import Sequence
from types import ModuleType

from seaway.cli import command, images_outdated, release_list, release_promote, release_rollback, release_save

VERBS: Sequence[ModuleType] = (release_list, release_save, release_promote, release_rollback, images_outdated)
"""In the order that the help shows them."""


def add(parsers: command.Subparsers) -> None:
    """The verb's command line, and those of its own verbs."""
    told = "what is promoted from one environment to the next"
    parser = parsers.add_parser("release", help=told, description=told)
    own = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for each in VERBS:
        each.add(own)
