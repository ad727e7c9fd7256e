"""``seaway images outdated``: compares the pinned base images and images with their registries.

Without a stack it compares the images that the application names; with a stack those of that environment, with its
overrides and its overlay.

``--json`` prints ``{"images": [...]}``. An image is ``{"image", "state", "pinned", "now", "where", "reason"}``:
``state`` is ``current``, ``outdated``, ``not pinned`` or ``unreachable``; ``pinned`` and ``now`` are digests or null;
``where`` lists the places that name it.

Exit codes: 0, no image is outdated; 1, an image is outdated, or a registry is unreachable.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seaway.cli import command, display, stack
from seaway.files import roots
from seaway.images import outdated
from seaway.model import application, settings
from seaway.project import images_lock, load, stack_file
from seaway.syntax import diagnosis, nodes

HEADINGS = ("IMAGE", "STATE", "PINNED", "NOW", "WHERE")
DIGEST_LENGTH = len("sha256:") + 12
"""Characters of a digest in the table. The lock file and the JSON have the whole digest."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The images of an application or a stack, compared with their registries."""

    folder: Path
    """The project folder."""
    stacks: Sequence[str]
    """The stacks that have the application."""
    app_file: str
    root: roots.Root
    """The folder that the application may name files in."""
    lock: images_lock.ImagesLock | None
    results: Sequence[outdated.ImageStatus]

    @property
    def app_folder(self) -> Path:
        """The folder of the application's file, and of the lock file."""
        return (self.folder / self.app_file).parent

    @property
    def lock_name(self) -> str:
        """The lock file, relative to the project."""
        return str(Path(self.app_file).with_name(images_lock.FILE_NAME))


def configure(parser: argparse.ArgumentParser) -> None:
    help_text = "use the image overrides and the overlay of a stack [the application's file alone]"
    parser.add_argument("-s", "--stack", metavar="STACK", type=stack.parse_name, help=help_text)
    stack.add_application_option(parser)
    command.add_json_option(parser, __name__)


def run(arguments: argparse.Namespace) -> int:
    comparison = compare(arguments.stack, arguments.application)
    if arguments.json:
        command.print_json({"images": list(map(to_json, comparison.results))})
    else:
        print_table(comparison)
    states = {result.state for result in comparison.results}
    return command.FAILURE if states & {"unreachable", "outdated"} else command.SUCCESS


def compare(stack_name: str | None, application_name: str | None) -> Comparison:
    """Compare the images of an application, or of a stack, with their registries."""
    folder = stack.find_project_folder(Path.cwd())
    stacks = [stack_name] if stack_name else stack.list_names(folder)
    having = [
        name for name in stacks if application_name in stack_file.list_applications(stack.find_file(folder, name))
    ]
    configs = [stack.read_config(folder, name, application_name) for name in having or stacks]
    app_file, root = _find_app_file(folder, configs), _find_root(folder, configs)
    app_folder = (folder / app_file).parent
    lock = images_lock.read_lock(app_folder, root, str(Path(app_file).with_name(images_lock.FILE_NAME)))
    uses = find_uses(folder, app_file, root, stack_name, application_name)
    results = outdated.compare_with_registries(uses, lock or images_lock.ImagesLock())
    return Comparison(folder=folder, stacks=having, app_file=app_file, root=root, lock=lock, results=results)


def find_uses(
    folder: Path, app_file: str, root: roots.Root, stack_name: str | None, application_name: str | None
) -> list[outdated.ImageUse]:
    """The images that the application names, or that a stack uses."""
    app, overrides = _load_app(folder, app_file, root, stack_name, application_name)
    return outdated.find_image_uses(app, (folder / app_file).parent, root, overrides)


def to_json(result: outdated.ImageStatus) -> dict[str, Any]:
    """An image for ``--json``."""
    return {
        "image": result.use.reference,
        "state": result.state,
        "pinned": result.pinned_digest,
        "now": result.registry_digest,
        "where": list(result.use.used_in),
        "reason": result.reason or None,
    }


def print_table(comparison: Comparison) -> None:
    """Print the images."""
    if not comparison.results:
        print(f"nothing to pin in {comparison.lock_name}: the application names no image")
        return
    rows = [
        (
            result.use.reference,
            result.state,
            (result.pinned_digest or "-")[:DIGEST_LENGTH],
            (result.registry_digest or "-")[:DIGEST_LENGTH],
            ", ".join(result.use.used_in),
        )
        for result in comparison.results
    ]
    display.print_table(HEADINGS, rows)
    for result in comparison.results:
        if result.reason:
            command.report(result.reason)


def _find_app_file(folder: Path, configs: Sequence[nodes.MappingNode]) -> str:
    """The application's file of all stacks."""
    files = set(map(stack_file.get_app_path, configs))
    if len(files) > 1:
        message = f"the stacks have different applications: {', '.join(sorted(files))}"
        raise diagnosis.reject(
            diagnosis.SourceLocation(str(folder)), "", "no-stack", message, "select a stack with --stack"
        )
    return files.pop() if files else settings.Settings(stack="", context="").app


def _find_root(folder: Path, configs: Sequence[nodes.MappingNode]) -> roots.Root:
    """The widest root of all stacks."""
    candidates = [stack_file.find_root(config, folder) for config in configs]
    return min(candidates or [roots.find_root(folder)], key=lambda root: len(root.folder.parts))


def _load_app(
    folder: Path, app_file: str, root: roots.Root, stack_name: str | None, application_name: str | None
) -> tuple[application.Application, dict[str, str]]:
    """The application and the image overrides."""
    if stack_name is None:
        return load.load_application(folder / app_file, root=root), {}
    config = stack.read_config(folder, stack_name, application_name)
    stack_settings = stack_file.decode_settings(config, stack_name)
    if not stack_settings.build:
        message = f"stack {stack_name} builds no images: it deploys those of its pinned release"
        hint = "select the stack that builds them"
        raise diagnosis.reject(config.pairs["build"].location, "seaway:build", "stack-pins", message, hint)
    app = load.load_application(folder / app_file, root=root, overlay=stack_file.get_overlay(config))
    return app, dict(stack_settings.image_overrides)
