"""What a change of the files would deploy, found without a cluster, Docker, secrets or Pulumi: two trees rendered.

It sees what the files say. What somebody edited in the cluster, it cannot.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from seaway.images import build_inputs, rebuild_reasons
from seaway.manifests import inputs, names, objects, preview
from seaway.model import application, settings
from seaway.model.validate import secrets
from seaway.project import stack_file
from seaway.release import project
from seaway.review import change, impact
from seaway.syntax import nodes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What one tree would deploy to a stack."""

    app: application.Application
    settings: settings.Settings
    objects: tuple[objects.Object, ...]
    images: Mapping[str, inputs.Image]
    """Those that are built, or that the pinned release has, by name."""
    sources: Mapping[str, rebuild_reasons.Record]
    """What goes into those that are built."""


def rendered(folder: Path, stack: str) -> Rendered:
    """The tree in ``folder``, for a stack.

    Raises:
        problems.Invalid: everything that is wrong in its files.
    """
    one = project.of(folder, stack)
    if one.release is not None:
        sources: dict[str, rebuild_reasons.Record] = {}
        images = one.release.given(one.settings.registry)
    else:
        sources = build_inputs.records(folder, one.app, one.settings)
        images = preview.tagged(one.app, one.settings, {name: it.tag for name, it in sources.items()})
    written = _fingerprints(one.app, folder / f"Pulumi.{stack}.yaml")
    found = preview.rendered(one.app, one.settings, images, written)
    return Rendered(app=one.app, settings=one.settings, objects=tuple(found), images=images, sources=sources)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two trees."""

    pairs: tuple[change.Pair, ...]
    """The objects that are not the same."""
    images: tuple[change.Image, ...]
    """Those with another content."""
    new: bool
    """Whether the first tree does not have the stack."""


def compare(old: Rendered | None, new: Rendered) -> Compared:
    """What a change from one tree to another does. None: there was no such stack."""
    return Compared(pairs=tuple(_pairs(old, new)), images=tuple(_images(old, new)), new=old is None)


def _pairs(old: Rendered | None, new: Rendered) -> list[change.Pair]:
    before = {one.key: one for one in old.objects} if old else {}
    after = {one.key: one for one in new.objects}
    found = [_pair(key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after])]
    made, wanted = secrets.generated(old.app) if old else {}, secrets.generated(new.app)
    found += [_secret(name, made.get(name), wanted.get(name)) for name in dict.fromkeys([*made, *wanted])]
    return change.joined(one for one in found if one.old != one.new)


def _images(old: Rendered | None, new: Rendered) -> list[change.Image]:
    before: Mapping[str, inputs.Image] = old.images if old else {}
    sources: Mapping[str, rebuild_reasons.Record] = old.sources if old else {}
    return [
        change.Image(
            name=name,
            repository=_repository(one.reference),
            old=before[name].content if name in before else None,
            new=one.content,
            why=rebuild_reasons.reason(sources[name], new.sources[name])
            if name in sources and name in new.sources
            else None,
        )
        for name, one in new.images.items()
        if name not in before or before[name].content != one.content
    ]


def _repository(reference: str) -> str:
    """Without tag and digest. A registry's port is no tag."""
    return re.sub(r":[^:/]*$", "", reference.partition("@")[0])


def _pair(key: str, old: objects.Object | None, new: objects.Object | None) -> change.Pair:
    kind, _, name = key.partition("/")
    return change.Pair(
        kind=kind,
        name=name,
        old=old.manifest if old else None,
        new=new.manifest if new else None,
        replaced=impact.replaced(old.manifest, new.manifest) if old and new else None,
        kept=old is not None and old.retain,
    )


def _fingerprints(app: application.Application, file: Path) -> dict[str, str]:
    """What stands for the values: how each is made, or its encrypted text in the stack's file. Who sets a value anew
    writes another one there."""
    config = nodes.inside(nodes.parse(stack_file.load_bytes(file), file.name), "config")
    entry = config.get("seaway:secrets")
    written = nodes.plain(entry.node) if entry else None
    encrypted = cast(dict[str, Any], written if isinstance(written, dict) else {})
    made = secrets.generated(app)
    return {name: names.digest([encrypted.get(name), made.get(name)]) for name in secrets.valued(app)}


def _secret(name: str, old: int | None, new: int | None) -> change.Pair:
    """A value that is made: another length is another value."""
    return change.Pair(
        kind="GeneratedSecret",
        name=name,
        old=None if old is None else {"length": old},
        new=None if new is None else {"length": new},
        replaced=None if old is None or new is None else ["length"],
    )
