"""The reason of a rebuild, in words."""

import dataclasses
from pathlib import Path

import pytest

from seaway.files import roots
from seaway.images import context, rebuild_reasons
from seaway.model import application

ONE = rebuild_reasons.BuildRecord(
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
        ({"files": ONE.files | {"app/x.py": "-:2"}}, "app/x.py changed"),
        ({"files": ONE.files | {"run.sh": "x:1"}}, "run.sh changed"),
        ({"files": ONE.files | {"new": "-:1"}}, "new added"),
        (
            {"files": {"app/x.py": "-:2", "run.sh": "-:1", "z": "-:1"}},
            "2 files changed: app/x.py, app/y.py (removed)",
        ),
        (
            {"files": dict.fromkeys(ONE.files, "-:2")},
            "4 files changed: app/x.py, app/y.py, run.sh and 1 more",
        ),
        ({"args": {"MODE": "slow"}}, "build argument MODE changed"),
        ({"args": {}}, "build argument MODE removed"),
        ({"bases": {"python:3.12-slim": "sha256:1"}}, "base image python:3.12-slim pinned"),
        (
            {"files": ONE.files | {"z": "-:2"}, "bases": {"python:3.12-slim": "sha256:1"}},
            "z changed; base image python:3.12-slim pinned",
        ),
        ({"other": dict(ONE.other) | {"platform": "linux/arm64"}}, "platform is linux/arm64 and was linux/amd64"),
        ({"other": dict(ONE.other) | {"target": "final"}}, "target is final and was not set"),
        ({"files": ONE.files | {"z": "-:2"}, "args": {}}, "z changed; build argument MODE removed"),
        (
            {"files": ONE.files | {"z": "-:2"}, "sources": {"BASE_IMAGE": "python:3.13"}},
            "z changed; base of BASE_IMAGE changed: python:3.12-slim -> python:3.13",
        ),
        ({"files": ONE.files | {"z": "-:2"}, "sources": {"OTHER": "python:3.13"}}, "z changed"),
        ({}, "the rules of the tag changed"),
    ],
)
def test_reasons(now: dict[str, object], reason: str) -> None:
    assert rebuild_reasons.explain_rebuild(ONE, dataclasses.replace(ONE, tag="ctx-2", **now)) == reason


def test_another_digest_of_a_base_image_is_the_reason() -> None:
    before = dataclasses.replace(ONE, bases={"python:3.12-slim": "sha256:1"})
    now = dataclasses.replace(ONE, tag="ctx-2", bases={"python:3.12-slim": "sha256:2"})
    assert rebuild_reasons.explain_rebuild(before, now) == "base image python:3.12-slim renewed"
    assert (
        rebuild_reasons.explain_rebuild(now, dataclasses.replace(ONE, tag="ctx-1"))
        == "base image python:3.12-slim no longer pinned"
    )


def test_first_build_and_no_build() -> None:
    assert rebuild_reasons.explain_rebuild(None, ONE) == "first build"
    assert rebuild_reasons.explain_rebuild(ONE, ONE) is None


def test_another_substitute_is_told_though_the_tag_stays() -> None:
    now = dataclasses.replace(ONE, sources={"BASE_IMAGE": "registry.example.com/python:3.11"})
    told = "base of BASE_IMAGE changed: python:3.12-slim -> registry.example.com/python:3.11"
    assert rebuild_reasons.explain_rebuild(ONE, now) == told
    assert rebuild_reasons.explain_rebuild(ONE, dataclasses.replace(ONE, sources={})) is None
    assert rebuild_reasons.explain_rebuild(now, now) is None


def test_record_is_kept(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/Dockerfile").write_text("FROM scratch\n")
    read = context.BuildContext.read(tmp_path, application.Build(context="web", args={"A": "1"}), roots.Root(tmp_path))
    now = rebuild_reasons.BuildRecord.create(read, platform="linux/amd64", sources={"B": "registry.example.com/a:1"})
    assert now.tag == rebuild_reasons.BuildRecord.create(read, platform="linux/amd64").tag, (
        "an address is no part of the tag"
    )
    file = rebuild_reasons.get_record_path(tmp_path, "web")
    assert rebuild_reasons.BuildRecord.load(file) is None
    now.save(file)
    assert rebuild_reasons.BuildRecord.load(file) == now
    for text in ("{", '{"tag": "ctx-1"}'):
        file.write_text(text)
        assert rebuild_reasons.BuildRecord.load(file) is None
    assert list(file.parent.iterdir()) == [file], "nothing half-written is left"
