"""stdin, stdout and stderr of this process for a command that runs in a pod, and the signals that it receives."""

import asyncio
import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any, TypeVar

from seaway.cli import command
from seaway.kubernetes.cluster import streams

STDIN, STDOUT, STDERR = 0, 1, 2
Result = TypeVar("Result")

FORWARDED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def is_terminal() -> bool:
    """Whether a person types the input and reads the output."""
    return os.isatty(STDIN) and os.isatty(STDOUT)


@contextlib.contextmanager
def open_raw_mode() -> Generator[None]:
    """Every key, also Ctrl-C, is passed on as it is typed. The terminal is restored in any case."""
    before = termios.tcgetattr(STDIN)
    tty.setraw(STDIN, termios.TCSADRAIN)  # keeps what was typed before
    try:
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)


@contextlib.contextmanager
def watch_size(report: Callable[[int, int], None]) -> Generator[None]:
    """Report columns and lines of the terminal, now and after each change."""

    def report_size() -> None:
        report(*os.get_terminal_size(STDOUT))

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, report_size)
    report_size()
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


async def read_input() -> AsyncIterator[bytes]:
    """The chunks of stdin until it ends. A chunk is read when the one before was processed."""
    loop = asyncio.get_running_loop()
    while True:
        await _wait_until_ready(STDIN, loop.add_reader, loop.remove_reader)
        try:
            chunk = os.read(STDIN, streams.CHUNK_BYTES)
        except OSError:  # the terminal is gone, or stdin is closed
            return
        if not chunk:
            return
        yield chunk


async def write(file: int, content: bytes) -> None:
    """Write to stdout or stderr, and wait without blocking signals while its reader does not read.

    Raises:
        BrokenPipeError: the reader has ended.
    """
    loop = asyncio.get_running_loop()
    rest = memoryview(content)
    while rest:
        if not select.select((), (file,), (), 0)[1]:
            await _wait_until_ready(file, loop.add_writer, loop.remove_writer)
        # A pipe that is ready accepts this much without blocking.
        rest = rest[os.write(file, rest[: select.PIPE_BUF]) :]


async def _wait_until_ready(file: int, add: Callable[..., None], remove: Callable[[int], bool]) -> None:
    ready = asyncio.Event()
    try:
        add(file, ready.set)
    except OSError:  # a regular file is always ready, and cannot be waited for
        return
    try:
        await ready.wait()
    finally:
        remove(file)


class Signals:
    """Inside the block, the first signal goes to the command in the pod, if there is one. Others cancel the block."""

    def __init__(self) -> None:
        self.forward: Callable[[str], None] | None = None
        """Passes a signal on by its name, as INT."""
        self.received: signal.Signals | None = None
        """The signal that cancelled the block."""
        self._forwarded = False

    @contextlib.contextmanager
    def install(self, task: asyncio.Task[int]) -> Generator[None]:
        """Handle the signals; ``task`` is cancelled."""
        loop = asyncio.get_running_loop()
        for number in FORWARDED_SIGNALS:
            loop.add_signal_handler(number, self._handle, number, task)
        try:
            yield
        finally:
            for number in FORWARDED_SIGNALS:
                loop.remove_signal_handler(number)

    def _handle(self, number: signal.Signals, task: asyncio.Task[int]) -> None:
        if self.forward and not self._forwarded:
            self.forward(number.name.removeprefix("SIG"))
            self._forwarded = True
            if number == signal.SIGINT:
                command.report("interrupted; waiting for the command to end; Ctrl-C again stops waiting")
            return
        self.received = number
        task.cancel()


async def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of work that no signal interrupts: it takes effect after it."""
    task, cancelled = asyncio.create_task(work), None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled and not task.exception():
        raise cancelled
    return task.result()


def run(work: Callable[[Signals], Coroutine[Any, Any, int]]) -> int:
    """Run a command's work; return its exit code, or that of the signal that ended it."""
    signals = Signals()

    async def run_with_signals() -> int:
        task = asyncio.create_task(work(signals))
        with signals.install(task):
            return await task

    try:
        return asyncio.run(run_with_signals())
    except asyncio.CancelledError:
        return 128 + (signals.received or signal.SIGINT)
    finally:
        sys.stdout.flush()
