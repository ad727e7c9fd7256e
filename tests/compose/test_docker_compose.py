"""Compose files beside Docker Compose itself: the same is read, the same is refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.compose import config, projects, refused

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(("name", "files"), projects.found().items(), ids=[*projects.found()])
def test_the_same_is_read(name: str, files: Sequence[Path]) -> None:
    assert config.compared(name, files).wrong == []


@pytest.mark.parametrize("text", refused.CASES.values(), ids=[*refused.CASES])
def test_the_same_is_refused(text: str) -> None:
    theirs, ours = config.judged(text)
    assert theirs
    assert ours
