"""The streams of a command in a container, and of a port of a pod: messages that begin with the number of a channel.

https://kubernetes.io/docs/reference/using-api/api-concepts/ and
https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets
"""

import contextlib
import dataclasses
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from seaway import errors
from seaway.kubernetes.api import kinds
from seaway.kubernetes.cluster import client, websocket

STDIN, STDOUT, STDERR, STATUS, RESIZE = range(5)
"""Channels of a command. A port has two: 0 has the data, 1 the error."""

CHUNK_BYTES = 32 * 1024
"""Maximum size of a message that is sent."""

_CLOSE = 255
_V5, _V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
"""Version 5, of Kubernetes 1.30, adds the end of stdin. https://github.com/kubernetes/kubernetes/pull/119157"""

_PROGRAM_MISSING = re.compile(r"executable file.*not found|exec.*no such file")


class NotStartedError(errors.Unavailable):
    """The container runtime could not start the command."""

    @property
    def is_missing(self) -> bool:
        """Whether the image has no such program."""
        return is_program_missing(str(self))


def is_program_missing(message: str) -> bool:
    """Whether a message of the container runtime says that the image has no such program."""
    return bool(_PROGRAM_MISSING.search(message))


class Stream:
    """An open connection to a pod. It raises errors.Unavailable if it is lost, or closed."""

    def __init__(self, socket: websocket.WebSocket, lost_message: str) -> None:
        self._socket = socket
        self._lost_message = lost_message

    @property
    def has_end_of_input(self) -> bool:
        """Whether ``end_input`` has an effect."""
        return self._socket.protocol == _V5

    async def send(self, channel: int, content: bytes) -> None:
        """Send on a channel; wait while the other end does not read."""
        try:
            await self._socket.send(bytes((channel,)) + content)
        except websocket.ConnectionLost as error:
            raise errors.Unavailable(self._lost_message) from error

    async def end_input(self) -> None:
        """End stdin."""
        if self.has_end_of_input:
            await self.send(_CLOSE, bytes((STDIN,)))

    async def receive(self) -> AsyncIterator[tuple[int, bytes]]:
        """The messages until the server closes the connection: channel and content, never empty."""
        try:
            async for message in self._socket.receive():
                if len(message) > 1 and message[0] != _CLOSE:
                    yield message[0], message[1:]
        except websocket.ConnectionLost as error:
            raise errors.Unavailable(self._lost_message) from error


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A running container."""

    cluster: client.KubeClient
    namespace: str
    pod: str
    container: str

    def open_command(
        self, command: Sequence[str], *, tty: bool = False
    ) -> contextlib.AbstractAsyncContextManager[Stream]:
        """Start a command. Without a ``command``: attach to the container's own."""
        query = [("container", self.container), ("stdin", "true"), ("stdout", "true"), ("stderr", str(not tty).lower())]
        query += [("tty", str(tty).lower()), *(("command", word) for word in command)]
        path = f"{kinds.build_path('Pod', self.namespace, self.pod)}/{'exec' if command else 'attach'}"
        return _open(self.cluster, path, self.pod, query, (_V5, _V4))


def parse_status(content: bytes) -> int:
    """The exit code in a message of the channel STATUS.

    Raises:
        NotStartedError: the command did not start.
    """
    status = json.loads(content)
    if status.get("status") == "Success":
        return 0
    if status.get("reason") == "NonZeroExitCode":
        return next(int(cause["message"]) for cause in status["details"]["causes"] if cause["reason"] == "ExitCode")
    raise NotStartedError(status.get("message") or status.get("reason") or "unknown error")


def open_port(
    cluster: client.KubeClient, namespace: str, pod: str, port: int
) -> contextlib.AbstractAsyncContextManager[Stream]:
    """Connect to a port of a pod. The first message of each channel is the number of the port."""
    path = f"{kinds.build_path('Pod', namespace, pod)}/portforward"
    return _open(cluster, path, pod, [("ports", str(port))], (_V4,))


@contextlib.asynccontextmanager
async def _open(
    cluster: client.KubeClient, path: str, pod: str, query: Sequence[tuple[str, str]], protocols: Sequence[str]
) -> AsyncGenerator[Stream]:
    async with cluster.open_websocket(path, query, protocols) as socket:
        yield Stream(socket, f"the connection to pod {pod} was lost")
