"""The change of one object: its kind, and the old and new value of each field. It never holds values of secrets.

Steps of a Pulumi preview and two rendered trees have the same form: an object before and after the change.
"""

import dataclasses
import difflib
import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

from seaway.kubernetes.api import fields
from seaway.manifests import names

SECRET = "(secret)"  # noqa: S105 - in place of a value
UNKNOWN = "(known after the update)"

_SECRET_MARK = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the key of Pulumi's special values
_SECRET_TEXT = "[secret]"  # noqa: S105 - in place of a value in `pulumi preview --json`
_UNKNOWN_MARKS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""Placeholders for a text, a boolean, a number, a list or a mapping that is not known yet.
https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/plugin/rpc.go"""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Kubectl stores the whole object in this annotation, including the values of a Secret."""

Manifest = Mapping[str, Any]
Op = Literal["added", "changed", "replaced", "removed"]


class Impact(enum.IntEnum):
    """The effect of a change on the users of the application, in order of severity."""

    NONE = 0
    ROLLING = 1
    """New pods replace old pods."""
    OUTAGE = 2
    """A service or store does not answer, for a while or permanently."""
    DATA_LOSS = 3

    @property
    def label(self) -> str:
        """For people: `data loss`."""
        return self.name.lower().replace("_", " ")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDiff:
    """An object before and after a change."""

    kind: str
    """The Kubernetes kind, or the Pulumi type of another resource."""
    name: str
    old: Manifest | None
    """None: it is added."""
    new: Manifest | None
    """None: it is removed."""
    replace_paths: Sequence[str] | None = None
    """The known fields that force a replacement; None: it is changed in place."""
    drifted_paths: Sequence[str] = ()
    """Paths that were edited in the cluster."""
    is_retained: bool = False
    """Whether it stays in the cluster when it is removed from the stack."""

    @property
    def op(self) -> Op:
        """The operation on the object."""
        if self.old is None or self.new is None:
            return "added" if self.old is None else "removed"
        return "changed" if self.replace_paths is None else "replaced"

    @property
    def title(self) -> str:
        """As in kubectl: ``Deployment/web``."""
        return f"{self.kind}/{self.name}"

    @property
    def owner(self) -> str | None:
        """The service, store or job that it belongs to. None: the whole application, or unknown."""
        labels: Manifest = get_field(self.new or self.old, "metadata.labels") or {}
        return labels.get("app.kubernetes.io/name")

    @property
    def has_content_name(self) -> bool:
        """Whether its name has a hash of its content: then a changed object has another name."""
        return self.kind in ("Job", "NetworkPolicy") or (self.new or self.old or {}).get("immutable") is True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FieldDiff:
    """A changed field. None: it does not exist."""

    path: str
    """As ``spec.template.spec.containers[web].image``."""
    old: Any
    new: Any

    @property
    def is_multiline(self) -> bool:
        """Whether a value has several lines: then only the different lines are shown."""
        return any(isinstance(value, str) and "\n" in value for value in (self.old, self.new))

    def diff_lines(self) -> list[str]:
        """The different lines, as in `diff -u`."""
        before, after = (value.splitlines() if isinstance(value, str) else [] for value in (self.old, self.new))
        return list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageDiff:
    """A built image before and after a change."""

    name: str
    repository: str
    old: str | None
    """Tag; None: it is new, or unknown."""
    new: str | None
    why: str | None = None
    """The changed inputs of the build."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a deployment would change."""

    object_diffs: Sequence[ObjectDiff]
    images: Sequence[ImageDiff]
    warnings: Sequence[str] = ()
    errors: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """The change of one object, for a reviewer."""

    diff: ObjectDiff
    fields: tuple[FieldDiff, ...]
    impact: Impact
    reason: str
    """The reason for the impact."""


def get_field(manifest: Any, path: str) -> Any:
    """The value at a path of keys, ``spec.template``; None: there is none."""
    for key in path.split("."):
        manifest = cast(Manifest, manifest).get(key) if isinstance(manifest, Mapping) else None
    return manifest


def get_scale(manifest: Manifest) -> str | None:
    """The bounds of an autoscaler, ``2-10``; None: the number of pods is fixed."""
    annotations: Manifest = get_field(manifest, "metadata.annotations") or {}
    return annotations.get(names.SCALE_ANNOTATION)


def merge_renamed(object_diffs: Iterable[ObjectDiff]) -> list[ObjectDiff]:
    """Merge the removal and the addition of an object with a content name into one change.

    Several removals or additions of one owner stay as they are: they cannot be matched.
    """
    merged = list(object_diffs)
    groups: dict[tuple[str, str | None], list[ObjectDiff]] = {}
    for object_diff in merged:
        if object_diff.has_content_name and object_diff.op in ("added", "removed"):
            groups.setdefault((object_diff.kind, object_diff.owner), []).append(object_diff)
    for group in groups.values():
        match sorted(group, key=lambda object_diff: object_diff.op):
            case [ObjectDiff(op="added") as added, ObjectDiff(op="removed") as removed]:
                merged[merged.index(added)] = dataclasses.replace(added, old=removed.old)
                merged.remove(removed)
            case _:
                pass
    return merged


def compare_fields(object_diff: ObjectDiff, images: Iterable[ImageDiff]) -> tuple[FieldDiff, ...]:
    """The changed fields, or else those edited in the cluster. An addition or a removal has none.

    The tags of ``images`` are shown, because a digest may not be known yet.
    """
    if object_diff.old is None or object_diff.new is None:
        return ()
    old, new = _strip_generated(object_diff, object_diff.old), _strip_generated(object_diff, object_diff.new)
    added = [difference for difference in fields.find_edits(new, old) if difference.live is None]
    changes = [
        *fields.find_edits(old, new),
        *(fields.Change(difference.path, None, difference.declared) for difference in added),
    ]
    if not changes:
        return tuple(
            FieldDiff(path=path, old="(edited in the cluster)", new="(as declared)")
            for path in object_diff.drifted_paths
        )
    indexed = {key: image for image in images for key in (image.name, image.repository)}
    field_diffs = (_create_field(object_diff.kind, difference, indexed) for difference in changes)
    return tuple(sorted(field_diffs, key=lambda field_diff: field_diff.path))


def mask_secrets(value: Any) -> Any:
    """A value without its secrets."""
    match value:
        case str() if value in _UNKNOWN_MARKS:
            return UNKNOWN
        case str() if value == _SECRET_TEXT:
            return SECRET
        case Mapping() if _SECRET_MARK in value:
            return SECRET
        case Mapping():
            return {key: mask_secrets(inner) for key, inner in cast(Manifest, value).items() if key != _LAST_APPLIED}
        case list() | tuple():
            return [mask_secrets(inner) for inner in cast(Sequence[Any], value)]
        case _:
            return value


def _strip_generated(object_diff: ObjectDiff, manifest: Manifest) -> Manifest:
    """Remove the additions of Pulumi's provider, a content name, and the replicas of an autoscaler."""
    stripped = {key: value for key, value in manifest.items() if not key.startswith("__")}
    if object_diff.has_content_name:
        metadata = stripped.get("metadata", {})
        stripped["metadata"] = {key: value for key, value in metadata.items() if key != "name"}
    if get_scale(manifest) is not None:
        # The field has the initial number of pods, not the current one.
        stripped["spec"] = {key: value for key, value in stripped["spec"].items() if key != "replicas"}
    return stripped


def _create_field(kind: str, difference: fields.Change, images: Mapping[str, ImageDiff]) -> FieldDiff:
    path = fields.format_path(difference.path)
    old, new = mask_secrets(difference.declared), mask_secrets(difference.live)
    if kind == "Secret" and re.match(r"data\b|stringData\b", path):
        old, new = (None if value is None else SECRET for value in (difference.declared, difference.live))
    elif path.endswith("].image") and isinstance(old, str) and isinstance(new, str):
        container = difference.path[-2]
        name = container.label if isinstance(container, fields.ListStep) else ""
        old, new = _add_tags(old, new, images.get(old.partition("@")[0]) or images.get(name))
    return FieldDiff(path=path, old=old, new=new)


def _add_tags(old: str, new: str, image: ImageDiff | None) -> tuple[str, str]:
    """References with tags in place of digests, where the tags are known."""
    if image is None or (UNKNOWN not in new and image.repository not in new):
        return old, new
    before = f"{image.repository}:{image.old}" if image.old and old.startswith(f"{image.repository}@") else old
    return before, f"{image.repository}:{image.new}" if image.new else new
