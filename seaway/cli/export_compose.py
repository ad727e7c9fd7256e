"""``seaway export``: an application as one Docker Compose file, for plain Docker with Docker Compose v2.

The document goes to stdout. A table on stderr lists the keys of the application that Docker Compose does not support:
approximated or dropped, each with the reason and a fix. ``--app`` and ``--stack`` are as for ``seaway render``.

``--json`` prints one object: ``application``, ``counts``, ``strict``, ``keys`` (as those of ``seaway import``) and
``compose``, the document.

Exit codes: 0, exported; 1, a key is lost and ``--strict`` is set; 2, the application or the stack's configuration is
invalid.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

from seaway.cli import command, import_compose, output, standalone
from seaway.compose import report
from seaway.compose.exporter import container, exporter
from seaway.images import build_inputs
from seaway.manifests import preview
from seaway.project import environments


def configure(parser: argparse.ArgumentParser) -> None:
    standalone.add_options(parser)
    parser.add_argument("--strict", action="store_true", help="fail and print no document if a key is lost")
    command.add_json_option(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    environment = standalone.read_environment(arguments, needs_registry=False)
    app, stack_settings = environment.app, environment.settings
    result = exporter.export_application(
        app,
        environment.node,
        folder=str(Path(stack_settings.app).parent),
        image_sources=dict(_resolve_images(environment)),
        image_overrides=stack_settings.image_overrides,
    )
    losses = [outcome for outcome in result.outcomes if outcome.kind in report.LOSSY_KINDS]
    fails = bool(arguments.strict and losses)
    if arguments.json:
        command.print_json(
            {
                "application": app.name,
                "counts": report.count_by_kind(result.outcomes),
                "strict": arguments.strict,
                "keys": [outcome.to_json() for outcome in result.outcomes],
                "compose": None if fails else result.document,
            }
        )
    else:
        if not fails:
            output.write_document(result.to_yaml(format_header(app.name, result.outcomes)))
        import_compose.print_report(losses, report.summarize(result.outcomes), stack_settings.app, to_stderr=True)
    return command.FAILURE if fails else command.SUCCESS


def format_header(name: str, outcomes: Iterable[report.KeyOutcome]) -> list[str]:
    """The comment at the top of the document: how to start the application."""
    commands = dict.fromkeys(
        outcome.hint
        for outcome in outcomes
        if ".secrets." in outcome.path and outcome.hint.startswith(("printf", "echo"))
    )
    header = [
        f"{name} for Docker Compose v2, written by `seaway export`, which lists the differences from a cluster.",
        "Save it in the project folder, beside Pulumi.yaml: paths are relative to it.",
    ]
    if commands:
        header += [f"Before the first start: mkdir -p {container.SECRETS_DIR}", *(f"  {line}" for line in commands)]
    return [*header, "docker compose up --build --detach"]


def _resolve_images(environment: environments.Environment) -> Iterator[tuple[str, container.ImageSource]]:
    """The images of the pinned release, or the builds of the environment."""
    if environment.release is not None:
        for name, image in preview.find_images(environment).items():
            yield name, container.ImageSource(reference=image.reference)
        return
    for name, inputs in build_inputs.read_all(environment).items():
        images = reversed(inputs.bases.images)
        base = next((image.reference for image in images if not image.is_copy_source), "")
        yield name, container.ImageSource(build_args=inputs.args, base_image=base)
