"""A page, with the standard library only."""

import http.server
import signal
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = b"<!doctype html><title>${PROJECT}</title><h1>It runs.</h1>\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for requests in flight


if __name__ == "__main__":
    with Server(("", 8000), Handler) as server:
        # The first process of a container ignores SIGTERM unless it has a handler.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
