"""The changes that two source trees would deploy, found without a cluster, Docker, secrets or Pulumi.

Both trees are rendered from files. Edits in the cluster are not visible.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from seaway.checks import all_checks
from seaway.images import build_inputs, rebuild_reasons
from seaway.manifests import inputs, objects, preview
from seaway.model import secrets
from seaway.project import environments, release_lock, stack_file
from seaway.release import fingerprints
from seaway.review import change, disks, impact
from seaway.syntax import hashing, nodes, yaml_parser

_RUN_KEY = fingerprints.generate_key()
"""Both trees are rendered in one run."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RenderedTree:
    """A source tree, rendered for a stack."""

    environment: environments.Environment
    objects: list[objects.ReleaseObject]
    images: Mapping[str, inputs.Image]
    """The images that are built, or those of the pinned release, by name."""
    build_records: Mapping[str, rebuild_reasons.BuildRecord]
    """The inputs of the images that are built."""
    fingerprints: Mapping[str, str]
    """Of the secrets, by name."""


def render_tree(folder: Path, stack: str, application_name: str | None = None) -> RenderedTree:
    """Render the tree in ``folder`` for a stack; ``application_name``: in ``seaway:applications``."""
    environment = environments.load_environment(
        folder,
        stack,
        application_name=application_name,
        check_ids=all_checks.IDS,
        find_more=build_inputs.find_errors,
    )
    records: dict[str, rebuild_reasons.BuildRecord] = {}
    if environment.release is not None:
        images = inputs.resolve_release_images(environment.release, environment.settings.registry)
    else:
        records = build_inputs.read_build_records(environment)
        images = preview.tag_images(environment, {name: record.tag for name, record in records.items()})
    fingerprints = _compute_fingerprints(environment, folder / f"Pulumi.{stack}.yaml")
    release_objects = preview.render_objects(environment, images, fingerprints)
    return RenderedTree(
        environment=environment,
        objects=release_objects,
        images=images,
        build_records=records,
        fingerprints=fingerprints,
    )


def compare_trees(old: RenderedTree | None, new: RenderedTree) -> change.Preview:
    """Compare two trees; None: the first tree does not have the stack."""
    return change.Preview(
        object_diffs=_compare_objects(old, new), images=_compare_images(old, new), errors=_find_fallback(old, new)
    )


def _find_fallback(old: RenderedTree | None, new: RenderedTree) -> list[str]:
    """Why the comparison is incomplete: the objects of a fallback are in a file, and nothing is rendered from it."""
    lock, lock_name = new.environment.lock, new.environment.lock_name
    if lock.fallback is None or (old and old.environment.lock.fallback == lock.fallback):
        return []
    return [
        f"{release_lock.format_path(lock_name)} holds release {lock.fallback.held} back, and pulumi up deploys the"
        f" objects in {release_lock.RELEASES_FOLDER}/{lock.fallback.release}.yaml instead, which are not compared:"
        f" seaway preview {new.environment.options} compares them"
    ]


def _compare_objects(old: RenderedTree | None, new: RenderedTree) -> list[change.ObjectDiff]:
    before = {release_object.key: release_object for release_object in old.objects} if old else {}
    after = {release_object.key: release_object for release_object in new.objects}
    is_rollback = new.environment.lock.is_rollback
    diffs = [
        _create_object_diff(key, before.get(key), after.get(key), is_rollback=is_rollback)
        for key in dict.fromkeys([*before, *after])
    ]
    lengths = secrets.get_generated_lengths(old.environment.app) if old else {}
    new_lengths = secrets.get_generated_lengths(new.environment.app)
    diffs += [
        _compare_secret(name, lengths.get(name), new_lengths.get(name))
        for name in dict.fromkeys([*lengths, *new_lengths])
    ]
    return change.merge_renamed(object_diff for object_diff in diffs if object_diff.old != object_diff.new)


def _compare_images(old: RenderedTree | None, new: RenderedTree) -> list[change.ImageDiff]:
    before: Mapping[str, inputs.Image] = old.images if old else {}
    records: Mapping[str, rebuild_reasons.BuildRecord] = old.build_records if old else {}
    return [
        change.ImageDiff(
            name=name,
            # A port of the registry is not a tag.
            repository=re.sub(r":[^:/]*$", "", image.reference.partition("@")[0]),
            old=before[name].content if name in before else None,
            new=image.content,
            why=rebuild_reasons.explain_rebuild(records[name], new.build_records[name])
            if name in records and name in new.build_records
            else None,
        )
        for name, image in new.images.items()
        if name not in before or before[name].content != image.content
    ]


def _create_object_diff(
    key: str, old: objects.ReleaseObject | None, new: objects.ReleaseObject | None, *, is_rollback: bool
) -> change.ObjectDiff:
    kind, _, name = key.partition("/")
    replace_paths = None
    if old and new:
        # Disks that have grown since the release keep their size (plugin/store_changes.py).
        applied = disks.fill_larger_sizes(old.manifest, new.manifest) if is_rollback else new.manifest
        replace_paths = impact.find_immutable_changes(old.manifest, applied)
    return change.ObjectDiff(
        kind=kind,
        name=name,
        old=old.manifest if old else None,
        new=new.manifest if new else None,
        replace_paths=replace_paths,
        is_retained=old is not None and old.is_retained,
    )


def _compute_fingerprints(environment: environments.Environment, file: Path) -> dict[str, str]:
    """A hash per secret: of its encrypted text in the stack's file, which changes with the value, and its length."""
    config = nodes.get_pairs(yaml_parser.parse(stack_file.read_bytes(file), file.name), "config")
    pair = config.get("seaway:secrets")
    if environment.application_name is not None:
        further = config["seaway:applications"].node
        pair = nodes.get_pairs(further, environment.application_name).get("secrets")
    plain = nodes.to_plain(pair.node) if pair else None
    # A plain hash of a value could be guessed.
    of_file = {
        name: fingerprints.compute_keyed_fingerprint(_RUN_KEY, text) for name, text in environment.file_secrets.items()
    }
    encrypted = {**of_file, **cast(dict[str, Any], plain if isinstance(plain, dict) else {})}
    app = environment.app
    lengths = secrets.get_generated_lengths(app)
    return {
        name: hashing.hash_content([encrypted.get(name), lengths.get(name)]) for name in secrets.list_managed_names(app)
    }


def _compare_secret(name: str, old: int | None, new: int | None) -> change.ObjectDiff:
    """A generated secret: another length is another value."""
    return change.ObjectDiff(
        kind="GeneratedSecret",
        name=name,
        old=None if old is None else {"length": old},
        new=None if new is None else {"length": new},
        replace_paths=None if old is None or new is None else ["length"],
    )
