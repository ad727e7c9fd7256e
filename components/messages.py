"""Warnings and notes of the program. They must not hide the error of a failed run.

Pulumi repeats every message below a run, grouped by resource, the resources in random order. So a message is ephemeral
at first: it is shown at once and not repeated. Only a successful run repeats it.
"""

import asyncio
import sys
from typing import NoReturn, Protocol

import pulumi
from pulumi.runtime import settings
from pulumi.runtime.proto import resource_pb2_grpc

from seaway.syntax import diagnosis

from . import program


def is_run() -> bool:
    """Whether Pulumi runs the program, and not a test with Pulumi's mocks."""
    return isinstance(settings.get_monitor(), resource_pb2_grpc.ResourceMonitorStub)


def report_invalid_input(error: diagnosis.InvalidInput) -> NoReturn:
    """Report the errors and end the program: a traceback of the user's program would bury them.

    Raises:
        diagnosis.InvalidInput: a test runs the program.
    """
    if not is_run():
        raise error
    end_program(str(error))


def report_late_input(error: diagnosis.InvalidInput) -> NoReturn:
    """The same in ``apply``. An exception there that many resources wait for crashes the interpreter (a segmentation
    fault in asyncio of Python 3.11), and its text is lost."""
    if is_run():
        pulumi.log.error(diagnosis.clean_lines(str(error)))
        program.exit_now()
    raise error


def end_program(text: str) -> NoReturn:
    """Show an error and end the program, without a traceback."""
    pulumi.log.error(diagnosis.clean_lines(text))
    sys.exit(program.EXIT_REPORTED)


def warn(text: str, resource: pulumi.Resource | None = None) -> None:
    """Show a warning, and repeat it at the end of a successful run."""
    _show(pulumi.log.warn, text, resource)


def info(text: str, resource: pulumi.Resource | None = None) -> None:
    """Show a note, and repeat it at the end of a successful run."""
    _show(pulumi.log.info, text, resource)


class _Log(Protocol):
    def __call__(self, msg: str, resource: pulumi.Resource | None = None, *, ephemeral: bool | None = None) -> None: ...


def _show(log: _Log, text: str, resource: pulumi.Resource | None) -> None:
    text = diagnosis.clean_lines(text)
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
