"""``seaway show``: what an application becomes and why. Needs no cluster, no Docker, no Pulumi, no secret's value.

``seaway show defaults --json`` prints a list: ``of`` (services, stores, jobs, the stack's file, or a kind of object),
``field``, ``value``, ``means``, ``why`` (empty where there is nothing to give a reason for) and ``check``, the id of
the check that asks for it, or null.

``seaway show web --json`` prints one object::

    name, kind           of the service, store or job
    application, stack   texts
    image, image_from    what it runs, and why that
    address, exposed     in the cluster, and from outside (none, nodePort, loadBalancer, ingress); null: it is not
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
    from seaway.project import environments

DEFAULT_HEADINGS = ("OF", "FIELD", "DEFAULT", "WHAT IT IS", "WHY")
DEFAULTS = "defaults"
GRAPH = "graph"
EDGE_HEADINGS = ("FROM", "", "TO")
MORE_HINT = "--json has every field; seaway show defaults has every default"
SUMMARY_CHECK_GROUPS = ("SEC", "SA", "AVL")
"""The groups of checks whose defaults are shown of a service: all of them would fill two screens."""
HIDDEN_DEFAULTS = ("allPorts", "linkVariables", "health.interval", "health.timeout", "health.retries", "protocol")
"""Defaults that are on the screen only where somebody said otherwise."""


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "what it becomes and why: a service, store or job, every default with its reason, or a picture of all"
    parser = parsers.add_parser("show", help="what it becomes, and why", description=told)
    what = "a service, store or job (web; services.graph where it is called like what follows), or: defaults, graph"
    parser.add_argument("what", metavar="WHAT", help=what)
    parser.add_argument("--out", metavar="FILE", type=Path, help="with graph: an SVG [a list of its arrows]")
    stack.add_option(parser)
    parser.add_argument("--json", action="store_true", help="as JSON; its fields: pydoc seaway.cli.show")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show it.

    Raises:
        diagnosis.InvalidInput: it is not clear which stack is meant, its files are wrong, or there is no such service.
    """
    if arguments.out and arguments.what != GRAPH:
        print(f"seaway: --out is for graph: seaway show graph --out {arguments.out}", file=sys.stderr)
        return command.USAGE_ERROR
    if arguments.out and arguments.json:
        print("seaway: --out and --json are two pictures: take one of them", file=sys.stderr)
        return command.USAGE_ERROR
    if arguments.what == DEFAULTS:
        _print_defaults(as_json=arguments.json)
        return command.SUCCESS
    where = stack.find_target(arguments)
    from seaway.checks import registry  # noqa: PLC0415
    from seaway.project import environments  # noqa: PLC0415 - needs the manifests, which other verbs need not wait for

    one = environments.load_environment(where.folder, where.name, check_ids=registry.IDS)
    if arguments.what == GRAPH:
        return _show_graph(one, arguments.out, as_json=arguments.json)
    _explain_workload(one, arguments.what, as_json=arguments.json)
    return command.SUCCESS


def _show_graph(environment: "environments.Environment", out: Path | None, *, as_json: bool) -> int:
    from seaway.explain import graph  # noqa: PLC0415

    picture = graph.build_graph(environment.app, environment.settings)
    if as_json:
        _print_json(dataclasses.asdict(picture))
    elif out:
        from seaway.explain import svg  # noqa: PLC0415 - brings the layout

        try:
            out.write_text(svg.render(picture))
        except OSError as error:
            print(f"seaway: {out} cannot be written ({error.strerror}); name another file", file=sys.stderr)
            return command.FAILURE
        print(f"{out} is written")
    else:
        _print_edges(picture)
    return command.SUCCESS


def _print_edges(picture: "graph.Graph") -> None:
    from rich import text  # noqa: PLC0415 - 0.1 s that a program need not wait for

    from seaway.cli import display  # noqa: PLC0415
    from seaway.explain import graph  # noqa: PLC0415

    screen = display.create_screen()
    display.write(screen, text.Text(picture.title))
    names = {each.id: each.name for each in picture.nodes}
    rows = [(names[each.start], graph.RELATION_LABELS[each.relation], names[each.end]) for each in picture.edges]
    linked = {id_ for each in picture.edges for id_ in (each.start, each.end)}
    rows += [(name, "stands alone", "-") for id_, name in names.items() if id_ not in linked]
    display.write(screen, display.build_table(EDGE_HEADINGS, rows))


def _explain_workload(environment: "environments.Environment", name: str, *, as_json: bool) -> None:
    from seaway.explain import workload  # noqa: PLC0415

    told = workload.explain_workload(environment, name)
    if as_json:
        _print_json(dataclasses.asdict(told))
        return
    from rich import text  # noqa: PLC0415 - 0.1 s that a program need not wait for

    from seaway.cli import display  # noqa: PLC0415

    screen = display.create_screen()
    display.write(screen, text.Text(f"{told.name} · {told.kind} of {told.application} · stack {told.stack}\n"))
    facts = display.build_table(("", ""), _list_facts(told))
    facts.show_header = False
    display.write(screen, facts)
    display.write(screen, text.Text())
    made = [(f"{each.kind}/{each.name}", each.purpose) for each in told.objects]
    display.write(screen, display.build_table(("OBJECT", "WHAT IT IS FOR"), made))
    display.write(screen, text.Text())
    rows = [_format_field(row) for row in told.rows if _is_in_summary(row)]
    display.write(screen, display.build_table(("FIELD", "VALUE", "FROM", "BECOMES"), rows))
    display.write(screen, text.Text(f"\n{MORE_HINT}"))


def _list_facts(explanation: "workload.Explanation") -> Iterator[tuple[str, str]]:
    yield "image", f"{explanation.image} ({explanation.image_from})"
    yield "address", explanation.address or "none: it takes no requests"
    if explanation.exposed:
        closed = "not yet: expose is true, but the stack's seaway:publish is none"
        way = ", ".join(explanation.urls) or f"by seaway:publish {explanation.exposed}"
        yield "from outside", closed if explanation.exposed == "none" else way
    for what, names in (
        ("calls", explanation.calls),
        ("called by", explanation.called_by),
        ("after", explanation.after),
    ):
        if names:
            yield what, ", ".join(names)
    if explanation.start:
        yield "start it", explanation.start


def _is_in_summary(row: "workload.ExplainedField") -> bool:
    """Whether it is for the screen: what is said, and the defaults that people ask for first."""
    if row.object:
        return row.check is not None and row.check.startswith(SUMMARY_CHECK_GROUPS)
    return row.place is not None or (row.value not in (None, []) and row.field not in HIDDEN_DEFAULTS)


def _format_field(row: "workload.ExplainedField") -> tuple[str, ...]:
    why = f"default: {row.why}" if row.place is None else row.place
    field = f"{row.object} {row.field}" if row.object else row.field
    return field, _format_value(row.value), f"{why} ({row.check})" if row.check else why, row.becomes or "-"


def _print_defaults(*, as_json: bool) -> None:
    from seaway.explain import defaults  # noqa: PLC0415 - other verbs need not wait for the manifests

    found = defaults.list_defaults()
    if as_json:
        _print_json([dataclasses.asdict(one) for one in found])
        return
    from seaway.cli import display  # noqa: PLC0415 - 0.1 s that a program need not wait for

    table = display.build_table(DEFAULT_HEADINGS, map(_format_default, found))
    for column in table.columns:  # folded, not cut: half a reason is none
        column.no_wrap, column.overflow = False, "fold"
    display.write(display.create_screen(), table)


def _format_default(default: "defaults.Default") -> tuple[str, ...]:
    why = f"{default.why} ({default.check})" if default.check else default.why
    return default.of, default.field, _format_value(default.value), default.means or "-", why or "-"


def _format_value(value: Any) -> str:
    """A value as YAML has it, in one line; nothing is `none`."""
    from seaway.cli import display  # noqa: PLC0415

    return "none" if value in (None, [], {}) else display.format_value(value)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
