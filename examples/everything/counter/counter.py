"""Counts its visitors, in memory: whoever connects gets the next number."""

import itertools
import signal
import socketserver
import threading

numbers = itertools.count(1)


class Visitor(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """The next number, for whoever asks; a connection that asks nothing is the cluster's, and counts for none."""
        if self.rfile.readline():
            self.wfile.write(f"{next(numbers)}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


with Server(("", 7000), Visitor) as server:
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
