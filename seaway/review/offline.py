"""What a change of the files would deploy, found without a cluster, Docker, secrets or Pulumi: two trees rendered.

It sees what the files say. What somebody edited in the cluster, it cannot.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from seaway.checks import registry
from seaway.images import build_inputs, rebuild_reasons
from seaway.manifests import inputs, objects, preview
from seaway.model import application, secrets, settings
from seaway.project import environments, stack_file
from seaway.review import change, impact
from seaway.syntax import hashing, nodes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RenderedTree:
    """What one tree would deploy to a stack."""

    app: application.Application
    settings: settings.Settings
    objects: tuple[objects.ReleaseObject, ...]
    images: Mapping[str, inputs.Image]
    """Those that are built, or that the pinned release has, by name."""
    build_records: Mapping[str, rebuild_reasons.BuildRecord]
    """What goes into those that are built."""


def render_tree(folder: Path, stack: str) -> RenderedTree:
    """The tree in ``folder``, for a stack.

    Raises:
        diagnosis.InvalidInput: everything that is wrong in its files.
    """
    one = environments.load_environment(folder, stack, check_ids=registry.IDS)
    if one.release is not None:
        sources: dict[str, rebuild_reasons.BuildRecord] = {}
        images = inputs.resolve_release_images(one.release, one.settings.registry)
    else:
        sources = build_inputs.read_build_records(one)
        images = preview.tag_images(one, {name: it.tag for name, it in sources.items()})
    written = _compute_fingerprints(one.app, folder / f"Pulumi.{stack}.yaml")
    found = preview.render_objects(one, images, written)
    return RenderedTree(app=one.app, settings=one.settings, objects=tuple(found), images=images, build_records=sources)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TreeComparison:
    """Two trees."""

    object_diffs: tuple[change.ObjectDiff, ...]
    """The objects that are not the same."""
    images: tuple[change.ImageDiff, ...]
    """Those with another content."""
    is_new_stack: bool
    """Whether the first tree does not have the stack."""


def compare_trees(old: RenderedTree | None, new: RenderedTree) -> TreeComparison:
    """What a change from one tree to another does. None: there was no such stack."""
    return TreeComparison(
        object_diffs=tuple(_compare_objects(old, new)),
        images=tuple(_compare_images(old, new)),
        is_new_stack=old is None,
    )


def _compare_objects(old: RenderedTree | None, new: RenderedTree) -> list[change.ObjectDiff]:
    before = {one.key: one for one in old.objects} if old else {}
    after = {one.key: one for one in new.objects}
    found = [_create_object_diff(key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after])]
    made, wanted = secrets.get_generated_lengths(old.app) if old else {}, secrets.get_generated_lengths(new.app)
    found += [_compare_secret(name, made.get(name), wanted.get(name)) for name in dict.fromkeys([*made, *wanted])]
    return change.merge_renamed(one for one in found if one.old != one.new)


def _compare_images(old: RenderedTree | None, new: RenderedTree) -> list[change.ImageDiff]:
    before: Mapping[str, inputs.Image] = old.images if old else {}
    sources: Mapping[str, rebuild_reasons.BuildRecord] = old.build_records if old else {}
    return [
        change.ImageDiff(
            name=name,
            repository=_get_repository(one.reference),
            old=before[name].content if name in before else None,
            new=one.content,
            why=rebuild_reasons.explain_rebuild(sources[name], new.build_records[name])
            if name in sources and name in new.build_records
            else None,
        )
        for name, one in new.images.items()
        if name not in before or before[name].content != one.content
    ]


def _get_repository(reference: str) -> str:
    """Without tag and digest. A registry's port is no tag."""
    return re.sub(r":[^:/]*$", "", reference.partition("@")[0])


def _create_object_diff(
    key: str, old: objects.ReleaseObject | None, new: objects.ReleaseObject | None
) -> change.ObjectDiff:
    kind, _, name = key.partition("/")
    return change.ObjectDiff(
        kind=kind,
        name=name,
        old=old.manifest if old else None,
        new=new.manifest if new else None,
        replace_paths=impact.find_immutable_changes(old.manifest, new.manifest) if old and new else None,
        is_retained=old is not None and old.is_retained,
    )


def _compute_fingerprints(app: application.Application, file: Path) -> dict[str, str]:
    """What stands for the values: how each is made, or its encrypted text in the stack's file. Who sets a value anew
    writes another one there."""
    config = nodes.get_pairs(nodes.parse(stack_file.read_bytes(file), file.name), "config")
    entry = config.get("seaway:secrets")
    written = nodes.to_plain(entry.node) if entry else None
    encrypted = cast(dict[str, Any], written if isinstance(written, dict) else {})
    made = secrets.get_generated_lengths(app)
    return {
        name: hashing.hash_content([encrypted.get(name), made.get(name)]) for name in secrets.list_managed_names(app)
    }


def _compare_secret(name: str, old: int | None, new: int | None) -> change.ObjectDiff:
    """A value that is made: another length is another value."""
    return change.ObjectDiff(
        kind="GeneratedSecret",
        name=name,
        old=None if old is None else {"length": old},
        new=None if new is None else {"length": new},
        replace_paths=None if old is None or new is None else ["length"],
    )
