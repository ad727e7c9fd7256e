"""Fixtures for every test, the sample's own included: they stand in tests/support."""

import gc
import signal

pytest_plugins = ["tests.support.cluster", "tests.support.optional", "tests.support.registry", "tests.support.wording"]

# Whoever starts the tests in the background (`nohup make test &`) has Ctrl-C ignored in all that they start, and some
# tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What collecting has made stays to the end: not to be looked through again and again."""
    gc.collect()
    gc.freeze()
