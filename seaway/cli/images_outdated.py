"""``seaway release outdated``: which base images and images are newer in their registries than where they are pinned.

Without a stack it looks at what the application itself names; with one at what that environment takes: its substitutes
and its overlay. ``--write`` renews ``images.lock`` beside the application's file, and prints the diff.

``--json`` prints ``{"images", "written"}``. An image is ``{"image", "state", "pinned", "now", "where", "why"}``:
``state`` is ``current``, ``outdated``, ``not pinned`` or ``unreachable``; ``pinned`` and ``now`` are digests or null;
``where`` lists the places that name it. ``written`` says whether the file was changed.

Exit codes: 0, nothing is outdated, or the file was renewed; 1, something is, or a registry could not be asked.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seaway.cli import command, stack
from seaway.files import roots, writer
from seaway.model import application, image_reference, settings
from seaway.project import images_lock, load, stack_file
from seaway.syntax import diagnosis

if TYPE_CHECKING:
    from seaway.images import outdated

HEADINGS = ("IMAGE", "STATE", "PINNED", "NOW", "WHERE")
DIGEST_LENGTH = len("sha256:") + 12
"""Characters of a digest in the table; all of them are in the file and in the JSON."""


def add(parsers: command.Subparsers) -> None:
    """The verb's command line."""
    told = "pinned images that their registries have newer; exit code 1 if there are any and they are not renewed"
    parser = parsers.add_parser("outdated", help="which images are newer than pinned", description=told)
    one = "what this stack takes: its substitutes and its overlay [what the application itself names]"
    parser.add_argument("-s", "--stack", metavar="STACK", help=one)
    parser.add_argument("--write", action="store_true", help=f"renew {images_lock.FILE_NAME}, and print the diff")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object; its fields: pydoc seaway.cli.images_outdated"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask the registries, show it, and renew the file if that was asked for; the exit code.

    Raises:
        diagnosis.InvalidInput: a file is wrong, it is not clear which application is meant, or there is no skopeo.
    """
    folder = stack.find_project_folder(Path.cwd())
    file = _find_app_file(folder, arguments.stack)
    shown = str(Path(file).with_name(images_lock.FILE_NAME))
    above = (folder / file).parent
    root = _find_root(folder, arguments.stack)
    lock = images_lock.read_lock(above, root, shown)
    from seaway.images import outdated  # noqa: PLC0415 - for those who ask registries

    found = outdated.compare_with_registries(
        _find_uses(folder, file, root, arguments.stack), lock or images_lock.ImagesLock()
    )
    before = images_lock.format_lock(lock) if lock else ""
    after = before
    if arguments.write:
        unused = _find_unused_pins(lock, folder, file, root) if lock and arguments.stack is None else []
        new = outdated.renew_lock(lock or images_lock.ImagesLock(), found, unused)
        after = images_lock.format_lock(new) if new.pins or lock else ""
    if after != before:
        writer.write_file(above, above / images_lock.FILE_NAME, after)
    if arguments.json:
        print(json.dumps({"images": [_to_json(one) for one in found], "written": after != before}, indent=2))
    else:
        _print_table(found, shown)
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), shown, shown, n=0, lineterm="")
        print("".join(f"{line}\n" for line in lines), end="")
    return _choose_exit_code(found, written=arguments.write)


def _choose_exit_code(results: "Sequence[outdated.ImageStatus]", *, written: bool) -> int:
    states = {one.state for one in results}
    return command.FAILURE if "unreachable" in states or ("outdated" in states and not written) else command.SUCCESS


def _find_app_file(folder: Path, name: str | None) -> str:
    """The application's file: that of the stack, or the one of all stacks."""
    if name is not None:
        return stack_file.get_app_path(stack_file.read_config(stack.find_file(folder, name)))
    files = {stack_file.get_app_path(stack_file.read_config(one)) for one in folder.glob("Pulumi.*.yaml")}
    if len(files) > 1:
        wrong = f"the stacks have different applications: {', '.join(sorted(files))}"
        raise diagnosis.InvalidInput(
            [diagnosis.Diagnostic(diagnosis.SourceLocation(str(folder)), "", wrong, "say which with --stack")]
        )
    return files.pop() if files else settings.Settings(stack="", context="").app


def _find_root(folder: Path, name: str | None) -> roots.Root:
    """What the application may name files in: that of the stack, or the widest of all stacks."""
    files = [stack.find_file(folder, name)] if name else sorted(folder.glob("Pulumi.*.yaml"))
    found = [stack_file.find_root(stack_file.read_config(one), folder) for one in files] or [roots.find_root(folder)]
    return min(found, key=lambda one: len(one.folder.parts))


def _find_uses(folder: Path, file: str, root: roots.Root, name: str | None) -> "list[outdated.ImageUse]":
    """The images that the application names, or that a stack takes."""
    from seaway.images import outdated  # noqa: PLC0415 - as above

    app, substitutes = _load_app(folder, file, root, name)
    return outdated.find_image_uses(app, (folder / file).parent, root, substitutes)


def _load_app(
    folder: Path, file: str, root: roots.Root, name: str | None
) -> tuple[application.Application, dict[str, str]]:
    if name is None:
        return load.load_application(folder / file, root=root), {}
    values = stack_file.read_config(stack.find_file(folder, name))
    said = stack_file.decode_settings(values, name)
    if not said.build:
        wrong = f"stack {name} builds nothing: its images come with the release that is pinned for it"
        remedy = "look at the stack that builds"
        raise diagnosis.InvalidInput(
            [diagnosis.Diagnostic(values.pairs["build"].location, "seaway:build", wrong, remedy)]
        )
    return load.load_application(folder / file, root=root, overlay=stack_file.get_overlay(values)), dict(
        said.image_overrides
    )


def _find_unused_pins(lock: images_lock.ImagesLock, folder: Path, file: str, root: roots.Root) -> list[str]:
    """Lines that neither the application nor a stack needs any more. With a stack that cannot be read: none."""
    named = [one.reference for one in _find_uses(folder, file, root, None)]
    try:
        for one in folder.glob("Pulumi.*.yaml"):
            name = one.name.removeprefix("Pulumi.").removesuffix(".yaml")
            if stack_file.is_building(stack_file.read_config(one)):
                named += [use.reference for use in _find_uses(folder, file, root, name)]
    except diagnosis.InvalidInput:
        return []
    needed = set(map(image_reference.normalize, named))
    return [one for one in lock.pins if image_reference.normalize(one) not in needed]


def _to_json(result: "outdated.ImageStatus") -> dict[str, Any]:
    """As ``--json`` prints it."""
    return {
        "image": result.use.reference,
        "state": result.state,
        "pinned": result.pinned_digest,
        "now": result.registry_digest,
        "where": list(result.use.used_in),
        "why": result.reason or None,
    }


def _print_table(results: "Sequence[outdated.ImageStatus]", lock_name: str) -> None:
    from seaway.cli import display  # noqa: PLC0415 - brings rich

    if not results:
        print(f"nothing to pin in {lock_name}: the application names no image")
        return
    rows = [
        (
            one.use.reference,
            one.state,
            (one.pinned_digest or "-")[:DIGEST_LENGTH],
            (one.registry_digest or "-")[:DIGEST_LENGTH],
            ", ".join(one.use.used_in),
        )
        for one in results
    ]
    display.write(display.create_screen(), display.build_table(HEADINGS, rows))
    for one in results:
        if one.reason:
            print(f"seaway: {one.reason}", file=sys.stderr)
