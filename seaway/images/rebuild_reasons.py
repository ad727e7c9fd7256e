"""Why an image is built again: the difference between its inputs and those of the last build.

The record of the last build is stored beside the staged context.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from seaway.files import private
from seaway.images import context

MAX_LISTED_FILES = 3
"""More files are only counted."""

PIN_CHANGES = {"changed": "renewed", "added": "pinned", "removed": "no longer pinned"}
"""What happened to the digest of a base image."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """The inputs of one image build."""

    tag: str
    files: Mapping[str, str]
    args: Mapping[str, str]
    bases: Mapping[str, str]
    other: Mapping[str, str | None]
    """Dockerfile, target and platform."""
    sources: Mapping[str, str]
    """The image in each build argument, with overrides and without its digest. It is not part of the tag, because the
    address of a registry belongs to one environment."""

    @classmethod
    def create(
        cls,
        build_context: context.BuildContext,
        *,
        platform: str,
        base_digests: Mapping[str, str] | None = None,
        sources: Mapping[str, str] | None = None,
    ) -> Self:
        """The record of a build of this context."""
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
        """The record of the last build; None if it is missing or unreadable."""
        try:
            saved: dict[str, Any] = json.loads(private.read_file(path) or b"")
            return cls(**saved)
        except (OSError, ValueError, TypeError):
            return None

    def save(self, path: Path) -> None:
        """Save the record. Call it after the image was built and pushed."""
        private.write_file(path, json.dumps(dataclasses.asdict(self)))


def get_record_path(project_folder: Path, name: str) -> Path:
    """The file with the record of the last build."""
    return project_folder / private.FOLDER_NAME / "context" / f"{name}.built.json"


def explain_rebuild(before: BuildRecord | None, now: BuildRecord) -> str | None:
    """Why ``now`` is built after ``before``; None if no input changed."""
    if before is None:
        return "first build"
    moved = _list_moved_bases(before.sources, now.sources)
    if before.tag == now.tag:
        return "; ".join(moved) or None
    reasons = _describe_files(before.files, now.files)
    reasons += [f"build argument {name} {change}" for name, change in _compare_digests(before.args, now.args)]
    reasons += [
        f"base image {name} {PIN_CHANGES[change]}" for name, change in _compare_digests(before.bases, now.bases)
    ]
    reasons += [
        f"{name} is {value or 'not set'} and was {before.other.get(name) or 'not set'}"
        for name, value in now.other.items()
        if before.other.get(name) != value
    ]
    return "; ".join(reasons + moved) or "the rules of the tag changed"


def _list_moved_bases(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Base images from another address. An argument that only one of both has is a change of the Dockerfile."""
    return [
        f"base of {name} changed: {before[name]} -> {now[name]}"
        for name in sorted(before.keys() & now.keys())
        if before[name] != now[name]
    ]


def _describe_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    changes = _compare_digests(before, now)
    if len(changes) <= 1:
        return [f"{name} {change}" for name, change in changes]
    listed = ", ".join(
        name if change == "changed" else f"{name} ({change})" for name, change in changes[:MAX_LISTED_FILES]
    )
    more = f" and {len(changes) - MAX_LISTED_FILES} more" if len(changes) > MAX_LISTED_FILES else ""
    return [f"{len(changes)} files changed: {listed}{more}"]


def _compare_digests(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    """The names that differ, and how: changed, added or removed."""
    return [
        (name, "added" if name not in before else "removed" if name not in now else "changed")
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
