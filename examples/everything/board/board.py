"""The notice board: says in one answer what it was given from all sides. HTTP on 8000, its metrics on 9090, and a
beacon on 9999 that answers UDP."""

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


def seen() -> dict[str, Any]:
    """All that it was given, from all sides."""
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
        "visitor": int(talk.ask("COUNTER", "next")),
        "journal": talk.ask("JOURNAL", "list").splitlines()[-config.getint("board", "lines") :],
    }


class Page(http.server.BaseHTTPRequestHandler):
    title = "Board"
    answered = 0

    def do_GET(self) -> None:
        Page.answered += 1
        match self.path:
            case "/healthz" | "/readyz":
                self.answer("ok\n")
            case "/":
                self.answer(json.dumps(seen(), indent=2))
            case _:
                self.send_error(404)

    def answer(self, text: str) -> None:
        """Sends a text."""
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are logged, but for the cluster's own questions."""
        if self.path == "/":
            super().log_request(code, size)


class Metrics(Page):
    def do_GET(self) -> None:
        self.answer(f"board_requests_total {Page.answered}\n")


class Beacon(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Says that it is there."""
        _, to = self.request
        to.sendto(b"here\n", self.client_address)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # so that the end waits for the requests in flight


def beside(serve: Callable[[], None]) -> None:
    """Serves, and ends with the program."""
    threading.Thread(target=serve, daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--title", default=Page.title)
    Page.title = parser.parse_args().title
    with Server(("", 8000), Page) as page, Server(("", 9090), Metrics) as metrics:
        beside(metrics.serve_forever)
        beside(socketserver.UDPServer(("", 9999), Beacon).serve_forever)
        # The first process of a container ignores SIGTERM unless it says what to do.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=page.shutdown).start())
        page.serve_forever()
        metrics.shutdown()


if __name__ == "__main__":
    main()
