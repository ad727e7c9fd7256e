"""Shows node ports on 127.0.0.1 of the host, each checkout at ports of its own."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from dev.cluster import layout as layouts


class Forwarder:
    """Listens on the host's loopback and copies both ways. The ports are remembered, so an address outlives `down`."""

    def __init__(self, layout: layouts.Layout) -> None:
        self.layout = layout
        self.file = layout.data / "forwards.json"
        self.ports: dict[str, int] = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.servers: dict[str, asyncio.Server] = {}

    async def run(self) -> None:
        """Serve for ever."""
        for node_port in list(self.ports):
            await self.open_port(node_port)
        self.layout.forwarder.unlink(missing_ok=True)
        async with await asyncio.start_unix_server(self._handle_request, self.layout.forwarder) as requests:
            await requests.serve_forever()

    async def open_port(self, node_port: str) -> int:
        """Listen for a node port, at the local port of last time if that is free, and return the local port."""
        if node_port not in self.servers:
            server = await self._listen(node_port)
            self.servers[node_port] = server
            self.ports[node_port] = server.sockets[0].getsockname()[1]
            partial = self.file.with_suffix(".partial")
            partial.write_text(json.dumps(self.ports))
            partial.rename(self.file)
        return self.ports[node_port]

    async def _listen(self, node_port: str) -> asyncio.Server:
        async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connect(int(node_port), reader, writer)

        # Port 0 lets the kernel choose a free one: another checkout, or anybody, may have the first two.
        for port in (self.ports.get(node_port, int(node_port)), int(node_port)):
            with contextlib.suppress(OSError):
                return await asyncio.start_server(copy, "127.0.0.1", port)
        return await asyncio.start_server(copy, "127.0.0.1", 0)

    async def _handle_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode().strip()
        if line.isdigit() and 0 < int(line) < 65536:
            writer.write(f"{await self.open_port(line)}\n".encode())
        writer.close()

    async def _connect(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection(self.layout.address, port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_copy_stream(reader, onward_writer), _copy_stream(onward_reader, writer))
        writer.close()
        onward_writer.close()


async def _copy_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the sender ends, then end the other side's direction too."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


def main() -> None:
    """Arguments: the checkout's folder, the address number."""
    layout = layouts.Layout(root=Path(sys.argv[1]), number=int(sys.argv[2]))
    asyncio.run(Forwarder(layout).run())


if __name__ == "__main__":
    main()
