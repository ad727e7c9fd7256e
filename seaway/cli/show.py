"""``seaway show``: what an application becomes and why. Needs no cluster, no Docker, no Pulumi, no secret's value.

``seaway show defaults --json`` prints a list: ``of`` (services, stores, jobs, the stack's file, or a kind of object),
``field``, ``value``, ``means``, ``why`` (empty where there is nothing to give a reason for) and ``check``, the id of
the check that asks for it, or null.

Exit codes: 0, shown; 2, the files are wrong, or there is no such service.
"""

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from seaway.cli import stack, verb

if TYPE_CHECKING:
    from seaway.explain import defaults

HEAD = ("OF", "FIELD", "DEFAULT", "WHAT IT IS", "WHY")


def add(parsers: verb.Parsers) -> None:
    """The verb's command line."""
    told = "what an application becomes and why: every default with its reason"
    parser = parsers.add_parser("show", help="what it becomes, and why", description=told)
    parser.add_argument("what", metavar="WHAT", choices=["defaults"], help="defaults: all of them, with their reasons")
    stack.add(parser)
    parser.add_argument("--json", action="store_true", help="as JSON; its fields: pydoc seaway.cli.show")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show it."""
    _defaults(as_json=arguments.json)
    return verb.DONE


def _defaults(*, as_json: bool) -> None:
    from seaway.explain import defaults  # noqa: PLC0415 - other verbs need not wait for the manifests

    found = defaults.everything()
    if as_json:
        _json([dataclasses.asdict(one) for one in found])
        return
    from seaway.cli import display  # noqa: PLC0415 - 0.1 s that a program need not wait for

    table = display.columns(HEAD, map(_row, found))
    for column in table.columns:  # folded, not cut: half a reason is none
        column.no_wrap, column.overflow = False, "fold"
    display.write(display.screen(), table)


def _row(one: "defaults.Default") -> tuple[str, ...]:
    why = f"{one.why} ({one.check})" if one.check else one.why
    return one.of, one.field, _shown(one.value), one.means or "-", why or "-"


def _shown(value: Any) -> str:
    """A value as YAML has it, in one line; nothing is `none`."""
    from seaway.cli import display  # noqa: PLC0415

    return "none" if value in (None, [], {}) else display.value(value)


def _json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
