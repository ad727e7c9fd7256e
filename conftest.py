"""Loads the fixtures in tests/support for all tests, including the sample's."""

import gc
import signal

pytest_plugins = ["tests.support.cluster", "tests.support.optional", "tests.support.registry", "tests.support.wording"]

# In the background (`nohup make test &`), child processes ignore SIGINT, and some tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection: they live until the end."""
    gc.collect()
    gc.freeze()
