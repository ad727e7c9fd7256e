"""Sends requests, and prints what became of them. It runs as a program, here or in a container.

It runs with Python 3.9 or later and only its standard library, because the container has nothing else. Its argument is
JSON, see ``Options``. It ends after ``seconds``, or when its stdin has a line.
"""

import asyncio
import dataclasses
import json
import ssl
import sys
import threading
import time
from typing import Any


@dataclasses.dataclass
class Options:
    """What to send, and how."""

    host: str
    port: int
    path: str = "/"
    host_header: str = ""
    tls: bool = False
    http: bool = True
    """Otherwise, each request is only a TCP connection."""
    connections: int = 4
    seconds: float = 30
    interval: float = 0
    """Seconds from one request of a connection to its next; 0: the next follows at once."""
    keep_alive: bool = False
    timeout: float = 5


class Load:
    """The requests of one run."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.latencies: list[float] = []
        self.successes: list[float] = []
        self.errors: dict[str, int] = {}
        self.start = time.monotonic()
        self.stopped = asyncio.Event()

    async def run(self) -> dict[str, Any]:
        """Send requests until the end; return the figures."""
        clients = [asyncio.create_task(self._send_all()) for _ in range(self.options.connections)]
        try:
            await asyncio.wait_for(self.stopped.wait(), self.options.seconds)
        except asyncio.TimeoutError:  # noqa: UP041 - another class before Python 3.11
            self.stopped.set()
        await asyncio.gather(*clients)
        return self._summarize(time.monotonic())

    async def _send_all(self) -> None:
        connection = None
        while not self.stopped.is_set():
            start = time.monotonic()
            try:
                connection = await asyncio.wait_for(self._send(connection), self.options.timeout)
                self.successes.append(time.monotonic())
                self.latencies.append(time.monotonic() - start)
            except Exception as error:
                text = "no answer in time" if isinstance(error, asyncio.TimeoutError) else str(error)
                text = text or type(error).__name__
                self.errors[text] = self.errors.get(text, 0) + 1
                connection = None
                await asyncio.sleep(0.01)
            rest = self.options.interval - (time.monotonic() - start)
            if rest > 0:
                await asyncio.sleep(rest)
        if connection is not None:
            connection[1].close()

    async def _send(self, connection: Any) -> Any:
        """One request; return the connection if it can be used again."""
        if connection is not None:
            try:
                return await self._exchange(connection)
            except ConnectionResetError:
                pass  # A server may close an idle connection. Clients repeat such a request on a new one.
        tls = ssl.create_default_context() if self.options.tls else None
        name = self.options.host_header.partition(":")[0] or self.options.host
        opened = await asyncio.open_connection(
            self.options.host, self.options.port, ssl=tls, server_hostname=name if tls else None
        )
        if self.options.http:
            return await self._exchange(opened)
        opened[1].close()
        return None

    async def _exchange(self, connection: Any) -> Any:
        reader, writer = connection
        is_kept = False
        try:
            options = self.options
            name = options.host_header or f"{options.host}:{options.port}"
            persistence = "keep-alive" if options.keep_alive else "close"
            writer.write(
                f"GET {options.path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: seaway-test\r\nAccept: */*\r\n"
                f"Connection: {persistence}\r\n\r\n".encode()
            )
            await writer.drain()
            is_kept = await self._read_response(reader) and options.keep_alive
            return connection if is_kept else None
        finally:
            if not is_kept:
                writer.close()

    async def _read_response(self, reader: asyncio.StreamReader) -> bool:
        """Read a response to its end; return whether the server keeps the connection."""
        first = await reader.readline()
        if not first:
            raise ConnectionResetError("the connection was closed without a response")
        status = int(first.split()[1])
        headers: dict[str, str] = {}
        while (line := await reader.readline()).strip():
            name, _, text = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = text.strip().lower()
        if not line:
            raise EOFError("the response ended in its headers")
        is_kept = "close" not in headers.get("connection", "") and not first.startswith(b"HTTP/1.0")
        if "chunked" in headers.get("transfer-encoding", ""):
            while size := int((await reader.readline()).split(b";")[0] or b"x", 16):
                await reader.readexactly(size + 2)
            while (await reader.readline()).strip():
                pass
        elif "content-length" in headers:
            await reader.readexactly(int(headers["content-length"]))
        elif status not in (204, 304):
            await reader.read()
            is_kept = False
        if status >= 500:
            raise RuntimeError(f"status {status}")
        return is_kept

    def _summarize(self, end: float) -> dict[str, Any]:
        failed = sum(self.errors.values())
        seconds = end - self.start
        ordered = sorted(self.latencies)
        times = [self.start, *sorted(self.successes), end]
        return {
            "requests": len(ordered) + failed,
            "failed": failed,
            "errors": self.errors,
            "seconds": round(seconds, 1),
            "perSecond": round(len(ordered) / seconds, 1),
            "p50": _find_percentile(ordered, 50),
            "p99": _find_percentile(ordered, 99),
            "longestPause": round(max(times[index] - times[index - 1] for index in range(1, len(times))), 2),
        }


def _find_percentile(ordered: list[float], percent: int) -> "float | None":
    """In milliseconds; None without a value."""
    return round(ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] * 1000, 1) if ordered else None


async def _main(argument: str) -> None:
    load, loop = Load(Options(**json.loads(argument))), asyncio.get_running_loop()

    def read_stop() -> None:
        if sys.stdin.readline():
            loop.call_soon_threadsafe(load.stopped.set)

    # A daemon: the program ends even if nobody writes or closes its stdin.
    threading.Thread(target=read_stop, daemon=True).start()
    print(json.dumps(await load.run()))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
