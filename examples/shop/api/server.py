"""A small HTTP server that finishes the requests in flight before it ends."""

import http.server
import json
import signal
import threading
from typing import Any


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends JSON or HTML."""

    def send(
        self, status: int, body: Any, content_type: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        """Send ``body``: a string as it is, anything else as JSON."""
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, header in (headers or {}).items():
            self.send_header(name, header)
        self.end_headers()
        self.wfile.write(content)

    def read_body(self) -> str:
        """Return the body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log requests, except those of the probes."""
        if self.path not in {"/healthz", "/readyz"}:
            super().log_request(code, size)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for requests in flight
    request_queue_size = 128


def serve(handler: type[Handler], port: int = 8000) -> None:
    """Serve until SIGTERM. The first process of a container ignores SIGTERM unless it has a handler."""
    with Server(("", port), handler) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
