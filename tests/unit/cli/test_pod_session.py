"""Signals for a command in a pod: the control sends them to the group of its process."""

import asyncio
from typing import cast

from seaway.cli import pod_session
from seaway.kubernetes.cluster import streams


class RecordingStream:
    """A stream that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, _channel: int, content: bytes) -> None:
        self.sent.append(content.decode())


async def record_signals(*, early: bool) -> list[str]:
    stream = RecordingStream()
    async with pod_session.run_control(cast(streams.Stream, stream)) as control:
        if early:
            control.forward("TERM")
        control.set_process("42")
        if not early:
            control.forward("TERM")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return stream.sent


def test_a_signal_goes_to_the_group_of_the_command() -> None:
    assert asyncio.run(record_signals(early=False)) == ["0 42\n", "TERM 42\n"]


def test_a_signal_that_comes_before_the_number_of_the_process_is_not_lost() -> None:
    """Output and errors are two streams: output of the command may come before the line with the number."""
    assert asyncio.run(record_signals(early=True)) == ["0 42\n", "TERM 42\n"]
