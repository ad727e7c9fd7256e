"""Warnings and notes of the program. They must not hide the error of a failed run.

Pulumi repeats every message below a run, grouped by resource, the resources in random order. So a message is ephemeral
at first: it is shown at once and not repeated. Only a successful run repeats it.
"""

import asyncio
from typing import Protocol

import pulumi


def warn(text: str, resource: pulumi.Resource | None = None) -> None:
    """Show a warning, and repeat it at the end of a successful run."""
    _show(pulumi.log.warn, text, resource)


def info(text: str, resource: pulumi.Resource | None = None) -> None:
    """Show a note, and repeat it at the end of a successful run."""
    _show(pulumi.log.info, text, resource)


class _Log(Protocol):
    def __call__(self, msg: str, resource: pulumi.Resource | None = None, *, ephemeral: bool | None = None) -> None: ...


def _show(log: _Log, text: str, resource: pulumi.Resource | None) -> None:
    try:
        program = asyncio.current_task()
    except RuntimeError:
        program = None
    if program is None:  # not a run, but a test with Pulumi's mocks
        log(text, resource)
        return
    log(text, resource, ephemeral=True)

    def repeat(ended: asyncio.Task[object]) -> None:
        if not ended.cancelled() and ended.exception() is None:
            log(text)

    # The task of the program ends without an exception only after the engine has reported success, deletions included.
    # The engine waits for the program, so the message is still shown.
    program.add_done_callback(repeat)
