"""The one-node cluster for the tests that are marked `cluster`."""

import contextlib
import fcntl
import os
from collections.abc import Generator, Iterator
from typing import IO

import pytest

from dev import environment, project

NICE = 10
"""Priority of the tests and of all that they start but clusters: 0 is the usual one, 19 the last."""

LONGEST = ("test_rollback", "test_shop", "test_promotion", "test_second_checkout", "test_documented")
"""Files of tests that take minutes. They come first: one that is begun last would run alone, on one core of two."""

LOCK = environment.STATE / "tests.lock"
"""Held, shared, by every process that tests with the cluster; in it: whether one of them has started the cluster."""


@pytest.fixture(scope="session")
def one_node_cluster() -> Iterator[None]:
    """The checkout's cluster with its base images, started if it does not run and then stopped at the end.

    A machine that cannot run it skips with the reason; in CI that is a failure, or nothing would have been tested.
    """
    able = project.run_cluster("check", check=False)
    if able.exit_code:
        reason = f"this machine cannot run the one-node cluster: {able.output.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with shared():
        yield


@contextlib.contextmanager
def shared() -> Generator[None]:
    """The cluster for several processes (`pytest -n`): the first one starts it, the last one stops it."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+") as lock:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _start(lock)
        fcntl.flock(lock, fcntl.LOCK_SH)  # waits for the one that starts it
        # Elsewhere Pulumi runs on another machine than the pods. Here it shares their two cores, and where it takes
        # all of them a node gets no turn to tell the network of a pod that has gone.
        os.nice(max(0, NICE - os.getpriority(os.PRIO_PROCESS, 0)))
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop(lock)


def _start(lock: IO[str]) -> None:
    if project.run_cluster("status", "--json", check=False).exit_code:
        lock.write("started")
        lock.flush()
    # Where it runs, too: it may have add-ons that these tests must not see, or lack some that they need.
    project.run_cluster("up")
    project.ensure_base_images()


def _stop(lock: IO[str]) -> None:
    lock.seek(0)
    if lock.read():
        lock.truncate(0)
        project.run_cluster("down")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked `cluster` gets the cluster; it runs last, so that a broken unit test is told in seconds."""
    for item in items:
        if item.get_closest_marker("cluster"):
            item.fixturenames.insert(0, "one_node_cluster")  # type: ignore[attr-defined]
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[bool, int]:
    file = item.path.stem
    return item.get_closest_marker("cluster") is not None, LONGEST.index(file) if file in LONGEST else len(LONGEST)
