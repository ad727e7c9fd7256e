"""A small HTTP server that ends well: it answers what it has begun, then goes."""

import http.server
import json
import signal
import threading
from typing import Any


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with JSON or HTML."""

    def answer(
        self, status: int, body: Any, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        """Sends ``body``: text as it is, anything else as JSON."""
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def body(self) -> str:
        """The text that came with the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are logged, but for the cluster's own questions."""
        if self.path not in {"/healthz", "/readyz"}:
            super().log_request(code, size)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # so that the end waits for the requests in flight
    request_queue_size = 128


def serve(handler: type[Handler], port: int = 8000) -> None:
    """Serves until SIGTERM, which the first process of a container would ignore by itself."""
    with Server(("", port), handler) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
