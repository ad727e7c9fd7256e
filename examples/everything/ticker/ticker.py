"""Writes a number into a folder that it shares with the board, again and again; answers on 8081 that it is there."""

import http.server
import itertools
import os
import signal
import threading
from pathlib import Path

COUNT = Path("/var/run/ticks/count")
stop = threading.Event()


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204 if COUNT.exists() else 503)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only the cluster asks."""


def tick(server: http.server.HTTPServer) -> None:
    for number in itertools.count(1):
        # Written beside it and then renamed: whoever reads never sees half a number.
        COUNT.with_suffix(".new").write_text(str(number))
        COUNT.with_suffix(".new").rename(COUNT)
        if stop.wait(float(os.environ["EVERY"])):
            break
    server.shutdown()


signal.signal(signal.SIGTERM, lambda *_: stop.set())
with http.server.ThreadingHTTPServer(("", 8081), Health) as server:
    threading.Thread(target=tick, args=(server,)).start()
    server.serve_forever()
