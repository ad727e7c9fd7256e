"""Keeps lines on its disk: `add WORD` writes one, `list` answers with all. The second disk has a copy of each.

On 7101 it says how many there are.
"""

import os
import signal
import socketserver
import threading
from pathlib import Path

JOURNAL = Path("/data/journal")
COPY = Path("/archive/journal")
writing = threading.Lock()


def add(line: str) -> None:
    """Both disks have it before anybody is told."""
    with writing:
        for path in (JOURNAL, COPY):
            with path.open("a") as file:
                file.write(f"{line}\n")
                file.flush()
                os.fsync(file.fileno())


def lines() -> str:
    return JOURNAL.read_text() if JOURNAL.exists() else ""


class Asked(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """One question a connection."""
        match self.rfile.readline().decode().split():
            case ["add", *words]:
                add(" ".join(words))
                self.wfile.write(b"written\n")
            case ["list"]:
                self.wfile.write(lines().encode())
            case _:
                pass  # the cluster's own question: does the port answer?


class Stats(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """How many lines there are."""
        self.wfile.write(f"{len(lines().splitlines())}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


with Server(("", 7100), Asked) as asked, Server(("", 7101), Stats) as stats:
    threading.Thread(target=stats.serve_forever, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=asked.shutdown).start())
    asked.serve_forever()
    stats.shutdown()
