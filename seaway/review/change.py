"""One change of one object: what it is, and what each of its fields was and will be. Values of secrets are never in it.

The same for what Pulumi plans and for two renderings of the manifests: both are pairs of an object as it is and as it
shall be.
"""

import dataclasses
import difflib
import enum
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from seaway.kubernetes.api import fields
from seaway.manifests import names

SECRET = "(secret)"  # noqa: S105 - what is shown instead of one
UNKNOWN = "(known after the update)"

_SECRET_MARK = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the key of Pulumi's special values, whatever their kind
_SECRET_TEXT = "[secret]"  # noqa: S105 - what `pulumi preview --json` has in place of one
_UNKNOWN_MARKS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What stands for a text, a boolean, a number, a list or a mapping that is not known yet.
https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/resource/plugin/rpc.go"""

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Kubectl keeps the whole object in this annotation, a Secret's values too."""

Manifest = Mapping[str, Any]
Op = Literal["added", "changed", "replaced", "removed"]


class Impact(enum.IntEnum):
    """What a change does to those who use the application; the greater, the worse."""

    NONE = 0
    ROLLING = 1
    """New pods take over from old ones."""
    OUTAGE = 2
    """Something does not answer for a while, or no more."""
    DATA_LOSS = 3

    @property
    def label(self) -> str:
        """As a person reads it: `data loss`."""
        return self.name.lower().replace("_", " ")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDiff:
    """An object as it is and as it shall be."""

    kind: str
    """In Kubernetes' words; of another resource its Pulumi type."""
    name: str
    old: Manifest | None
    """None: it is new."""
    new: Manifest | None
    """None: it goes."""
    replace_paths: Sequence[str] | None = None
    """Where it is deleted and made anew, the fields that force that, as far as they are known."""
    drifted_paths: Sequence[str] = ()
    """Paths that differ in the cluster, whatever was deployed: somebody edited them."""
    is_retained: bool = False
    """Whether it stays in the cluster when it goes from the stack."""

    @property
    def op(self) -> Op:
        """What happens to it."""
        if self.old is None or self.new is None:
            return "added" if self.old is None else "removed"
        return "changed" if self.replace_paths is None else "replaced"

    @property
    def owner(self) -> str | None:
        """The service, store or job that it belongs to. None: the whole application, or nobody says so."""
        labels: Manifest = get_field(self.new or self.old, "metadata.labels") or {}
        return labels.get("app.kubernetes.io/name")

    @property
    def has_content_name(self) -> bool:
        """Whether its name follows from its content: another content is another object."""
        return self.kind in ("Job", "NetworkPolicy") or (self.new or self.old or {}).get("immutable") is True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FieldDiff:
    """A field that is not the same any more. None: it is not there."""

    path: str
    """As ``spec.template.spec.containers[web].image``."""
    old: Any
    new: Any

    @property
    def is_multiline(self) -> bool:
        """Whether it is a text of several lines: then what differs in it is shown, and not all of it twice."""
        return any(isinstance(each, str) and "\n" in each for each in (self.old, self.new))

    def diff_lines(self) -> list[str]:
        """What differs, line by line, as `diff -u` shows it."""
        before, after = (each.splitlines() if isinstance(each, str) else [] for each in (self.old, self.new))
        return list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageDiff:
    """An image that is built: what it was and will be."""

    name: str
    repository: str
    old: str | None
    """Tag; None: it is new, or nobody knows."""
    new: str | None
    why: str | None = None
    """What changed in its source, in words."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """What a reviewer is told about one object."""

    op: Op
    kind: str
    name: str
    owner: str | None
    fields: tuple[FieldDiff, ...]
    impact: Impact
    reason: str
    """Why it has this impact, in words."""

    @property
    def title(self) -> str:
        """As kubectl has it: ``Deployment/web``."""
        return f"{self.kind}/{self.name}"


def get_field(manifest: Any, path: str) -> Any:
    """What stands at a path of keys, ``spec.template``; None: nothing."""
    for key in path.split("."):
        manifest = cast(Manifest, manifest).get(key) if isinstance(manifest, Mapping) else None
    return manifest


def get_scale(manifest: Manifest) -> str | None:
    """The bounds between which an autoscaler chooses the number of pods, as ``2-10``; None: it is fixed."""
    annotations: Manifest = get_field(manifest, "metadata.annotations") or {}
    return annotations.get(names.SCALE_ANNOTATION)


def merge_renamed(object_diffs: Iterable[ObjectDiff]) -> list[ObjectDiff]:
    """The pairs, those of one object whose name follows from its content made one: it is changed, not removed.

    Where several go and come, nobody can tell which is which, and they stay as they are.
    """
    found = list(object_diffs)
    groups: dict[tuple[str, str | None], list[ObjectDiff]] = {}
    for one in found:
        if one.has_content_name and one.op in ("added", "removed"):
            groups.setdefault((one.kind, one.owner), []).append(one)
    for group in groups.values():
        match sorted(group, key=lambda one: one.op):
            case [ObjectDiff(op="added") as came, ObjectDiff(op="removed") as gone]:
                found[found.index(came)] = dataclasses.replace(came, old=gone.old)
                found.remove(gone)
            case _:
                pass
    return found


def compare_fields(object_diff: ObjectDiff, images: Mapping[str, ImageDiff]) -> tuple[FieldDiff, ...]:
    """What differs between the two, or from what somebody made of it in the cluster; nothing where one is not there.

    ``images`` by repository and by name: their tags say more than a digest that is not known yet.
    """
    if object_diff.old is None or object_diff.new is None:
        return ()
    old, new = _strip_generated(object_diff, object_diff.old), _strip_generated(object_diff, object_diff.new)
    found = [
        *fields.find_edits(old, new),
        *(_reverse_change(one) for one in fields.find_edits(new, old) if one.live is None),
    ]
    made = [_create_field(object_diff.kind, one, images) for one in found]
    if not made:
        return tuple(
            FieldDiff(path=path, old="(edited in the cluster)", new="(as declared)")
            for path in object_diff.drifted_paths
        )
    return tuple(sorted(made, key=lambda one: one.path))


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


def _strip_generated(pair: ObjectDiff, manifest: Manifest) -> Manifest:
    """Without what Pulumi's provider adds, a name that follows from the content, and what an autoscaler decides."""
    made = {key: value for key, value in manifest.items() if not key.startswith("__")}
    if pair.has_content_name:
        made["metadata"] = {key: value for key, value in made.get("metadata", {}).items() if key != "name"}
    if get_scale(manifest) is not None:
        # What is written there is where a new service begins, and not how many pods there are.
        made["spec"] = {key: value for key, value in made["spec"].items() if key != "replicas"}
    return made


def _reverse_change(one: fields.Change) -> fields.Change:
    return fields.Change(one.path, None, one.declared)


def _create_field(kind: str, one: fields.Change, images: Mapping[str, ImageDiff]) -> FieldDiff:
    path = fields.format_path(one.path)
    if kind == "Secret" and re.match(r"data\b|stringData\b", path):
        return FieldDiff(path=path, old=_mask_value(one.declared), new=_mask_value(one.live))
    old, new = mask_secrets(one.declared), mask_secrets(one.live)
    if path.endswith("].image") and isinstance(old, str) and isinstance(new, str):
        container = one.path[-2]
        name = container.label if isinstance(container, fields.ListStep) else ""
        old, new = _add_tags(old, new, images.get(old.partition("@")[0]) or images.get(name))
    return FieldDiff(path=path, old=old, new=new)


def _add_tags(old: str, new: str, image: ImageDiff | None) -> tuple[str, str]:
    """References with the tags that stand for their content, where those are known."""
    if image is None or (UNKNOWN not in new and image.repository not in new):
        return old, new
    before = f"{image.repository}:{image.old}" if image.old and old.startswith(f"{image.repository}@") else old
    return before, f"{image.repository}:{image.new}" if image.new else new


def _mask_value(value: Any) -> Any:
    return None if value is None else SECRET


def index_images(images: Iterable[ImageDiff]) -> Iterator[tuple[str, ImageDiff]]:
    """By repository and by name, for ``differences``."""
    for one in images:
        yield one.name, one
        yield one.repository, one
