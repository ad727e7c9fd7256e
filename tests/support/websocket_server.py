"""A stand-in for the websockets of an API server: one handler for each connection, over real connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import wsproto
from wsproto import events


class Socket:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: str | None) -> None:
        self.target = ""
        """Path and query of the request."""
        self.messages: list[bytes] = []
        """What the client sent."""
        self.closed = False
        self._part = b""
        self._reader, self._writer, self._protocol = reader, writer, protocol
        self._connection = wsproto.WSConnection(wsproto.ConnectionType.SERVER)

    async def send(self, message: bytes) -> None:
        await self._write(events.BytesMessage(message))

    async def close(self) -> None:
        await self._write(events.CloseConnection(1000))

    async def read(self, count: int) -> list[bytes]:
        """Read until the client has sent so many messages, or has ended."""
        while (not self.target or len(self.messages) < count) and not self.closed:
            self._connection.receive_data(await self._reader.read(65536) or None)
            for event in self._connection.events():
                match event:
                    case events.Request():
                        self.target = event.target
                        offered = [protocol for protocol in event.subprotocols if protocol == self._protocol]
                        await self._write(events.AcceptConnection(subprotocol=offered[0] if offered else None))
                    case events.BytesMessage():
                        self._part += event.data
                        if event.message_finished:
                            self.messages.append(self._part)
                            self._part = b""
                    case events.Ping():
                        await self._write(event.response())
                    case events.CloseConnection():
                        self.closed = True
                    case _:
                        pass
        return self.messages

    async def _write(self, event: events.Event) -> None:
        self._writer.write(self._connection.send(event))
        await self._writer.drain()


Handler = Callable[[Socket], Awaitable[None]]


@contextlib.asynccontextmanager
async def serve(handler: Handler, protocol: str | None = None) -> AsyncIterator[int]:
    """Serve on a port of its own, which is the result; ``protocol``: the one that the server knows."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        socket = Socket(reader, writer, protocol)
        await socket.read(0)
        try:
            await handler(socket)
        finally:
            writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
