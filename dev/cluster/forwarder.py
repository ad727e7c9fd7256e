"""Forwards ports on the host's 127.0.0.1 to node ports. Each checkout has its own ports."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from dev.cluster import layout as layouts


class Forwarder:
    """Listens on the host's loopback and copies in both directions. A file keeps the ports, so they survive `down`."""

    def __init__(self, layout: layouts.Layout) -> None:
        self.layout = layout
        self.file = layout.data / "forwards.json"
        self.ports: dict[str, int] = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.servers: dict[str, asyncio.Server] = {}

    async def run(self) -> None:
        """Serve until the process ends."""
        for node_port in list(self.ports):
            await self.open_port(node_port)
        self.layout.forwarder.unlink(missing_ok=True)
        async with await asyncio.start_unix_server(self._handle_request, self.layout.forwarder) as requests:
            await requests.serve_forever()

    async def open_port(self, node_port: str) -> int:
        """Listen for a node port, on its previous local port if that is free, and return the local port."""
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

        # Port 0 lets the kernel choose a free port: another process may use the first two.
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
            node_reader, node_writer = await asyncio.open_connection(self.layout.address, port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_copy_stream(reader, node_writer), _copy_stream(node_reader, writer))
        writer.close()
        node_writer.close()


async def _copy_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the sender ends, then end the same direction of the other connection."""
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


def main() -> None:
    """Run with the arguments: the checkout's folder, the address number."""
    layout = layouts.Layout(root=Path(sys.argv[1]), number=int(sys.argv[2]))
    asyncio.run(Forwarder(layout).run())


if __name__ == "__main__":
    main()
