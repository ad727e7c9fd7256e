"""The compose projects that are compared: those of the corpus, and the examples'."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import environment

ENVIRONMENT: Mapping[str, str] = {"TITLE": "title"}
"""What the variables have that the corpus leaves to whoever runs it."""


def found() -> Mapping[str, Sequence[Path]]:
    """Name -> its files, in the order in which one is laid over the other."""
    corpus = environment.ROOT / "tests" / "compose" / "corpus"
    folders = [
        file.parent for root in (corpus, environment.ROOT / "examples") for file in root.rglob("docker-compose.yml")
    ]
    names = ("docker-compose.yml", "docker-compose.override.yml")
    return {
        folder.name: [folder / name for name in names if (folder / name).exists()]
        for folder in sorted(folders)
        if not any(other != folder and folder.is_relative_to(other) for other in folders)
    }
