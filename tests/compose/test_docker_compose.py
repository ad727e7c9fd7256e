"""Compose files beside Docker Compose itself: the same is read, the same is refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.compose import config, projects, refused

pytestmark = pytest.mark.optional


@pytest.mark.parametrize(("name", "files"), projects.list_projects().items(), ids=[*projects.list_projects()])
def test_the_same_is_read(name: str, files: Sequence[Path]) -> None:
    assert config.compared(name, files).wrong == []


@pytest.mark.parametrize("text", refused.CASES.values(), ids=[*refused.CASES])
def test_the_same_is_refused(text: str) -> None:
    theirs, ours = config.judged(text)
    assert theirs
    assert ours


@pytest.mark.parametrize("name", [*refused.ONLY_HERE, *refused.ONLY_DOCKER])
def test_what_one_refuses_has_a_reason(name: str) -> None:
    text, why = (refused.ONLY_HERE | refused.ONLY_DOCKER)[name]
    theirs, ours = config.judged(text)
    assert why
    assert (bool(theirs), bool(ours)) == (name in refused.ONLY_DOCKER, name in refused.ONLY_HERE)
