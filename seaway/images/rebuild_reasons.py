"""Why an image is built again, in a person's words.

Beside the staged context lies what went into the last image that was built; the reason is the difference.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from seaway.files import private
from seaway.images import context

MAX_LISTED_FILES = 3
"""Names of files that are listed; more are counted."""

PIN_CHANGES = {"changed": "renewed", "added": "pinned", "removed": "no longer pinned"}
"""What became of the digest of a base image."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """What went into an image."""

    tag: str
    files: Mapping[str, str]
    args: Mapping[str, str]
    bases: Mapping[str, str]
    other: Mapping[str, str | None]
    """Dockerfile, target and platform."""
    sources: Mapping[str, str]
    """Where the base in each build argument is taken from, after the substitutes and without its digest. No part of
    the tag: an address is a fact of one environment."""

    @classmethod
    def create(
        cls,
        build_context: context.BuildContext,
        *,
        platform: str,
        base_digests: Mapping[str, str] | None = None,
        sources: Mapping[str, str] | None = None,
    ) -> Self:
        """What goes into the image of this context now."""
        return cls(
            tag=build_context.compute_tag(platform=platform, base_digests=base_digests),
            files=build_context.digests,
            args=dict(build_context.build.args),
            bases=dict(base_digests or {}),
            other={
                "Dockerfile": build_context.build.dockerfile,
                "target": build_context.build.target,
                "platform": platform,
            },
            sources=dict(sources or {}),
        )

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """The record of the last build; None if there is none or it cannot be understood."""
        try:
            saved: dict[str, Any] = json.loads(private.read_file(path) or b"")
            return cls(**saved)
        except (OSError, ValueError, TypeError):
            return None

    def save(self, path: Path) -> None:
        """Keeps the record; to be called when the image was built and pushed."""
        private.write_file(path, json.dumps(dataclasses.asdict(self)))


def get_record_path(project_folder: Path, name: str) -> Path:
    """Where the record of the last image of ``name`` is kept."""
    return project_folder / private.FOLDER_NAME / "context" / f"{name}.built.json"


def explain_rebuild(before: BuildRecord | None, now: BuildRecord) -> str | None:
    """Why ``now`` is built anew after ``before``; None if nothing that goes into it changed."""
    if before is None:
        return "first build"
    moved = _list_moved_bases(before.sources, now.sources)
    if before.tag == now.tag:
        return "; ".join(moved) or None
    reasons = _describe_files(before.files, now.files)
    reasons += [f"build argument {name} {how}" for name, how in _compare_digests(before.args, now.args)]
    reasons += [f"base image {name} {PIN_CHANGES[how]}" for name, how in _compare_digests(before.bases, now.bases)]
    reasons += [
        f"{name} is {value or 'not set'} and was {before.other.get(name) or 'not set'}"
        for name, value in now.other.items()
        if before.other.get(name) != value
    ]
    return "; ".join(reasons + moved) or "the rules of the tag changed"


def _list_moved_bases(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Bases that come from elsewhere. An argument that is new or gone is a change of the Dockerfile, told already."""
    return [
        f"base of {name} changed: {before[name]} -> {now[name]}"
        for name in sorted(before.keys() & now.keys())
        if before[name] != now[name]
    ]


def _describe_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    found = _compare_digests(before, now)
    if len(found) <= 1:
        return [f"{name} {how}" for name, how in found]
    listed = ", ".join(name if how == "changed" else f"{name} ({how})" for name, how in found[:MAX_LISTED_FILES])
    more = f" and {len(found) - MAX_LISTED_FILES} more" if len(found) > MAX_LISTED_FILES else ""
    return [f"{len(found)} files changed: {listed}{more}"]


def _compare_digests(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names that are not the same in both, and how: changed, added or removed."""
    return [
        (name, "added" if name not in before else "removed" if name not in now else "changed")
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
