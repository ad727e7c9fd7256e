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

HEAD = ("IMAGE", "STATE", "PINNED", "NOW", "WHERE")
LENGTH = len("sha256:") + 12
"""Characters of a digest in the table; all of them are in the file and in the JSON."""


def add(parsers: command.Parsers) -> None:
    """The verb's command line."""
    told = "pinned images that their registries have newer; exit code 1 if there are any and they are not renewed"
    parser = parsers.add_parser("outdated", help="which images are newer than pinned", description=told)
    one = "what this stack takes: its substitutes and its overlay [what the application itself names]"
    parser.add_argument("-s", "--stack", metavar="STACK", help=one)
    parser.add_argument("--write", action="store_true", help=f"renew {images_lock.FILE}, and print the diff")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object; its fields: pydoc seaway.cli.images_outdated"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ask the registries, show it, and renew the file if that was asked for; the exit code.

    Raises:
        problems.Invalid: a file is wrong, it is not clear which application is meant, or there is no skopeo.
    """
    folder = stack.project(Path.cwd())
    file = _file(folder, arguments.stack)
    shown = str(Path(file).with_name(images_lock.FILE))
    above = (folder / file).parent
    root = _find_root(folder, arguments.stack)
    lock = images_lock.read(above, root, shown)
    from seaway.images import outdated  # noqa: PLC0415 - for those who ask registries

    found = outdated.compare(_uses(folder, file, root, arguments.stack), lock or images_lock.Lock())
    before = images_lock.text(lock) if lock else ""
    after = before
    if arguments.write:
        unused = _unused(lock, folder, file, root) if lock and arguments.stack is None else []
        new = outdated.renewed(lock or images_lock.Lock(), found, unused)
        after = images_lock.text(new) if new.pins or lock else ""
    if after != before:
        writer.write(above, above / images_lock.FILE, after)
    if arguments.json:
        print(json.dumps({"images": [_plain(one) for one in found], "written": after != before}, indent=2))
    else:
        _show(found, shown)
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), shown, shown, n=0, lineterm="")
        print("".join(f"{line}\n" for line in lines), end="")
    return _code(found, written=arguments.write)


def _code(found: "Sequence[outdated.Found]", *, written: bool) -> int:
    states = {one.state for one in found}
    return command.FAILED if "unreachable" in states or ("outdated" in states and not written) else command.DONE


def _file(folder: Path, name: str | None) -> str:
    """The application's file: that of the stack, or the one of all stacks."""
    if name is not None:
        return stack_file.app(stack_file.read(stack.known(folder, name)))
    files = {stack_file.app(stack_file.read(one)) for one in folder.glob("Pulumi.*.yaml")}
    if len(files) > 1:
        wrong = f"the stacks have different applications: {', '.join(sorted(files))}"
        raise diagnosis.Invalid([diagnosis.Problem(diagnosis.Place(str(folder)), "", wrong, "say which with --stack")])
    return files.pop() if files else settings.Settings(stack="", context="").app


def _find_root(folder: Path, name: str | None) -> roots.Root:
    """What the application may name files in: that of the stack, or the widest of all stacks."""
    files = [stack.known(folder, name)] if name else sorted(folder.glob("Pulumi.*.yaml"))
    found = [stack_file.find_root(stack_file.read(one), folder) for one in files] or [roots.find_root(folder)]
    return min(found, key=lambda one: len(one.folder.parts))


def _uses(folder: Path, file: str, root: roots.Root, name: str | None) -> "list[outdated.Use]":
    """The images that the application names, or that a stack takes."""
    from seaway.images import outdated  # noqa: PLC0415 - as above

    app, substitutes = _stated(folder, file, root, name)
    return outdated.uses(app, (folder / file).parent, root, substitutes)


def _stated(
    folder: Path, file: str, root: roots.Root, name: str | None
) -> tuple[application.Application, dict[str, str]]:
    if name is None:
        return load.load(folder / file, root=root), {}
    values = stack_file.read(stack.known(folder, name))
    said = stack_file.decode_settings(values, name)
    if not said.build:
        wrong = f"stack {name} builds nothing: its images come with the release that is pinned for it"
        remedy = "look at the stack that builds"
        raise diagnosis.Invalid([diagnosis.Problem(values.entries["build"].place, "seaway:build", wrong, remedy)])
    return load.load(folder / file, root=root, overlay=stack_file.overlay(values)), dict(said.substitutes)


def _unused(lock: images_lock.Lock, folder: Path, file: str, root: roots.Root) -> list[str]:
    """Lines that neither the application nor a stack needs any more. With a stack that cannot be read: none."""
    named = [one.reference for one in _uses(folder, file, root, None)]
    try:
        for one in folder.glob("Pulumi.*.yaml"):
            name = one.name.removeprefix("Pulumi.").removesuffix(".yaml")
            if stack_file.builds(stack_file.read(one)):
                named += [use.reference for use in _uses(folder, file, root, name)]
    except diagnosis.Invalid:
        return []
    needed = set(map(image_reference.short, named))
    return [one for one in lock.pins if image_reference.short(one) not in needed]


def _plain(one: "outdated.Found") -> dict[str, Any]:
    """As ``--json`` prints it."""
    return {
        "image": one.use.reference,
        "state": one.state,
        "pinned": one.pinned,
        "now": one.now,
        "where": list(one.use.where),
        "why": one.why or None,
    }


def _show(found: "Sequence[outdated.Found]", shown: str) -> None:
    from seaway.cli import display  # noqa: PLC0415 - brings rich

    if not found:
        print(f"nothing to pin in {shown}: the application names no image")
        return
    rows = [
        (
            one.use.reference,
            one.state,
            (one.pinned or "-")[:LENGTH],
            (one.now or "-")[:LENGTH],
            ", ".join(one.use.where),
        )
        for one in found
    ]
    display.write(display.screen(), display.columns(HEAD, rows))
    for one in found:
        if one.why:
            print(f"seaway: {one.why}", file=sys.stderr)
