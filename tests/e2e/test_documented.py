"""The shortest form of each documented make target that needs the cluster, the toolchain or a registry."""

from pathlib import Path

import pytest

from tests.support import commands

pytestmark = pytest.mark.cluster


def rows(stage: commands.Stage) -> list[str]:
    """List the targets of a stage."""
    return [name for name, row in commands.TARGETS.items() if isinstance(row, commands.Make) and row.stage == stage]


@pytest.mark.parametrize("name", rows("cluster"))
def test_the_shortest_form(name: str, tmp_path: Path) -> None:
    commands.run(name, tmp_path)


@pytest.mark.optional
@pytest.mark.parametrize("name", rows("optional"))
def test_the_shortest_form_of_what_needs_an_optional_part(name: str, tmp_path: Path) -> None:
    commands.run(name, tmp_path)
