"""What `pulumi preview --json` prints: read into pairs of objects, images, warnings and errors.

https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/display/json.go
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.review import change

_IMAGE_TYPES = ("docker-build:index:Image", "docker:index/image:Image")
_TYPE_PREFIX = "seaway:index:"
_GENERATED_SECRET_TYPE = "seaway:index:GeneratedSecret"
_RELEASE_TYPE = "seaway:index:Release"
_UNHEALTHY_MARK = " is not healthy now: "
"""A Rollout's words in a preview."""
_SHOWN_OPERATIONS = ("create", "update", "replace", "delete", "import")
"""The others repeat one of these: `create-replacement` is a part of `replace`."""


class UnreadablePreview(ValueError):  # noqa: N818 - it says what the text is
    """It is not what pulumi prints."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One preview."""

    object_diffs: tuple[change.ObjectDiff, ...]
    images: tuple[change.ImageDiff, ...]
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """One step; the words are Pulumi's."""

    op: str
    urn: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    step_json: Mapping[str, Any]

    @property
    def type(self) -> str:
        """``urn:pulumi:stack::project::parents$type::name``."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]


def parse(text: str) -> Preview:
    """What a preview found out.

    Raises:
        Unreadable: it is no preview.
    """
    try:
        said = json.loads(text)
        found = [
            _Step(one["op"], one["urn"], one.get("oldState") or {}, one.get("newState") or {}, one)
            for one in said.get("steps") or ()
        ]
        told = [(one.get("severity"), _get_message(one)) for one in said.get("diagnostics") or ()]
        steps = [one for one in found if one.op in _SHOWN_OPERATIONS]
        return Preview(
            object_diffs=tuple(
                change.merge_renamed(pair for one in steps if (pair := _create_object_diff(one)) is not None)
            ),
            images=tuple(_list_images(steps, dict(_parse_rebuild_reasons(text for _, text in told)))),
            warnings=tuple(text for severity, text in told if severity == "warning" or _UNHEALTHY_MARK in text),
            errors=tuple(text for severity, text in told if severity == "error"),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UnreadablePreview(f"{type(error).__name__}: {error}") from error


def _get_message(one: Mapping[str, Any]) -> str:
    return re.sub(r"^(info|warning|error): ", "", str(one.get("message", "")).strip())


def _create_object_diff(one: _Step) -> change.ObjectDiff | None:
    """The object of a step; None for what is only Pulumi's or our own bookkeeping."""
    if (
        one.type.startswith("pulumi:")
        or one.type in _IMAGE_TYPES
        or (_TYPE_PREFIX in one.type and one.type != _GENERATED_SECRET_TYPE)
    ):
        return None
    if not (one.old or one.new).get("custom"):
        return None
    old = one.old.get("inputs", {}) if one.op != "create" else None
    new = one.new.get("inputs", {}) if one.op != "delete" else None
    there: Mapping[str, Any] = new or old or {}
    kubernetes = one.type.startswith("kubernetes:")
    return change.ObjectDiff(
        kind=one.type.rpartition(":")[2] if kubernetes or one.type == _GENERATED_SECRET_TYPE else one.type,
        name=str(change.get_field(there, "metadata.name") or one.name) if kubernetes else one.name,
        old=old,
        new=new,
        replace_paths=_list_paths(one.step_json.get("replaceReasons")) if one.op == "replace" else None,
        drifted_paths=_list_paths(one.step_json.get("detailedDiff")),
        is_retained=bool(one.old.get("retainOnDelete")),
    )


def _list_paths(found: Sequence[str] | Mapping[str, Any] | None) -> tuple[str, ...]:
    return tuple(path.removeprefix(".") for path in found or ())


def _list_images(steps: Sequence[_Step], reasons: Mapping[str, str]) -> Iterator[change.ImageDiff]:
    """The images whose content is another one.

    A stack that builds has a resource for each; one with a pinned release has them in its record only.
    """
    seen: set[str] = set()
    for one in steps:
        if one.type in _IMAGE_TYPES and one.op != "delete":
            (repository, new), (_, old) = _parse_image(one.new), _parse_image(one.old)
            seen.add(one.name)
            if old != new:
                yield change.ImageDiff(
                    name=one.name, repository=repository, old=old, new=new, why=reasons.get(one.name)
                )
    for one in steps:
        if one.type == _RELEASE_TYPE and one.op != "delete":
            before, after = _get_recorded_images(one.old), _get_recorded_images(one.new)
            for name, image in after.items():
                repository = str(image["reference"]).partition("@")[0]
                old = before.get(name, {}).get("content")
                if name not in seen and old != image["content"]:
                    yield change.ImageDiff(name=name, repository=repository, old=old, new=image["content"])


def _parse_image(state: Mapping[str, Any]) -> tuple[str, str | None]:
    """Repository and tag of an image's resource."""
    inputs: Mapping[str, Any] = state.get("inputs") or {}
    tags: Sequence[str] = inputs.get("tags") or [inputs.get("imageName") or ""]
    repository, _, tag = tags[0].rpartition(":")
    return repository, tag or None


def _get_recorded_images(state: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return change.get_field(state, "inputs.record.images") or {}


def _parse_rebuild_reasons(messages: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Why an image is built anew, by its name, as the program says it."""
    for text in messages:
        if found := re.fullmatch(r"([a-z0-9-]+): rebuild, (.*)", text):
            yield found[1], found[2]
