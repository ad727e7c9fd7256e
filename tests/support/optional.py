"""The required and the optional tests, the same ones on every machine, and what each of them sees of the toolchain.

Without `--optional` pytest runs all tests but those that are marked `optional`. They, and all processes that they
start, see the required parts only: an optional part fails as on a fresh machine, whatever is compiled on this one.
Tests without the marker `cluster` run before anything is compiled on a fresh machine, so they see no part.
With `--optional` pytest runs the marked tests only, with the whole toolchain (`make test-optional`).
"""

import os

import pytest

from dev.cluster import compiler, toolchain

_DESELECTED = pytest.StashKey[bool]()
LEFT_OUT = "optional tests are left out, see tests/support/optional.py; to run them: make test-optional"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The choice between the two sets."""
    text = "run the tests that are marked optional, and only these, with the whole toolchain"
    parser.addoption("--optional", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Set the view before any test module is imported. The workers of pytest-xdist inherit it."""
    if config.getoption("optional"):
        os.environ.pop(compiler.VIEW, None)
    else:
        os.environ[compiler.VIEW] = str(toolchain.make_view())


@pytest.fixture(autouse=True)
def _no_toolchain(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that needs no cluster sees no compiled part at all: it runs before anything is compiled."""
    if request.node.get_closest_marker("cluster") is None and not request.config.getoption("optional"):
        monkeypatch.setenv(compiler.VIEW, str(toolchain.make_view(())))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the other set."""
    wanted: bool = config.getoption("optional")
    others = [item for item in items if (item.get_closest_marker("optional") is not None) != wanted]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
        config.stash[_DESELECTED] = not wanted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say why tests of a file that was named did not run."""
    if config.stash.get(_DESELECTED, False):
        terminalreporter.write_line(LEFT_OUT)
