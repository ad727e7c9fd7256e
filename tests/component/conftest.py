"""Fixtures that run the program of an example against the recorder."""

import functools
from pathlib import Path
from typing import Any

import pytest

from seaway.manifests import objects
from tests.component import programs, recorder


@pytest.fixture
def run(tmp_path: Path) -> programs.Run:
    """Runs the program of an example in the folder of the test."""

    def program(example: str, **how: Any) -> recorder.Recording:
        programs.copy_example(example, tmp_path)
        return programs.run_program(tmp_path, **how)

    return program


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> programs.Run:
    """The resources of an example: the program runs once for all tests that only read them."""

    @functools.cache
    def program(example: str, *, preview: bool = False) -> recorder.Recording:
        folder = tmp_path_factory.mktemp(example)
        programs.copy_example(example, folder)
        return programs.run_program(folder, preview=preview)

    return program


@pytest.fixture(scope="session")
def rendered(registered: programs.Run, tmp_path_factory: pytest.TempPathFactory) -> programs.Rendered:
    """The same, and the result of objects() for the same images and secrets."""

    @functools.cache
    def render(example: str) -> tuple[recorder.Recording, list[objects.ReleaseObject]]:
        folder = tmp_path_factory.mktemp(example)
        programs.copy_example(example, folder)
        recording = registered(example)
        return recording, programs.build_expected_objects(recording, folder)

    return render
