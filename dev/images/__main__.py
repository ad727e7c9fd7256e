"""`python3 -m dev.images ensure --registry HOST:PORT`. Exit codes: 0 success, 1 failure."""

import argparse
import sys
import time

from dev.images import layers, oci, recipes


def ensure_images(registry: str) -> None:
    """Build and push the base images that the registry (`host:port`, plain http) lacks. Raises CannotMakeError."""
    for image in recipes.IMAGES:
        started = time.monotonic()
        if oci.is_in_registry(image, registry):
            print_line(f"{image.name}: in the registry")
            continue
        stack = [layers.ensure_layer(layer, print_line) for layer in list_layers(image.layer)]
        digest = oci.push_image(image, stack, registry)
        size = sum(layer.file.stat().st_size for layer in stack) / 1e6
        print_line(f"{image.name}: pushed, {size:.1f} MB compressed, {digest[:19]}, {time.monotonic() - started:.0f} s")


def list_layers(layer: recipes.Layer) -> list[recipes.Layer]:
    """Return the layer and the layers below it, lowest first."""
    return [*(list_layers(layer.below) if layer.below else []), layer]


def print_line(line: str) -> None:
    """Print a line immediately."""
    print(f"base images: {line}", flush=True)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m dev.images", description="Build local base images from Debian packages."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("ensure", help="build and push the images that the registry lacks")
    command.add_argument("--registry", required=True, metavar="HOST:PORT", help="a registry that speaks plain http")
    try:
        ensure_images(parser.parse_args().registry)
    except (layers.CannotMakeError, OSError) as error:
        print(f"base images: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
