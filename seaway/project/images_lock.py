"""``images.lock``, beside the application's file: the digest of each image reference.

``seaway images lock`` writes it, and it is kept in git: its diff is the update. A line is a reference, as it is written
in the application or in a Dockerfile, and its digest. A reference without a line is resolved by its registry.

Functions that read it raise ``diagnosis.InvalidInput`` with all errors in it.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seaway.files import roots
from seaway.model import application, image_reference, settings
from seaway.syntax import diagnosis, nodes, yaml_parser

FILE_NAME = "images.lock"
IMAGE_SCHEME = "docker-image://"
"""Of an image that is a further build context."""

RENEW_COMMAND = "seaway images lock"

_HINT = f"remove the line, or restore the file from git, and then run: {RENEW_COMMAND}"
_HEADER = f"# The digest of each image. Written by `{RENEW_COMMAND}`; commit it.\n"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImagesLock:
    """The content of the file."""

    pins: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Digest by reference, as it is written."""

    def find_digest(self, reference: str) -> str | None:
        """The digest of a reference, in whichever of Docker's forms it is written. None: it is not in the file."""
        digests = {image_reference.normalize(name): digest for name, digest in self.pins.items()}
        return self.pins.get(reference) or digests.get(image_reference.normalize(reference))

    def pin_reference(self, reference: str) -> str:
        """The reference with its digest. It stays unchanged if it has a digest, or if the file has none for it."""
        digest = None if image_reference.get_digest(reference) else self.find_digest(reference)
        return f"{reference}@{digest}" if digest else reference


def pin_application(app: application.Application, lock: ImagesLock) -> application.Application:
    """The application with the digests of its images."""

    def pin_container(_: str, container: application.ContainerSpec) -> dict[str, Any]:
        build = container.build if isinstance(container, application.WorkloadSpec) else None
        if build is not None and build.contexts:
            contexts = {
                name: f"{IMAGE_SCHEME}{lock.pin_reference(context.removeprefix(IMAGE_SCHEME))}"
                if context.startswith(IMAGE_SCHEME)
                else context
                for name, context in build.contexts.items()
            }
            return {"build": dataclasses.replace(build, contexts=contexts)}
        return {"image": lock.pin_reference(container.image)} if container.image else {}

    return app.replace_containers(pin_container)


def pin_overrides(stack_settings: settings.Settings, lock: ImagesLock) -> settings.Settings:
    """The settings with the digests of the images that the environment uses instead."""
    overrides = {name: lock.pin_reference(reference) for name, reference in stack_settings.image_overrides.items()}
    return dataclasses.replace(stack_settings, image_overrides=overrides)


def read_lock(folder: Path, root: roots.Root, display_path: str = FILE_NAME) -> ImagesLock | None:
    """The file in the folder of the application's file, called ``display_path`` in messages. None: there is no file."""
    path = folder / FILE_NAME
    if not root.exists(path):
        return None
    content = root.read(path, "", diagnosis.SourceLocation(display_path), "", hint=_HINT)
    return decode_lock(yaml_parser.parse(content, display_path))


def decode_lock(node: nodes.Node) -> ImagesLock:
    """The content of the file."""
    if not isinstance(node, nodes.MappingNode):
        message = f"{nodes.describe_node(node)} is not a mapping from image to digest"
        raise diagnosis.reject(node.location, "", "invalid-type", message, _HINT)
    diagnostics: list[diagnosis.Diagnostic] = []
    pins: dict[str, str] = {}
    first_forms: dict[str, str] = {}
    for name, pair in node.pairs.items():
        location = pair.location
        if image_reference.get_digest(name):
            code, message = "duplicate-digest", "has a digest already"
        elif not isinstance(pair.node, nodes.ScalarNode) or not _DIGEST.fullmatch(pair.node.text):
            location = pair.node.location
            code, message = "invalid-digest", f"{nodes.describe_node(pair.node)} is not a digest (sha256:...)"
        elif (first := first_forms.setdefault(image_reference.normalize(name), name)) != name:
            code, message = "duplicate-name", f"is the same image as {first}"
        else:
            pins[name] = pair.node.text
            continue
        diagnostics.append(diagnosis.Diagnostic(location, name, message, _HINT, code))
    if diagnostics:
        raise diagnosis.InvalidInput(diagnostics)
    return ImagesLock(pins=pins)


def format_lock(lock: ImagesLock) -> str:
    """The text of the file: one line per image, sorted."""
    # Quotes only where YAML needs them: an IPv6 address begins with a bracket.
    names = {name: name if name[0].isalnum() else json.dumps(name) for name in sorted(lock.pins)}
    return _HEADER + "".join(f"{written}: {lock.pins[name]}\n" for name, written in names.items())
