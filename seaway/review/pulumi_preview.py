"""The JSON of `pulumi preview --json`, parsed into object diffs, images, warnings and errors.

https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/display/json.go
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.review import change, disks

_IMAGE_TYPES = ("docker-build:index:Image", "docker:index/image:Image")
_TYPE_PREFIX = "seaway:index:"
_GENERATED_SECRET_TYPE = f"{_TYPE_PREFIX}GeneratedSecret"
_RELEASE_TYPE = f"{_TYPE_PREFIX}Release"
_UNHEALTHY_MARK = " is not healthy now: "
"""The message of a Rollout in a preview."""
_SHOWN_OPERATIONS = ("create", "update", "replace", "delete", "import")
"""The others repeat one of these: `create-replacement` is part of `replace`."""


class UnreadablePreview(ValueError):  # noqa: N818 - describes the text
    """The text is not the JSON of a preview."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """One step, with Pulumi's names."""

    op: str
    urn: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    step_json: Mapping[str, Any]

    @classmethod
    def parse(cls, step_json: Mapping[str, Any]) -> "_Step":
        old: Mapping[str, Any] = step_json.get("oldState") or {}
        new: Mapping[str, Any] = step_json.get("newState") or {}
        return cls(step_json["op"], step_json["urn"], old, new, step_json)

    @property
    def type(self) -> str:
        """``urn:pulumi:stack::project::parents$type::name``."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]


def parse(text: str) -> change.Preview:
    """Parse the output of a preview.

    Raises:
        UnreadablePreview: it is not the JSON of a preview.
    """
    try:
        preview = json.loads(text)
        steps = [step for step in map(_Step.parse, preview.get("steps") or ()) if step.op in _SHOWN_OPERATIONS]
        messages = [(plain.get("severity"), _get_message(plain)) for plain in preview.get("diagnostics") or ()]
        matches = (re.fullmatch(r"([a-z0-9-]+): rebuild, (.*)", message) for _, message in messages)
        reasons = {match[1]: match[2] for match in matches if match}
        object_diffs = [diff for diff in map(_create_object_diff, steps) if diff]
        object_diffs += disks.find_growing(text for _, text in messages)
        return change.Preview(
            object_diffs=tuple(change.merge_renamed(object_diffs)),
            images=tuple(_list_images(steps, reasons)),
            warnings=tuple(text for severity, text in messages if severity == "warning" or _UNHEALTHY_MARK in text),
            errors=tuple(text for severity, text in messages if severity == "error"),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnreadablePreview(f"{type(error).__name__}: {error}") from error


def _get_message(diagnostic: Mapping[str, Any]) -> str:
    return re.sub(r"^(info|warning|error): ", "", str(diagnostic.get("message", "")).strip())


def _create_object_diff(step: _Step) -> change.ObjectDiff | None:
    """The object of a step; None: a resource without an object, of Pulumi or of Seaway."""
    generated = step.type == _GENERATED_SECRET_TYPE
    internal = step.type.startswith("pulumi:") or step.type in _IMAGE_TYPES or _TYPE_PREFIX in step.type
    if (internal and not generated) or not (step.old or step.new).get("custom"):
        return None
    old = step.old.get("inputs", {}) if step.op != "create" else None
    new = step.new.get("inputs", {}) if step.op != "delete" else None
    manifest: Mapping[str, Any] = new or old or {}
    kubernetes = step.type.startswith("kubernetes:")
    return change.ObjectDiff(
        kind=step.type.rpartition(":")[2] if kubernetes or generated else step.type,
        name=str(change.get_field(manifest, "metadata.name") or step.name) if kubernetes else step.name,
        old=old,
        new=new,
        replace_paths=_list_paths(step.step_json.get("replaceReasons")) if step.op == "replace" else None,
        drifted_paths=_list_paths(step.step_json.get("detailedDiff")),
        is_retained=bool(step.old.get("retainOnDelete")),
    )


def _list_paths(paths: Sequence[str] | Mapping[str, Any] | None) -> tuple[str, ...]:
    return tuple(path.removeprefix(".") for path in paths or ())


def _list_images(steps: Sequence[_Step], reasons: Mapping[str, str]) -> Iterator[change.ImageDiff]:
    """The images whose content changes.

    A stack that builds has a resource per image; a stack that pins a release has images only in its record.
    """
    built = [step for step in steps if step.type in _IMAGE_TYPES and step.op != "delete"]
    for step in built:
        (repository, new), (_, old) = _parse_image(step.new), _parse_image(step.old)
        if old != new:
            why = reasons.get(step.name)
            yield change.ImageDiff(name=step.name, repository=repository, old=old, new=new, why=why)
    for step in steps:
        if step.type == _RELEASE_TYPE and step.op != "delete":
            before, after = _get_recorded_images(step.old), _get_recorded_images(step.new)
            for name in (name for name in after if name not in {step.name for step in built}):
                old, new = before.get(name, {}).get("content"), after[name]["content"]
                repository = str(after[name]["reference"]).partition("@")[0]
                if old != new:
                    yield change.ImageDiff(name=name, repository=repository, old=old, new=new)


def _parse_image(state: Mapping[str, Any]) -> tuple[str, str | None]:
    inputs: Mapping[str, Any] = state.get("inputs") or {}
    tags: Sequence[str] = inputs.get("tags") or [inputs.get("imageName") or ""]
    repository, _, tag = tags[0].rpartition(":")
    return repository, tag or None


def _get_recorded_images(state: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return change.get_field(state, "inputs.record.images") or {}
