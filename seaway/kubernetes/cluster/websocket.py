"""A websocket over a connection that the HTTP client has opened, and so under its credentials, TLS and proxies.

httpx2's own session is not used: it waits for ever if sending fails, or if the server does not read.
"""

import asyncio
import base64
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

import httpcore2
import httpx2
from wsproto import connection, events, utilities

PING_SECONDS = 20
"""Pings keep an idle connection open, and their answers show that it still exists."""

SILENCE_SECONDS = 60
"""A connection is lost when nothing is received for so long, not even an answer to a ping. kubectl has this limit too.
https://github.com/kubernetes/client-go/blob/v0.34.0/tools/remotecommand/websocket.go"""

MAX_UNREAD_BYTES = 4096
"""More input than this may wait for the program: the least buffer is a terminal's. Pings wait behind it."""

_READ_BYTES = 256 * 1024


class ConnectionLost(Exception):  # noqa: N818 - reads as what happened
    """The connection broke, or is closed."""


def build_headers(protocols: Sequence[str]) -> Mapping[str, str]:
    """The headers of the request that opens a websocket with one of the ``protocols``."""
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Protocol": ", ".join(protocols),
    }


class WebSocket:
    """An open websocket. Nothing is buffered: the other end waits until its messages are received."""

    def __init__(self, response: httpx2.Response) -> None:
        self.protocol = response.headers.get("Sec-WebSocket-Protocol")
        """The protocol that the server chose."""
        self._stream: httpcore2.AsyncNetworkStream = response.extensions["network_stream"]
        self._connection = connection.Connection(connection.ConnectionType.CLIENT)
        self._writing = asyncio.Lock()
        self._sent_bytes = 0
        self._read_bytes = 0
        """Of those sent, how many the other end has read for certain: each ping has their number."""

    async def send(self, message: bytes) -> None:
        """Send a message; wait while the other end does not read.

        Raises:
            ConnectionLost: it was not sent.
        """
        self._sent_bytes += len(message)
        await self._write(events.BytesMessage(message))

    async def receive(self) -> AsyncIterator[bytes]:
        """The messages until the server closes the websocket.

        Raises:
            ConnectionLost: the connection broke before.
        """
        message = b""
        while True:
            try:
                received = await self._stream.read(_READ_BYTES, SILENCE_SECONDS)
            except httpcore2.ReadTimeout as error:
                if self._sent_bytes - self._read_bytes > MAX_UNREAD_BYTES:
                    continue
                raise ConnectionLost from error
            except httpcore2.NetworkError as error:
                raise ConnectionLost from error
            if not received:
                raise ConnectionLost
            self._connection.receive_data(received)
            for event in self._connection.events():
                match event:
                    case events.BytesMessage():
                        message += event.data
                        if event.message_finished:
                            yield message
                            message = b""
                    case events.Ping():
                        await self._write(event.response())
                    case events.Pong() if event.payload.isdigit():
                        self._read_bytes = int(event.payload)
                    case events.CloseConnection():
                        return
                    case _:
                        pass

    @contextlib.asynccontextmanager
    async def keep_open(self) -> AsyncGenerator[None]:
        """Inside the block, send pings. The connection is closed at its end."""
        pings = asyncio.create_task(self._send_pings())
        try:
            yield
        finally:
            pings.cancel()
            await self._stream.aclose()

    async def _send_pings(self) -> None:
        with contextlib.suppress(ConnectionLost):
            while True:
                await asyncio.sleep(PING_SECONDS)
                await self._write(events.Ping(str(self._sent_bytes).encode()))

    async def _write(self, event: events.Event) -> None:
        try:
            async with self._writing:
                await self._stream.write(self._connection.send(event))
        except (httpcore2.NetworkError, utilities.LocalProtocolError) as error:
            raise ConnectionLost from error
