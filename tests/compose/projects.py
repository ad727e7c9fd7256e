"""The compose projects of the corpus and of the examples."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import environment

CORPUS = environment.ROOT / "tests" / "compose" / "corpus"
ENVIRONMENT: Mapping[str, str] = {"TITLE": "title"}
"""Variables that the corpus does not set."""


def list_projects() -> Mapping[str, Sequence[Path]]:
    """The files of each project; a later file overrides an earlier one."""
    folders = [
        file.parent for root in (CORPUS, environment.ROOT / "examples") for file in root.rglob("docker-compose.yml")
    ]
    names = ("docker-compose.yml", "docker-compose.override.yml")
    return {
        folder.name: [folder / name for name in names if (folder / name).exists()]
        for folder in sorted(folders)
        if not any(other != folder and folder.is_relative_to(other) for other in folders)
    }
