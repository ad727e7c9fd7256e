"""Runs a command in a container of a pod: its input, output, terminal size, signals and exit code are those of seaway.

Kubernetes passes no signals on, and a command whose connection is lost runs on. Therefore a second command in the same
container, the control, reads signals from its stdin and sends them to the first. When that stdin ends, it ends the
first command. It needs a shell in the image.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Sequence

from seaway import errors
from seaway.cli import command, terminal
from seaway.kubernetes.cluster import streams

CONTROL_SCRIPT = """\
while read -r signal pid; do last=$pid; kill "-$signal" "-$pid" 2>/dev/null; done
[ -z "$last" ] || kill -HUP "-$last" 2>/dev/null"""
"""Each line is a signal and a process group; signal 0 does nothing."""

COMMAND_SCRIPT = 'echo $$ >&2; exec "$@"'
"""Prints the number of its process, which the command keeps. The container runtime makes it a group of its own."""

SHELL = ("sh", "-c", 'exec "$(command -v bash || command -v sh)"')
"""bash if the image has it."""

COMMAND_NOT_FOUND = 127
"""The exit code of shells for a program that does not exist."""


class Control:
    """Sends signals to a command."""

    def __init__(self, stream: streams.Stream) -> None:
        self._stream = stream
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._pid = ""
        self._early_signal = ""

    def set_process(self, pid: str) -> None:
        """The command to which signals go."""
        self._pid = pid
        self.forward("0")
        if self._early_signal:
            self.forward(self._early_signal)

    def forward(self, name: str) -> None:
        """Send a signal, at the latest when the number of the command's process is known."""
        if self._pid:
            self._lines.put_nowait(f"{name} {self._pid}\n")
        else:
            self._early_signal = name

    async def run(self) -> None:
        """Send the lines; end when the connection is lost."""
        with contextlib.suppress(errors.Unavailable):
            while True:
                await self._stream.send(streams.STDIN, (await self._lines.get()).encode())


@contextlib.asynccontextmanager
async def open_control(place: streams.Place) -> AsyncGenerator[Control | None]:
    """The control in a container; None if its image has no shell."""
    async with place.open_command(("sh", "-c", f"echo; {CONTROL_SCRIPT}")) as stream:
        async with run_control(stream) as control:
            async for channel, content in stream.receive():
                if channel == streams.STDOUT:
                    yield control
                    return
                if channel == streams.STATUS:
                    try:
                        streams.parse_status(content)
                    except streams.NotStartedError as error:
                        if not error.is_missing:
                            raise
                    break
        yield None


@contextlib.asynccontextmanager
async def run_control(stream: streams.Stream) -> AsyncGenerator[Control]:
    """The control of a stream whose other end reads its script's lines."""
    control = Control(stream)
    task = asyncio.create_task(control.run())
    try:
        yield control
    finally:
        task.cancel()


async def run_command(
    place: streams.Place,
    words: Sequence[str],
    *,
    control: Control | None,
    signals: terminal.Signals,
    attach: bool = False,
) -> int:
    """Run a command to its end; return its exit code.

    Args:
        attach: attach to the container's own command instead; its exit code is not known then.
    """
    tty = terminal.is_terminal()
    full = ("sh", "-c", COMMAND_SCRIPT, "sh", *words) if control else words
    async with contextlib.AsyncExitStack() as stack:
        stream = await stack.enter_async_context(place.open_command(() if attach else full, tty=tty))
        if tty:
            stack.enter_context(terminal.open_raw_mode())
            stack.enter_context(terminal.watch_size(_create_resizer(stream)))
        signals.forward = control.forward if control else None
        reader = asyncio.create_task(send_input(stream))
        stack.callback(reader.cancel)
        return await _print_output(stream, _PidFilter(control, streams.STDOUT if tty else streams.STDERR))


class _PidFilter:
    """Removes the first line of the command script from its output."""

    def __init__(self, control: Control | None, channel: int) -> None:
        self._control = control
        self._channel = channel
        self._line = b""

    def filter(self, channel: int, content: bytes) -> bytes:
        """The part of an output that is the command's."""
        if self._control is None or channel != self._channel:
            return content
        self._line += content
        line, newline, rest = self._line.partition(b"\n")
        if not newline:
            return b""
        self._control.set_process(line.decode().strip())
        self._control = None
        return rest


async def _print_output(stream: streams.Stream, pid_filter: _PidFilter) -> int:
    async for channel, content in stream.receive():
        if channel == streams.STATUS:
            return streams.parse_status(content)
        file = terminal.STDERR if channel == streams.STDERR else terminal.STDOUT
        await terminal.write(file, pid_filter.filter(channel, content))
    raise errors.Unavailable("the connection to the command ended without an exit code")


async def send_input(stream: streams.Stream) -> None:
    """Send stdin of this process, then its end. If the connection is lost, the reader of the output reports it."""
    with contextlib.suppress(errors.Unavailable):
        async for chunk in terminal.read_input():
            await stream.send(streams.STDIN, chunk)
        if not stream.has_end_of_input:
            command.report("this API server cannot pass on the end of stdin (Kubernetes 1.30 or later can)")
        await stream.end_input()


def _create_resizer(stream: streams.Stream) -> Callable[[int, int], None]:
    sending: set[asyncio.Task[None]] = set()

    def resize(columns: int, lines: int) -> None:
        size = json.dumps({"Width": columns, "Height": lines}).encode()
        task = asyncio.create_task(stream.send(streams.RESIZE, size))
        sending.add(task)
        task.add_done_callback(sending.discard)

    return resize
