"""`python3 -m dev.images ensure|list|add`. Exit codes: 0 success, 1 failure."""

import argparse
import pathlib
import sys
import time

from dev import project
from dev.images import catalogue, layers, oci, recipes


def ensure_images(registry: str) -> None:
    """Build and push the base images that the registry (`host:port`, plain http) lacks. Raises CannotMakeError."""
    for image in recipes.IMAGES:
        started = time.monotonic()
        if oci.is_in_registry(image, registry):
            print_line(f"{image.name}: in the registry")
            continue
        stack = [layers.ensure_layer(layer, print_line) for layer in image.layer.list_stack()]
        digest = oci.push_image(image, stack, registry)
        size = sum(layer.file.stat().st_size for layer in stack) / 1e6
        print_line(f"{image.name}: pushed, {size:.1f} MB compressed, {digest[:19]}, {time.monotonic() - started:.0f} s")


def add_image(options: argparse.Namespace) -> None:
    """Add an image to the registry. Raises CannotMakeError."""
    sources = [source for source in (options.packages, options.tar, options.source) if source]
    name = catalogue.parse_name(options.name) if options.name else ""
    if name and not sources and catalogue.add_stand_in(name, options.registry, print_line):
        print(catalogue.format_next_steps(name))
        return
    if not name or len(sources) != 1:
        raise layers.CannotMakeError(
            f"set NAME, and one of PACKAGES, TAR and FROM:\n{catalogue.format_ways('NAME:TAG')}"
        )
    if options.packages:
        catalogue.add_packages(name, options.packages, options.command_line, options.registry, print_line)
    elif options.tar:
        catalogue.add_archive(name, pathlib.Path(options.tar), options.registry)
    else:
        catalogue.add_from_registry(name, options.source, options.registry)
    print(catalogue.format_next_steps(name))


def print_line(line: str) -> None:
    """Print a line immediately."""
    print(f"images: {line}", flush=True)


def main() -> int:
    """Run the command line."""
    own = project.find_registry(project.ROOT)
    parser = argparse.ArgumentParser(prog="python3 -m dev.images", description="The images of the one-node cluster.")
    commands = parser.add_subparsers(dest="command", required=True)
    ensure = commands.add_parser("ensure", help="build and push the base images that the registry lacks")
    listing = commands.add_parser("list", help="list the images that the cluster can run, and the ways to add images")
    add = commands.add_parser("add", help="add an image to the registry")
    add.add_argument("name", help="its name in app.yaml: redis:7")
    add.add_argument("--packages", help="build it from these Debian packages")
    add.add_argument("--command", dest="command_line", default="", help="with --packages: the command that it runs")
    add.add_argument("--tar", help="copy it from an archive of `docker save`, or an OCI archive")
    add.add_argument("--from", dest="source", help="copy it from another registry")
    for command in (ensure, listing, add):
        help_text = "a registry that speaks plain http [the cluster's]"
        command.add_argument("--registry", default=own, metavar="HOST:PORT", help=help_text)
    options = parser.parse_args()
    try:
        if options.command == "ensure":
            ensure_images(options.registry)
        elif options.command == "list":
            print(catalogue.format_images(catalogue.list_images(options.registry, catalogue.read_overrides())))
        else:
            add_image(options)
    except (layers.CannotMakeError, OSError) as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
