"""The notice board: returns all its inputs as JSON.

HTTP on port 8000, metrics on 9090, and a UDP beacon on 9999.
"""

import argparse
import configparser
import http.server
import json
import os
import signal
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import talk


def read_inputs() -> dict[str, Any]:
    """Return arguments, variables, files, and the responses of other services."""
    config = configparser.ConfigParser()
    config.read("/etc/board/board.ini")
    return {
        "title": Page.title,
        "greeting": os.environ["GREETING"],
        "edition": os.environ["EDITION"],
        "logLevel": os.environ["LOG_LEVEL"],
        "user": os.getuid(),
        "folder": str(Path.cwd()),
        "colour": Path("/var/cache/board/theme").read_text(),
        "ticks": int(Path("/var/run/ticks/count").read_text()),
        "motd": Path("/etc/board/motd").read_text(),
        "sessionKey": len(Path(os.environ["SESSION_KEY_FILE"]).read_text()),
        "licence": len(os.environ["LICENCE"]),
        "visitor": int(talk.request("COUNTER", "next")),
        "journal": talk.request("JOURNAL", "list").splitlines()[-config.getint("board", "lines") :],
    }


class Page(http.server.BaseHTTPRequestHandler):
    title = "Board"
    request_count = 0

    def do_GET(self) -> None:
        Page.request_count += 1
        match self.path:
            case "/healthz" | "/readyz":
                self.send_text("ok\n")
            case "/":
                self.send_text(json.dumps(read_inputs(), indent=2))
            case _:
                self.send_error(404)

    def send_text(self, text: str) -> None:
        """Send a text."""
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log requests, except those of the probes."""
        if self.path == "/":
            super().log_request(code, size)


class Metrics(Page):
    def do_GET(self) -> None:
        self.send_text(f"board_requests_total {Page.request_count}\n")


class Beacon(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Answer any packet."""
        _, connection = self.request
        connection.sendto(b"here\n", self.client_address)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for requests in flight


def start_thread(serve: Callable[[], None]) -> None:
    """Serve in a thread that ends with the program."""
    threading.Thread(target=serve, daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--title", default=Page.title)
    Page.title = parser.parse_args().title
    with Server(("", 8000), Page) as page, Server(("", 9090), Metrics) as metrics:
        start_thread(metrics.serve_forever)
        start_thread(socketserver.UDPServer(("", 9999), Beacon).serve_forever)
        # The first process of a container ignores SIGTERM unless it has a handler.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=page.shutdown).start())
        page.serve_forever()
        metrics.shutdown()


if __name__ == "__main__":
    main()
