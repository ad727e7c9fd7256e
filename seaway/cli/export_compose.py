"""``seaway render --to compose``: the application of a stack as one compose document, for plain Docker."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from seaway.cli import command, import_compose
from seaway.compose import report
from seaway.compose.exporter import container, exporter
from seaway.files import roots
from seaway.images import base_images, build_files, build_inputs
from seaway.manifests import preview
from seaway.project import environments, images_lock
from seaway.syntax import diagnosis


def run(arguments: argparse.Namespace, environment: environments.Environment) -> int:
    """Print it, and what is lost.

    Raises:
        diagnosis.InvalidInput: a build context or the command line is wrong.
    """
    if arguments.service:
        wrong, remedy = "chooses objects of Kubernetes", "leave it out: docker compose up <service> chooses there"
        raise diagnosis.InvalidInput([diagnosis.Diagnostic(diagnosis.SourceLocation("--service"), "", wrong, remedy)])
    found = exporter.export_application(
        environment.app,
        environment.node,
        folder=str(Path(environment.settings.app).parent),
        image_sources=dict(_resolve_images(environment)),
        image_overrides=environment.settings.image_overrides,
    )
    lost = [each for each in found.outcomes if each.kind in report.LOSSY_KINDS]
    fails = bool(arguments.strict and lost)
    if arguments.json:
        shown = {
            "application": environment.app.name,
            "counts": report.count_by_kind(found.outcomes),
            "strict": arguments.strict,
            "keys": [each.to_json() for each in found.outcomes],
            "compose": None if fails else found.document,
        }
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        if not fails:
            sys.stdout.write(found.to_yaml(format_header(environment.app.name, found.outcomes)))
        import_compose.print_report(lost, report.summarize(found.outcomes), environment.settings.app, to_stderr=True)
    return command.FAILURE if fails else command.SUCCESS


def format_header(name: str, outcomes: Iterable[report.KeyOutcome]) -> list[str]:
    """What whoever starts it must know first."""
    commands = [one.hint for one in outcomes if ".secrets." in one.path and one.hint.startswith(("printf", "echo"))]
    first = [f"Before the first start: mkdir -p {container.SECRETS_DIR}", *dict.fromkeys(commands)] if commands else []
    return [
        f"{name} for Docker Compose v2, by `seaway render --to compose`, which tells what is not as in a cluster.",
        "Its place is the folder where that was called, beside Pulumi.yaml: paths are relative to it.",
        *(line if number == 0 else f"  {line}" for number, line in enumerate(first)),
        "docker compose up --build --detach",
    ]


def _resolve_images(environment: environments.Environment) -> Iterator[tuple[str, container.ImageSource]]:
    """Those of the pinned release; or how the environment builds them."""
    if environment.release is not None:
        for name, image in preview.find_images(environment).items():
            yield name, container.ImageSource(reference=image.reference)
        return
    above = (environment.folder / environment.settings.app).parent
    root = roots.find_root(environment.folder, environment.settings.root)
    for name, build in build_inputs.list_builds(environment.app):
        read = build_inputs.BuildInputs.read(
            above, build, environment.settings, root, lock=images_lock.read_lock(above, root)
        )
        dockerfile = read.context.folder / build.dockerfile
        listed = base_images.BaseImages.parse(
            build_files.load_text(dockerfile, root), file=str(dockerfile), args=build.args
        ).images
        base = next((each.reference for each in reversed(listed) if not each.is_copy_source), "")
        yield name, container.ImageSource(build_args=read.args, base_image=base)
