"""The one-node cluster for the tests that are marked `cluster`."""

import contextlib
import fcntl
import os
from collections.abc import Generator, Iterator
from typing import IO

import pytest

from dev import environment, project

NICE = 10
"""Niceness of the tests and their children, except clusters: 0 is the default, 19 the lowest priority."""

LONGEST = ("test_rollback", "test_shop", "test_promotion", "test_second_checkout", "test_documented")
"""Test files that take minutes. They run first: a long file at the end would run alone, on one of two cores."""

LOCK = environment.STATE / "tests.lock"
"""A shared lock of all processes that use the cluster. Its content says whether one of them started the cluster."""


@pytest.fixture(scope="session")
def one_node_cluster() -> Iterator[None]:
    """The checkout's cluster with its base images. It is started if necessary, and then stopped at the end.

    A machine that cannot run the cluster skips the tests with the reason. In CI, this is a failure.
    """
    result = project.run_cluster("check", check=False)
    if result.exit_code:
        reason = f"this machine cannot run the one-node cluster: {result.output.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with share_cluster():
        yield


@contextlib.contextmanager
def share_cluster() -> Generator[None]:
    """Share the cluster between processes (`pytest -n`): the first process starts it, the last one stops it."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("a+") as lock:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _start(lock)
        fcntl.flock(lock, fcntl.LOCK_SH)  # waits for the process that starts the cluster
        # Elsewhere, Pulumi runs on another machine than the pods. Here they share two cores. If Pulumi uses both, the
        # node cannot update the network for a deleted pod in time.
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
    # Also if it runs: it may have add-ons that these tests must not see, or lack required ones.
    project.run_cluster("up")
    project.ensure_base_images()


def _stop(lock: IO[str]) -> None:
    lock.seek(0)
    if lock.read():
        lock.truncate(0)
        project.run_cluster("down")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the cluster to tests with the marker `cluster`, and run them last: unit tests fail within seconds."""
    for item in items:
        if item.get_closest_marker("cluster"):
            item.fixturenames.insert(0, "one_node_cluster")  # type: ignore[attr-defined]
    items.sort(key=_sort_key)


def _sort_key(item: pytest.Item) -> tuple[bool, int]:
    file = item.path.stem
    return item.get_closest_marker("cluster") is not None, LONGEST.index(file) if file in LONGEST else len(LONGEST)
