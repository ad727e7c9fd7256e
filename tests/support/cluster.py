"""The one-node cluster for the tests that are marked `cluster`."""

import os
from collections.abc import Iterator

import pytest

from dev import project


@pytest.fixture(scope="session")
def one_node_cluster() -> Iterator[None]:
    """The checkout's cluster with its base images, started if it does not run and then stopped at the end.

    A machine that cannot run it skips with the reason; in CI that is a failure, or nothing would have been tested.
    """
    able = project.cluster("check", check=False)
    if able.code:
        reason = f"this machine cannot run the one-node cluster: {able.text.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    ran = project.cluster("status", "--json", check=False).code == 0
    project.cluster("up")
    project.base_images()
    yield
    if not ran:
        project.cluster("down")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is marked `cluster` gets the cluster; it runs last, so that a broken unit test is told in seconds."""
    for item in items:
        if item.get_closest_marker("cluster"):
            item.fixturenames.insert(0, "one_node_cluster")  # type: ignore[attr-defined]
    items.sort(key=lambda item: item.get_closest_marker("cluster") is not None)
