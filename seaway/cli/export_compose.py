"""``seaway render --to compose``: the application of a stack as one compose document, for plain Docker."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from seaway.cli import command, import_compose
from seaway.compose import report
from seaway.compose.exporter import container, exporter
from seaway.explain import origin
from seaway.files import roots
from seaway.images import base_images, build_files, build_inputs
from seaway.project import images_lock
from seaway.release import project
from seaway.syntax import diagnosis


def run(arguments: argparse.Namespace, one: project.Project, folder: Path) -> int:
    """Print it, and what is lost.

    Raises:
        problems.Invalid: a build context or the command line is wrong.
    """
    if arguments.service:
        wrong, remedy = "chooses objects of Kubernetes", "leave it out: docker compose up <service> chooses there"
        raise diagnosis.Invalid([diagnosis.Problem(diagnosis.Place("--service"), "", wrong, remedy)])
    found = exporter.convert(
        one.app,
        origin.written(one, folder),
        folder=str(Path(one.settings.app).parent),
        images=dict(_images(one, folder)),
        substitutes=one.settings.substitutes,
    )
    lost = [each for each in found.losses if each.kind in report.LOST]
    fails = bool(arguments.strict and lost)
    if arguments.json:
        shown = {
            "application": one.app.name,
            "counts": report.counted(found.losses),
            "strict": arguments.strict,
            "keys": [each.plain() for each in found.losses],
            "compose": None if fails else found.document,
        }
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        if not fails:
            sys.stdout.write(found.yaml(header(one.app.name, found.losses)))
        import_compose.show(lost, report.summary(found.losses), one.settings.app, to_stderr=True)
    return command.FAILED if fails else command.DONE


def header(name: str, losses: Iterable[report.Loss]) -> list[str]:
    """What whoever starts it must know first."""
    commands = [one.remedy for one in losses if ".secrets." in one.path and one.remedy.startswith(("printf", "echo"))]
    first = [f"Before the first start: mkdir -p {container.FOLDER}", *dict.fromkeys(commands)] if commands else []
    return [
        f"{name} for Docker Compose v2, by `seaway render --to compose`, which tells what is not as in a cluster.",
        "Its place is the folder where that was called, beside Pulumi.yaml: paths are relative to it.",
        *(line if number == 0 else f"  {line}" for number, line in enumerate(first)),
        "docker compose up --build --detach",
    ]


def _images(one: project.Project, folder: Path) -> Iterator[tuple[str, container.Image]]:
    """Those of the pinned release; or how the environment builds them."""
    if one.release is not None:
        for name, image in project.images(one, folder).items():
            yield name, container.Image(reference=image.reference)
        return
    above = (folder / one.settings.app).parent
    root = roots.find_root(folder, one.settings.root)
    for name, build in build_inputs.builds(one.app):
        read = build_inputs.Source.read(above, build, one.settings, root, lock=images_lock.read(above, root))
        dockerfile = read.context.folder / build.dockerfile
        listed = base_images.Bases.parse(
            build_files.read(dockerfile, root), file=str(dockerfile), args=build.args
        ).found
        base = next((each.reference for each in reversed(listed) if not each.copied), "")
        yield name, container.Image(args=read.args, base=base)
