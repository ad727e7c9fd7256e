"""``images.lock``, beside the application's file: which image each reference names, by digest.

It is written by ``seaway release outdated --write`` and kept in git; its diff is the update. A line is a reference, as
the application or a Dockerfile has it, and its digest. Without the file, a reference names what its registry says.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path

from seaway.files import roots
from seaway.model import application, image_reference, settings
from seaway.syntax import diagnosis, nodes

FILE_NAME = "images.lock"

RENEW_COMMAND = "seaway release outdated --write"

_HINT = f"remove the line, or take the file from git, and then: {RENEW_COMMAND}"
_HEADER = f"# What each image is, by digest. Written by `{RENEW_COMMAND}`; commit it.\n"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImagesLock:
    """All that the file says."""

    pins: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Digest by reference, as it is written."""

    def find_digest(self, reference: str) -> str | None:
        """What a reference is pinned to; it may be written in any of Docker's ways. None: it is not in the file."""
        known = {image_reference.normalize(name): exact for name, exact in self.pins.items()}
        return self.pins.get(reference) or known.get(image_reference.normalize(reference))

    def pin_reference(self, reference: str) -> str:
        """The reference with its digest; as it is, where it has one already or the file has none for it."""
        exact = None if image_reference.get_digest(reference) else self.find_digest(reference)
        return f"{reference}@{exact}" if exact else reference


def pin_application(app: application.Application, lock: ImagesLock) -> application.Application:
    """The application with the digests of its images."""
    return app.replace_containers(lambda _, one: {} if one.image is None else {"image": lock.pin_reference(one.image)})


def pin_overrides(stack_settings: settings.Settings, lock: ImagesLock) -> settings.Settings:
    """The settings with the digests of what the environment takes instead."""
    return dataclasses.replace(
        stack_settings,
        image_overrides={name: lock.pin_reference(one) for name, one in stack_settings.image_overrides.items()},
    )


def read_lock(folder: Path, root: roots.Root, display_path: str = FILE_NAME) -> ImagesLock | None:
    """The file in the folder of the application's file; None: there is none. ``shown`` is its name in messages.

    Raises:
        diagnosis.InvalidInput: everything that is wrong with it.
    """
    if not root.exists(folder / FILE_NAME):
        return None
    return decode_lock(
        nodes.parse(
            root.read(folder / FILE_NAME, "", diagnosis.SourceLocation(display_path), "", hint=_HINT), display_path
        )
    )


def decode_lock(node: nodes.Node) -> ImagesLock:
    """What the file says.

    Raises:
        diagnosis.InvalidInput: everything that is wrong with it.
    """
    if not isinstance(node, nodes.MappingNode):
        raise diagnosis.InvalidInput(
            [_make_diagnostic(node.location, "", f"{nodes.describe_node(node)} is no mapping from image to digest")]
        )
    wrong: list[diagnosis.Diagnostic] = []
    pins: dict[str, str] = {}
    seen: dict[str, str] = {}
    for name, entry in node.pairs.items():
        if image_reference.get_digest(name):
            wrong.append(_make_diagnostic(entry.location, name, "has a digest of its own, and needs none here"))
        elif not isinstance(entry.node, nodes.ScalarNode) or not _DIGEST.fullmatch(entry.node.text):
            wrong.append(
                _make_diagnostic(
                    entry.node.location, name, f"{nodes.describe_node(entry.node)} is no digest (sha256:...)"
                )
            )
        elif (first := seen.setdefault(image_reference.normalize(name), name)) != name:
            wrong.append(_make_diagnostic(entry.location, name, f"is the same image as {first}"))
        else:
            pins[name] = entry.node.text
    if wrong:
        raise diagnosis.InvalidInput(wrong)
    return ImagesLock(pins=pins)


def format_lock(lock: ImagesLock) -> str:
    """The file's text: one line an image, sorted."""
    pins = sorted(lock.pins.items())
    # Quotes only where YAML would read more in it: an IPv6 address begins with a bracket.
    return _HEADER + "".join(f"{name if name[0].isalnum() else json.dumps(name)}: {exact}\n" for name, exact in pins)


def _make_diagnostic(location: diagnosis.SourceLocation, path: str, message: str) -> diagnosis.Diagnostic:
    return diagnosis.Diagnostic(location, path, message, _HINT)
