"""``seaway graph``: the services, stores and jobs of an application, and their links. Needs only files.

``--out FILE`` writes an SVG. ``--json`` prints one object: ``application``, ``stack``, ``nodes`` (id, name, kind,
detail) and ``edges`` (start, end, relation: calls, dependsOn, or reaches, which is from outside the cluster).

Exit codes: 0, printed or written; 2, the files are invalid, or the SVG cannot be written.
"""

import argparse
import dataclasses
from pathlib import Path

from seaway.cli import command, display, stack, standalone
from seaway.explain import graph, svg
from seaway.files import writer

HEADINGS = ("FROM", "", "TO")


def configure(parser: argparse.ArgumentParser) -> None:
    stack.add_option(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--out", metavar="FILE", type=Path, help="write an SVG [print a table of the links]")
    command.add_json_option(output, __name__)


def run(arguments: argparse.Namespace) -> int:
    environment = standalone.load_environment(stack.find_target(arguments))
    picture = graph.build_graph(environment.app, environment.settings)
    if arguments.json:
        command.print_json(dataclasses.asdict(picture))
    elif arguments.out:
        writer.write_output(arguments.out, svg.render(picture))
        print(f"{arguments.out} is written")
    else:
        _print_edges(picture)
    return command.SUCCESS


def _print_edges(picture: graph.Graph) -> None:
    display.print_line(picture.title)
    names = {node.id: node.name for node in picture.nodes}
    rows = [(names[edge.start], graph.RELATION_LABELS[edge.relation], names[edge.end]) for edge in picture.edges]
    linked = {id_ for edge in picture.edges for id_ in (edge.start, edge.end)}
    rows += [(name, "has no links", "-") for id_, name in names.items() if id_ not in linked]
    display.print_table(HEADINGS, rows)
