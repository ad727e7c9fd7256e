"""The compose projects that are compared: the corpus and the examples."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import environment

CORPUS = environment.ROOT / "tests" / "compose" / "corpus"
ENVIRONMENT: Mapping[str, str] = {"TITLE": "title"}
"""Variables that the corpus takes from the environment."""


def list_projects() -> Mapping[str, Sequence[Path]]:
    """Return the files of each project by name, in the order in which they override each other."""
    roots = (CORPUS, environment.ROOT / "examples")
    folders = [file.parent for root in roots for file in root.rglob("docker-compose.yml")]
    names = ("docker-compose.yml", "docker-compose.override.yml")
    return {
        folder.name: [folder / name for name in names if (folder / name).exists()]
        for folder in sorted(folders)
        if not any(other != folder and folder.is_relative_to(other) for other in folders)
    }


DEPLOYED: Mapping[str, str] = {
    "bind-files": "docker-compose.yml",
    "commands": "docker-compose.yml",
    "configs": "docker-compose.yml",
    "env-files": "docker-compose.yml",
    "extends": "docker-compose.yml",
    "include": "docker-compose.yml",
    "interpolation": "docker-compose.yml",
    "journal": "docker-compose.yml",
    "names": "docker-compose.yml",
    "no-ports": "docker-compose.yml",
    "overrides": "docker-compose.yml,docker-compose.override.yml",
    "ports": "docker-compose.yml",
    "profiles": "docker-compose.yml --profile debug",
    "tiers": "docker-compose.yml",
    "worker": "docker-compose.yml",
}
"""Projects that are deployed to a cluster, with their files: by tests/e2e/test_compose.py and `make compose-table`."""
