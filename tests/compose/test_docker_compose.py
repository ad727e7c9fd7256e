"""Seaway and Docker Compose read the same projects and reject the same errors."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from dev.compose_comparison import config, projects, rejections

pytestmark = pytest.mark.optional


@pytest.mark.parametrize(("name", "files"), projects.list_projects().items(), ids=[*projects.list_projects()])
def test_both_read_a_project_alike(name: str, files: Sequence[Path]) -> None:
    assert config.compare(name, files).unexpected == []


@pytest.mark.parametrize("text", rejections.CASES.values(), ids=[*rejections.CASES])
def test_both_reject_an_invalid_project(text: str) -> None:
    theirs, ours = config.list_errors(text)
    assert theirs
    assert ours


@pytest.mark.parametrize("name", [*rejections.ONLY_HERE, *rejections.ONLY_DOCKER])
def test_rejection_by_only_one_has_a_reason(name: str) -> None:
    text, reason = {**rejections.ONLY_HERE, **rejections.ONLY_DOCKER}[name]
    theirs, ours = config.list_errors(text)
    assert reason
    assert (bool(theirs), bool(ours)) == (name in rejections.ONLY_DOCKER, name in rejections.ONLY_HERE)
