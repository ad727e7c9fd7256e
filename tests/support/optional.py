"""Required and optional tests: the same tests on every machine, with the same parts of the toolchain.

Without `--optional`, pytest runs all tests without the marker `optional`. They and their child processes see only the
required parts: a missing optional part fails as on a new machine, also if it is compiled on this one. Tests without the
marker `cluster` see no part: on a new machine, they run before the compilation.
With `--optional`, pytest runs only the marked tests, with the complete toolchain (`make test-optional`).
"""

import os

import pytest

from dev.cluster import compiler, toolchain

_DESELECTED = pytest.StashKey[bool]()
DESELECTED_MESSAGE = "optional tests are deselected, see tests/support/optional.py; to run them: make test-optional"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that selects the set of tests."""
    text = "run only the tests with the marker optional, with the complete toolchain"
    parser.addoption("--optional", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Set the view before test modules are imported. The workers of pytest-xdist inherit it."""
    if config.getoption("optional"):
        os.environ.pop(compiler.VIEW, None)
    else:
        os.environ[compiler.VIEW] = str(toolchain.make_view())


@pytest.fixture(autouse=True)
def _no_toolchain(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide all compiled parts from a test without the cluster: it runs before the compilation."""
    if request.node.get_closest_marker("cluster") is None and not request.config.getoption("optional"):
        monkeypatch.setenv(compiler.VIEW, str(toolchain.make_view(())))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of the other set."""
    optional: bool = config.getoption("optional")
    others = [item for item in items if (item.get_closest_marker("optional") is not None) != optional]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
        config.stash[_DESELECTED] = not optional


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report why tests of a selected file did not run."""
    if config.stash.get(_DESELECTED, False):
        terminalreporter.write_line(DESELECTED_MESSAGE)
