"""``seaway show``: what an application becomes and why. Needs no cluster, no Docker, no Pulumi, no secret's value.

``seaway show defaults --json`` prints a list: ``of`` (services, stores, jobs, the stack's file, or a kind of object),
``field``, ``value``, ``means``, ``why`` (empty where there is nothing to give a reason for) and ``check``, the id of
the check that asks for it, or null.

``seaway show web --json`` prints one object::

    name, kind           of the service, store or job
    application, stack   texts
    image, image_from    what it runs, and why that
    address, exposed     in the cluster, and from outside (clusterIP, ingress, nodePort, loadBalancer); null: it is not
                         reached
    urls                 where a person finds it, if an Ingress leads to it
    calls, called_by, after    names
    objects      a list of {kind, name, purpose}
    rows         a list of {object, field, becomes, value, place, why, check}: place is where it is
                 written; null: it is a default, and why says the reason

``seaway show graph --json`` prints one object: ``application``, ``stack``, ``nodes`` (id, name, kind, detail) and
``edges`` (start, end, relation: calls, after, or reaches, which is from outside).

Exit codes: 0, shown; 1, the picture cannot be written; 2, the files are wrong, or there is no such service.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seaway.cli import command, stack

if TYPE_CHECKING:
    from seaway.explain import defaults, graph, workload
    from seaway.release import project

HEAD = ("OF", "FIELD", "DEFAULT", "WHAT IT IS", "WHY")
DEFAULTS = "defaults"
GRAPH = "graph"
EDGES = ("FROM", "", "TO")
MORE = "--json has every field; seaway show defaults has every default"
BRIEF = ("SEC", "SA", "AVL")
"""The groups of checks whose defaults are shown of a service: all of them would fill two screens."""
RARE = ("allPorts", "linkVariables", "health.every", "health.timeout", "health.retries", "protocol")
"""Defaults that are on the screen only where somebody said otherwise."""


def add(parsers: command.Parsers) -> None:
    """The verb's command line."""
    told = "what it becomes and why: a service, store or job, every default with its reason, or a picture of all"
    parser = parsers.add_parser("show", help="what it becomes, and why", description=told)
    what = "a service, store or job (web; services.graph where it is called like what follows), or: defaults, graph"
    parser.add_argument("what", metavar="WHAT", help=what)
    parser.add_argument("--out", metavar="FILE", type=Path, help="with graph: an SVG [a list of its arrows]")
    stack.add(parser)
    parser.add_argument("--json", action="store_true", help="as JSON; its fields: pydoc seaway.cli.show")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show it.

    Raises:
        problems.Invalid: it is not clear which stack is meant, its files are wrong, or there is no such service.
    """
    if arguments.out and arguments.what != GRAPH:
        print(f"seaway: --out is for graph: seaway show graph --out {arguments.out}", file=sys.stderr)
        return command.USAGE
    if arguments.out and arguments.json:
        print("seaway: --out and --json are two pictures: take one of them", file=sys.stderr)
        return command.USAGE
    if arguments.what == DEFAULTS:
        _defaults(as_json=arguments.json)
        return command.DONE
    where = stack.find(arguments)
    from seaway.release import project  # noqa: PLC0415 - needs the manifests, which other verbs need not wait for

    one = project.of(where.folder, where.name)
    if arguments.what == GRAPH:
        return _graph(one, arguments.out, as_json=arguments.json)
    _workload(one, where.folder, arguments.what, as_json=arguments.json)
    return command.DONE


def _graph(one: "project.Project", out: Path | None, *, as_json: bool) -> int:
    from seaway.explain import graph  # noqa: PLC0415

    picture = graph.of(one.app, one.settings)
    if as_json:
        _json(dataclasses.asdict(picture))
    elif out:
        from seaway.explain import svg  # noqa: PLC0415 - brings the layout

        try:
            out.write_text(svg.text(picture))
        except OSError as error:
            print(f"seaway: {out} cannot be written ({error.strerror}); name another file", file=sys.stderr)
            return command.FAILED
        print(f"{out} is written")
    else:
        _arrows(picture)
    return command.DONE


def _arrows(picture: "graph.Graph") -> None:
    from rich import text  # noqa: PLC0415 - 0.1 s that a program need not wait for

    from seaway.cli import display  # noqa: PLC0415
    from seaway.explain import graph  # noqa: PLC0415

    screen = display.screen()
    display.write(screen, text.Text(picture.title))
    names = {each.id: each.name for each in picture.nodes}
    rows = [(names[each.start], graph.MEANING[each.relation], names[each.end]) for each in picture.edges]
    linked = {id_ for each in picture.edges for id_ in (each.start, each.end)}
    rows += [(name, "stands alone", "-") for id_, name in names.items() if id_ not in linked]
    display.write(screen, display.columns(EDGES, rows))


def _workload(one: "project.Project", folder: Path, name: str, *, as_json: bool) -> None:
    from seaway.explain import workload  # noqa: PLC0415

    told = workload.told(one, folder, name)
    if as_json:
        _json(dataclasses.asdict(told))
        return
    from rich import text  # noqa: PLC0415 - 0.1 s that a program need not wait for

    from seaway.cli import display  # noqa: PLC0415

    screen = display.screen()
    display.write(screen, text.Text(f"{told.name} · {told.kind} of {told.application} · stack {told.stack}\n"))
    facts = display.columns(("", ""), _facts(told))
    facts.show_header = False
    display.write(screen, facts)
    display.write(screen, text.Text())
    made = [(f"{each.kind}/{each.name}", each.purpose) for each in told.objects]
    display.write(screen, display.columns(("OBJECT", "WHAT IT IS FOR"), made))
    display.write(screen, text.Text())
    rows = [_from(row) for row in told.rows if _brief(row)]
    display.write(screen, display.columns(("FIELD", "VALUE", "FROM", "BECOMES"), rows))
    display.write(screen, text.Text(f"\n{MORE}"))


def _facts(told: "workload.Told") -> Iterator[tuple[str, str]]:
    yield "image", f"{told.image} ({told.image_from})"
    yield "address", told.address or "none: it takes no requests"
    if told.exposed:
        closed = "not yet: expose is true, but the stack's seaway:exposure is clusterIP"
        way = ", ".join(told.urls) or f"by seaway:exposure {told.exposed}"
        yield "from outside", closed if told.exposed == "clusterIP" else way
    for what, names in (("calls", told.calls), ("called by", told.called_by), ("after", told.after)):
        if names:
            yield what, ", ".join(names)
    if told.start:
        yield "start it", told.start


def _brief(row: "workload.Row") -> bool:
    """Whether it is for the screen: what is said, and the defaults that people ask for first."""
    if row.object:
        return row.check is not None and row.check.startswith(BRIEF)
    return row.place is not None or (row.value not in (None, []) and row.field not in RARE)


def _from(row: "workload.Row") -> tuple[str, ...]:
    why = f"default: {row.why}" if row.place is None else row.place
    field = f"{row.object} {row.field}" if row.object else row.field
    return field, _shown(row.value), f"{why} ({row.check})" if row.check else why, row.becomes or "-"


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
