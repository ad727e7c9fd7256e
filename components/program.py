"""The program of a stack: settings -> application -> components -> outputs."""

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

EXIT_REPORTED = 32
"""Exit code that tells the language host that the program has reported the error: the host adds nothing to it."""


def run() -> None:
    """Deploy the application of the project in the working directory. ``__main__.py`` calls this.

    Raises:
        SystemExit: the input is invalid, and all of its errors are reported.
    """
    exit_on_interrupt()
    # Imported here: the imports take most of the time until the first resource, and Ctrl-C may interrupt them.
    import pulumi  # noqa: PLC0415

    from . import application  # noqa: PLC0415

    for name, value in application.Application.from_stack().outputs.items():
        pulumi.export(name, value)


def exit_on_interrupt() -> None:
    """Let SIGINT end this process without a traceback.

    Pulumi's language host sends SIGINT to the program when a run has failed or was cancelled, and shows what the
    program prints. Python's default is a KeyboardInterrupt, whose traceback would come after the error. A process that
    embeds the program (Pulumi's Automation API) keeps its own handling: nothing is changed outside the main thread, or
    where SIGINT is ignored or has a handler.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit)


def _exit(_number: int, _frame: FrameType | None) -> None:
    exit_now()


def exit_now() -> NoReturn:
    """End the process of the program, which has reported its error."""
    for stream in (sys.stdout, sys.stderr):
        # The signal may have interrupted a write to this very stream.
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            stream.flush()
    # sys.exit would run into whatever the main thread is in the middle of, and wait for the other threads.
    os._exit(EXIT_REPORTED)
