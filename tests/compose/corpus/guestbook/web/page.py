"""Whether the database is there, and what its password hashes to."""

import hashlib
import http.server
import os
import pathlib
import socket

ASK_FOR_TLS = bytes([0, 0, 0, 8, 4, 210, 22, 47])


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with socket.create_connection((os.environ["DATABASE_HOST"], 5432), timeout=2) as database:
            database.sendall(ASK_FOR_TLS)
            answer = database.recv(1).decode()
        password = pathlib.Path(os.environ["DATABASE_PASSWORD_FILE"]).read_bytes().strip()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{answer} {hashlib.sha256(password).hexdigest()}\n".encode())


http.server.ThreadingHTTPServer(("", 8080), Page).serve_forever()
