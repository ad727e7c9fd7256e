"""The number of messages of each broker."""

import http.server
import json

import messages


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        logs = {broker[0]: len(messages.ask(broker, {"get": "log"})) for broker in messages.find_brokers()}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(logs).encode())


http.server.ThreadingHTTPServer(("", 8080), Page).serve_forever()
