"""Stores lines on a disk: `add WORD` adds a line, `list` returns all. A second disk has a copy.

Port 7101 returns the number of lines.
"""

import os
import signal
import socketserver
import threading
from pathlib import Path

JOURNAL = Path("/data/journal")
COPY = Path("/archive/journal")
write_lock = threading.Lock()


def add_line(line: str) -> None:
    """Write a line to both disks before the client gets its response."""
    with write_lock:
        for path in (JOURNAL, COPY):
            with path.open("a") as file:
                file.write(f"{line}\n")
                file.flush()
                os.fsync(file.fileno())


def read_lines() -> str:
    return JOURNAL.read_text() if JOURNAL.exists() else ""


class Requests(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Handle the request of a connection."""
        match self.rfile.readline().decode().split():
            case ["add", *words]:
                add_line(" ".join(words))
                self.wfile.write(b"written\n")
            case ["list"]:
                self.wfile.write(read_lines().encode())
            case _:
                pass  # a probe opens a connection and sends nothing


class Stats(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Send the number of lines."""
        self.wfile.write(f"{len(read_lines().splitlines())}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


with Server(("", 7100), Requests) as requests, Server(("", 7101), Stats) as stats:
    threading.Thread(target=stats.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=requests.shutdown).start())
    requests.serve_forever()
    stats.shutdown()
