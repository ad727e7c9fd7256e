"""``seaway explain``: the manifests and values of a workload, each with its reason. Needs only files.

``seaway explain --defaults --json`` prints a list: ``of`` (services, stores, jobs, the stack's file, or a kind of
object), ``field``, ``value``, ``means``, ``why`` (empty if a missing value needs no reason) and ``check``, the id of
the check that requires it, or null.

``seaway explain web --json`` prints one object::

    name, kind           of the service, store or job
    application, stack   strings
    image, image_from    the image and its source; null: it is an external store
    address              in the cluster; null: it accepts no requests
    published            how it is reachable from outside: none (the stack publishes nothing), nodePort, loadBalancer,
                         ingress or gateway; null: it is not
    urls                 the URLs behind an Ingress or a Gateway
    calls, called_by, depends_on    names
    start                the command that starts a job which does not run with a release, or null
    objects      a list of {kind, name, purpose}
    rows         a list of {object, field, becomes, value, place, why, check}: place is where it is written; null: it is
                 a default, and why is the reason

Exit codes: 0, printed; 2, the files are invalid, or the workload does not exist.
"""

import argparse
import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from rich import text

from seaway.cli import command, display, stack, standalone
from seaway.explain import defaults, workload

DEFAULT_HEADINGS = ("FIELD", "DEFAULT", "PURPOSE", "REASON")
OBJECT_HEADINGS = ("OBJECT", "PURPOSE")
FIELD_HEADINGS = ("FIELD", "VALUE", "SOURCE", "BECOMES")
MORE_HINT = "All fields: --json. All defaults: seaway explain --defaults"
SUMMARY_CHECK_GROUPS = ("SEC", "SA", "AVL")
"""Groups of checks whose fields are in the table; all would fill two screens."""
HIDDEN_DEFAULTS = ("allPorts", "linkVariables", "health.interval", "health.timeout", "health.retries", "protocol")
"""Fields that are in the table only if they are written."""


def configure(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("workload", nargs="?", metavar="WORKLOAD", help="a service, store or job: web, services.web")
    which.add_argument("--defaults", action="store_true", help="list all defaults with their reasons")
    stack.add_option(parser)
    command.add_json_option(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    if arguments.defaults:
        listed = defaults.list_defaults()
        if arguments.json:
            command.print_json(list(map(dataclasses.asdict, listed)))
        else:
            _print_defaults(listed)
        return command.SUCCESS
    environment = standalone.load_environment(stack.find_target(arguments))
    explanation = workload.explain_workload(environment, arguments.workload)
    if arguments.json:
        command.print_json(dataclasses.asdict(explanation))
    else:
        _print_explanation(explanation)
    return command.SUCCESS


def _print_explanation(explanation: workload.Explanation) -> None:
    title = f"{explanation.name} · {explanation.kind} of {explanation.application} · stack {explanation.stack}"
    display.print_line(text.Text(f"{title}\n"))
    display.print_table(("", ""), _list_facts(explanation), header=False)
    display.print_line()
    objects = [(f"{described.kind}/{described.name}", described.purpose) for described in explanation.objects]
    display.print_table(OBJECT_HEADINGS, objects)
    display.print_line()
    display.print_table(FIELD_HEADINGS, (_format_field(field) for field in explanation.rows if _is_in_summary(field)))
    display.print_line(text.Text(f"\n{MORE_HINT}"))


def _list_facts(explanation: workload.Explanation) -> Iterator[tuple[str, str]]:
    source = f"{explanation.image} ({explanation.image_from})" if explanation.image else None
    yield "image", source or "none: it is external, and nothing is deployed for it"
    yield "address", explanation.address or "none: it accepts no requests"
    if explanation.published == "none":
        yield "from outside", "not reachable: publish is true, but the stack's seaway:publish is none"
    elif explanation.published:
        yield "from outside", ", ".join(explanation.urls) or f"by seaway:publish {explanation.published}"
    yield from (
        (label, ", ".join(names))
        for label, names in (
            ("calls", explanation.calls),
            ("called by", explanation.called_by),
            ("depends on", explanation.depends_on),
        )
        if names
    )
    if explanation.start:
        yield "start it", explanation.start


def _is_in_summary(field: workload.ExplainedField) -> bool:
    """Whether the field is in the table: written, or a default that readers ask for first."""
    if field.object:
        return field.check is not None and field.check.startswith(SUMMARY_CHECK_GROUPS)
    return field.place is not None or (field.value not in (None, []) and field.field not in HIDDEN_DEFAULTS)


def _format_field(field: workload.ExplainedField) -> tuple[str, ...]:
    source = f"default: {field.why}" if field.place is None else field.place
    name = f"{field.object} {field.field}" if field.object else field.field
    source = f"{source} ({field.check})" if field.check else source
    return name, _format_value(field.value), source, field.becomes or "-"


def _print_defaults(listed: list[defaults.Default]) -> None:
    """Print one table for each owner."""
    for number, (owner, group) in enumerate(itertools.groupby(listed, key=lambda default: default.of)):
        if number:
            display.print_line()
        display.print_line(text.Text(owner, style="bold"))
        display.print_table(DEFAULT_HEADINGS, map(_format_default, group))


def _format_default(default: defaults.Default) -> tuple[str, ...]:
    reason = f"{default.why} ({default.check})" if default.check else default.why
    return default.field, _format_value(default.value), default.means or "-", reason or "-"


def _format_value(field_value: Any) -> str:
    """A value as in YAML, on one line."""
    return "none" if field_value in (None, [], {}) else display.format_value(field_value)
