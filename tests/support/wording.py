"""The wording of messages: one reviewed file for each test package, `__snapshots__/messages.ambr`.

A test asserts the code and the location of a diagnostic, and compares its text with the fixture `wording`. A changed
message then changes the snapshot file and no test. `make snapshots` writes the files.
"""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.amber import AmberSnapshotExtension
from syrupy.location import PyTestLocation


class Messages(AmberSnapshotExtension):
    """Snapshots of all tests in a folder: one file, sorted by test name, one line for each message."""

    @classmethod
    def get_file_basename(cls, **_: Any) -> str:
        return "messages"

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: int | str = 0) -> str:
        """`test_name (test_file)`: syrupy requires that a name starts with the test's."""
        name = super().get_snapshot_name(test_location=test_location, index=index)
        return f"{name} ({test_location.basename})"

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        return cls.get_location(test_location=test_location, index=0) == snapshot_location

    def serialize(self, data: Any, **_: Any) -> str:
        """Indent further lines of a message. Raises TypeError unless all are str and not empty."""
        if not isinstance(data, list) or not data or not all(isinstance(message, str) and message for message in data):
            raise TypeError(f"`wording` compares a list of at least one message, not {data!r}")
        return "\n".join(message.replace("\n", "\n  ") for message in data)


@pytest.fixture
def wording(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The reviewed messages of this test: `assert messages == wording`, where ``messages`` is a list of str."""
    return snapshot.use_extension(Messages)
