"""What `pulumi preview --json` prints: read into pairs of objects, images, warnings and errors.

https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/display/json.go
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seaway.review import change

_IMAGES = ("docker-build:index:Image", "docker:index/image:Image")
_OURS = "seaway:index:"
_GENERATED = "seaway:index:GeneratedSecret"
_RELEASE = "seaway:index:Release"
_UNWELL = " is not healthy now: "
"""A Rollout's words in a preview."""
_STEPS = ("create", "update", "replace", "delete", "import")
"""The others repeat one of these: `create-replacement` is a part of `replace`."""


class Unreadable(ValueError):  # noqa: N818 - it says what the text is
    """It is not what pulumi prints."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One preview."""

    pairs: tuple[change.Pair, ...]
    images: tuple[change.Image, ...]
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """One step; the words are Pulumi's."""

    op: str
    urn: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    said: Mapping[str, Any]

    @property
    def type(self) -> str:
        """``urn:pulumi:stack::project::parents$type::name``."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]


def read(text: str) -> Digest:
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
        told = [(one.get("severity"), _message(one)) for one in said.get("diagnostics") or ()]
        steps = [one for one in found if one.op in _STEPS]
        return Digest(
            pairs=tuple(change.joined(pair for one in steps if (pair := _pair(one)) is not None)),
            images=tuple(_images(steps, dict(_reasons(text for _, text in told)))),
            warnings=tuple(text for severity, text in told if severity == "warning" or _UNWELL in text),
            errors=tuple(text for severity, text in told if severity == "error"),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def _message(one: Mapping[str, Any]) -> str:
    return re.sub(r"^(info|warning|error): ", "", str(one.get("message", "")).strip())


def _pair(one: _Step) -> change.Pair | None:
    """The object of a step; None for what is only Pulumi's or our own bookkeeping."""
    if one.type.startswith("pulumi:") or one.type in _IMAGES or (_OURS in one.type and one.type != _GENERATED):
        return None
    if not (one.old or one.new).get("custom"):
        return None
    old = one.old.get("inputs", {}) if one.op != "create" else None
    new = one.new.get("inputs", {}) if one.op != "delete" else None
    there: Mapping[str, Any] = new or old or {}
    kubernetes = one.type.startswith("kubernetes:")
    return change.Pair(
        kind=one.type.rpartition(":")[2] if kubernetes or one.type == _GENERATED else one.type,
        name=str(change.at(there, "metadata.name") or one.name) if kubernetes else one.name,
        old=old,
        new=new,
        replaced=_paths(one.said.get("replaceReasons")) if one.op == "replace" else None,
        differing=_paths(one.said.get("detailedDiff")),
        kept=bool(one.old.get("retainOnDelete")),
    )


def _paths(found: Sequence[str] | Mapping[str, Any] | None) -> tuple[str, ...]:
    return tuple(path.removeprefix(".") for path in found or ())


def _images(steps: Sequence[_Step], reasons: Mapping[str, str]) -> Iterator[change.Image]:
    """The images whose content is another one.

    A stack that builds has a resource for each; one with a pinned release has them in its record only.
    """
    seen: set[str] = set()
    for one in steps:
        if one.type in _IMAGES and one.op != "delete":
            (repository, new), (_, old) = _tag(one.new), _tag(one.old)
            seen.add(one.name)
            if old != new:
                yield change.Image(name=one.name, repository=repository, old=old, new=new, why=reasons.get(one.name))
    for one in steps:
        if one.type == _RELEASE and one.op != "delete":
            before, after = _recorded(one.old), _recorded(one.new)
            for name, image in after.items():
                repository = str(image["reference"]).partition("@")[0]
                old = before.get(name, {}).get("content")
                if name not in seen and old != image["content"]:
                    yield change.Image(name=name, repository=repository, old=old, new=image["content"])


def _tag(state: Mapping[str, Any]) -> tuple[str, str | None]:
    """Repository and tag of an image's resource."""
    inputs: Mapping[str, Any] = state.get("inputs") or {}
    tags: Sequence[str] = inputs.get("tags") or [inputs.get("imageName") or ""]
    repository, _, tag = tags[0].rpartition(":")
    return repository, tag or None


def _recorded(state: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return change.at(state, "inputs.record.images") or {}


def _reasons(messages: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Why an image is built anew, by its name, as the program says it."""
    for text in messages:
        if found := re.fullmatch(r"([a-z0-9-]+): rebuild, (.*)", text):
            yield found[1], found[2]
