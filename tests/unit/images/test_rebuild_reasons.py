"""The reason of a rebuild."""

import dataclasses
from pathlib import Path

import pytest

from seaway.files import roots
from seaway.images import context, rebuild_reasons
from seaway.model import application

RECORD = rebuild_reasons.BuildRecord(
    tag="ctx-1",
    files={"app/x.py": "-:1", "app/y.py": "-:1", "run.sh": "-:1", "z": "-:1"},
    args={"MODE": "fast"},
    bases={},
    other={"Dockerfile": "Dockerfile", "target": None, "platform": "linux/amd64"},
    sources={"BASE_IMAGE": "python:3.12-slim"},
)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({"files": RECORD.files | {"app/x.py": "-:2"}}, "app/x.py changed"),
        ({"files": RECORD.files | {"run.sh": "x:1"}}, "run.sh changed"),
        ({"files": RECORD.files | {"new": "-:1"}}, "new added"),
        ({"files": {"app/x.py": "-:2", "run.sh": "-:1", "z": "-:1"}}, "2 files changed: app/x.py, app/y.py (removed)"),
        ({"files": dict.fromkeys(RECORD.files, "-:2")}, "4 files changed: app/x.py, app/y.py, run.sh and 1 more"),
        ({"args": {"MODE": "slow"}}, "build argument MODE changed"),
        ({"args": {}}, "build argument MODE removed"),
        ({"bases": {"python:3.12-slim": "sha256:1"}}, "base image python:3.12-slim pinned"),
        (
            {"files": RECORD.files | {"z": "-:2"}, "bases": {"python:3.12-slim": "sha256:1"}},
            "z changed; base image python:3.12-slim pinned",
        ),
        ({"other": dict(RECORD.other) | {"platform": "linux/arm64"}}, "platform is linux/arm64 and was linux/amd64"),
        ({"other": dict(RECORD.other) | {"target": "final"}}, "target is final and was not set"),
        ({"files": RECORD.files | {"z": "-:2"}, "args": {}}, "z changed; build argument MODE removed"),
        (
            {"files": RECORD.files | {"z": "-:2"}, "sources": {"BASE_IMAGE": "python:3.13"}},
            "z changed; base of BASE_IMAGE changed: python:3.12-slim -> python:3.13",
        ),
        ({"files": RECORD.files | {"z": "-:2"}, "sources": {"OTHER": "python:3.13"}}, "z changed"),
        ({}, "the rules of the tag changed"),
    ],
)
def test_reasons(now: dict[str, object], reason: str) -> None:
    assert rebuild_reasons.explain_rebuild(RECORD, dataclasses.replace(RECORD, tag="ctx-2", **now)) == reason


def test_another_digest_of_a_base_image_is_a_reason() -> None:
    before = dataclasses.replace(RECORD, bases={"python:3.12-slim": "sha256:1"})
    now = dataclasses.replace(RECORD, tag="ctx-2", bases={"python:3.12-slim": "sha256:2"})
    assert rebuild_reasons.explain_rebuild(before, now) == "base image python:3.12-slim renewed"
    assert (
        rebuild_reasons.explain_rebuild(now, dataclasses.replace(RECORD, tag="ctx-1"))
        == "base image python:3.12-slim no longer pinned"
    )


def test_first_build_and_no_build() -> None:
    assert rebuild_reasons.explain_rebuild(None, RECORD) == "first build"
    assert rebuild_reasons.explain_rebuild(RECORD, RECORD) is None


def test_another_override_is_a_reason_with_the_same_tag() -> None:
    now = dataclasses.replace(RECORD, sources={"BASE_IMAGE": "registry.example.com/python:3.11"})
    reason = "base of BASE_IMAGE changed: python:3.12-slim -> registry.example.com/python:3.11"
    assert rebuild_reasons.explain_rebuild(RECORD, now) == reason
    assert rebuild_reasons.explain_rebuild(RECORD, dataclasses.replace(RECORD, sources={})) is None
    assert rebuild_reasons.explain_rebuild(now, now) is None


def test_the_record_is_saved(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/Dockerfile").write_text("FROM scratch\n")
    build = application.Build(context="web", args={"A": "1"})
    build_context = context.BuildContext.read(tmp_path, build, roots.Root(tmp_path))
    now = rebuild_reasons.BuildRecord.create(
        build_context, platform="linux/amd64", sources={"B": "registry.example.com/a:1"}
    )
    moved = rebuild_reasons.BuildRecord.create(build_context, platform="linux/amd64")
    assert now.tag == moved.tag, "an address is not part of the tag"
    file = rebuild_reasons.get_record_path(tmp_path, "web")
    assert rebuild_reasons.BuildRecord.load(file) is None
    now.save(file)
    assert rebuild_reasons.BuildRecord.load(file) == now
    for text in ("{", '{"tag": "ctx-1"}'):
        file.write_text(text)
        assert rebuild_reasons.BuildRecord.load(file) is None
    assert list(file.parent.iterdir()) == [file], "no temporary file is left"
