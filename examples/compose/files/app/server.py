"""Stores the body of a PUT in a file, and returns it."""

import http.server
import pathlib

UPLOADS = pathlib.Path("/srv/uploads")


class Files(http.server.BaseHTTPRequestHandler):
    @property
    def file(self):
        return UPLOADS / pathlib.PurePosixPath(self.path).name

    def do_GET(self):
        self.respond(200, self.file.read_bytes()) if self.file.is_file() else self.respond(404)

    def do_PUT(self):
        self.file.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.respond(201)

    def respond(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("", 9000), Files).serve_forever()
