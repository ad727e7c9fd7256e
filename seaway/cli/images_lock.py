"""``seaway images lock``: pins the base images and images in ``images.lock`` to the digests in their registries.

It compares the images like ``seaway images outdated``, rewrites the lock file beside the application's file, and prints
the diff. Without a stack it also removes the images that neither the application nor a stack uses.

``--json`` prints ``{"images", "written"}``: the images as ``seaway images outdated`` has them, and whether the file
changed.

Exit codes: 0, written; 1, a registry is unreachable: its images keep their digests.
"""

import argparse

from seaway.cli import command, display, images_outdated, stack
from seaway.files import writer
from seaway.images import outdated
from seaway.model import image_reference
from seaway.project import images_lock, stack_file
from seaway.syntax import diagnosis

configure = images_outdated.configure


def run(arguments: argparse.Namespace) -> int:
    comparison = images_outdated.compare(arguments.stack, arguments.application)
    lock = comparison.lock
    unused = _find_unused_pins(comparison, lock, arguments.application) if lock and arguments.stack is None else []
    new_lock = outdated.renew_lock(lock or images_lock.ImagesLock(), comparison.results, unused)
    before = images_lock.format_lock(lock) if lock else ""
    after = images_lock.format_lock(new_lock) if new_lock.pins or lock else ""
    if after != before:
        writer.write_file(comparison.app_folder, comparison.app_folder / images_lock.FILE_NAME, after)
    if arguments.json:
        images = list(map(images_outdated.to_json, comparison.results))
        command.print_json({"images": images, "written": after != before})
    else:
        images_outdated.print_table(comparison)
        display.print_diff(comparison.lock_name, before, after, context=0)
    is_unreachable = any(result.state == "unreachable" for result in comparison.results)
    return command.FAILURE if is_unreachable else command.SUCCESS


def _find_unused_pins(
    comparison: images_outdated.Comparison, lock: images_lock.ImagesLock, application_name: str | None
) -> list[str]:
    """Pins that neither the application nor a stack uses; none if a stack cannot be read."""
    folder, app_file, root = comparison.folder, comparison.app_file, comparison.root
    uses = images_outdated.find_uses(folder, app_file, root, None, application_name)
    try:
        for name in comparison.stacks:
            if stack_file.is_building(stack.read_config(folder, name, application_name)):
                uses += images_outdated.find_uses(folder, app_file, root, name, application_name)
    except diagnosis.InvalidInput:
        return []
    used = {image_reference.normalize(use.reference) for use in uses}
    return [reference for reference in lock.pins if image_reference.normalize(reference) not in used]
