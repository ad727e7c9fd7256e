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
from seaway.model import application, containers, image_reference, settings
from seaway.syntax import diagnosis, nodes

FILE = "images.lock"

RENEW = "seaway release outdated --write"

_HINT = f"remove the line, or take the file from git, and then: {RENEW}"
_TOLD = f"# What each image is, by digest. Written by `{RENEW}`; commit it.\n"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All that the file says."""

    pins: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str])
    """Digest by reference, as it is written."""

    def digest(self, reference: str) -> str | None:
        """What a reference is pinned to; it may be written in any of Docker's ways. None: it is not in the file."""
        known = {image_reference.short(name): exact for name, exact in self.pins.items()}
        return self.pins.get(reference) or known.get(image_reference.short(reference))

    def pinned(self, reference: str) -> str:
        """The reference with its digest; as it is, where it has one already or the file has none for it."""
        exact = None if image_reference.digest(reference) else self.digest(reference)
        return f"{reference}@{exact}" if exact else reference


def pinned(app: application.Application, lock: Lock) -> application.Application:
    """The application with the digests of its images."""
    return containers.changed(app, lambda _, one: {} if one.image is None else {"image": lock.pinned(one.image)})


def substituted(said: settings.Settings, lock: Lock) -> settings.Settings:
    """The settings with the digests of what the environment takes instead."""
    return dataclasses.replace(said, substitutes={name: lock.pinned(one) for name, one in said.substitutes.items()})


def read(folder: Path, root: roots.Root, shown: str = FILE) -> Lock | None:
    """The file in the folder of the application's file; None: there is none. ``shown`` is its name in messages.

    Raises:
        problems.Invalid: everything that is wrong with it.
    """
    if not root.exists(folder / FILE):
        return None
    return decode(nodes.parse(root.read(folder / FILE, "", diagnosis.Place(shown), "", hint=_HINT), shown))


def decode(node: nodes.Node) -> Lock:
    """What the file says.

    Raises:
        problems.Invalid: everything that is wrong with it.
    """
    if not isinstance(node, nodes.Table):
        raise diagnosis.Invalid([_problem(node.place, "", f"{nodes.shown(node)} is no mapping from image to digest")])
    wrong: list[diagnosis.Problem] = []
    pins: dict[str, str] = {}
    seen: dict[str, str] = {}
    for name, entry in node.entries.items():
        if image_reference.digest(name):
            wrong.append(_problem(entry.place, name, "has a digest of its own, and needs none here"))
        elif not isinstance(entry.node, nodes.Scalar) or not _DIGEST.fullmatch(entry.node.text):
            wrong.append(_problem(entry.node.place, name, f"{nodes.shown(entry.node)} is no digest (sha256:...)"))
        elif (first := seen.setdefault(image_reference.short(name), name)) != name:
            wrong.append(_problem(entry.place, name, f"is the same image as {first}"))
        else:
            pins[name] = entry.node.text
    if wrong:
        raise diagnosis.Invalid(wrong)
    return Lock(pins=pins)


def text(lock: Lock) -> str:
    """The file's text: one line an image, sorted."""
    pins = sorted(lock.pins.items())
    # Quotes only where YAML would read more in it: an IPv6 address begins with a bracket.
    return _TOLD + "".join(f"{name if name[0].isalnum() else json.dumps(name)}: {exact}\n" for name, exact in pins)


def _problem(place: diagnosis.Place, path: str, wrong: str) -> diagnosis.Problem:
    return diagnosis.Problem(place, path, wrong, _HINT)
