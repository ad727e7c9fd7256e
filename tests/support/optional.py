"""Tests that need an optional part of the toolchain: collected where it is compiled, told where it is not.

`make test` leaves them out everywhere, so that it is the same on every machine; `make test-optional` runs them.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dev.cluster import parts, toolchain

ROOT = Path(__file__).parents[2]

NEEDS: Mapping[str, tuple[str, ...]] = {
    "tests/compose/test_docker_compose.py": ("docker-compose",),
    "tests/e2e/test_autoscaling.py": ("metrics-server",),
    "tests/e2e/test_compose_docker.py": ("docker-compose",),
    "tests/e2e/test_network.py": ("kube-network-policies", "traefik"),
}
"""File -> the parts that all of its tests need."""

PROGRAMS: Mapping[str, Mapping[str, str]] = {
    "tests/e2e/test_compose_docker.py": {"dockerd": "apt-get install docker.io"},
}
"""File -> programs of the machine that all of its tests need, and where they come from."""

_FILES = {ROOT / file for file in {*NEEDS, *PROGRAMS}}


def missing(file: str) -> list[str]:
    """The parts that a file needs and that are not compiled."""
    return [name for name in NEEDS.get(file, ()) if not toolchain.there(parts.named(name))]


def absent(file: str) -> list[str]:
    """The programs that a file needs and that nobody has installed."""
    return [name for name in PROGRAMS.get(file, ()) if shutil.which(name) is None]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Not collected, and not skipped: a skip says that something on this machine may be wrong."""
    name = _named(collection_path)
    return True if collection_path.is_file() and (missing(name) or absent(name)) else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """So that they can be asked for alone: `-m optional`."""
    if item.path in _FILES:
        item.add_marker("optional")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was asked for and not run, and why."""
    asked = [Path(argument.partition("::")[0]).absolute() for argument in config.args]
    for line in told(asked):
        terminalreporter.write_line(line)


def told(asked: list[Path]) -> Iterator[str]:
    """A line for each file at or below one of these paths that is not run."""
    for file in NEEDS:
        lacking = missing(file)
        if lacking and any((ROOT / file).is_relative_to(path) for path in asked):
            yield f"not run: {file}, which needs {' and '.join(lacking)} (make test-optional)"
    for file, programs in PROGRAMS.items():
        for name in absent(file) if any((ROOT / file).is_relative_to(path) for path in asked) else ():
            yield f"not run: {file}, since {name} is not installed ({programs[name]})"


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
