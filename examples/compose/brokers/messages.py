"""One JSON line for a request, one for the response."""

import json
import os
import socket
import socketserver
import zlib


def ask(address, request):
    with socket.create_connection(address, timeout=3) as connection, connection.makefile("rw") as stream:
        stream.write(json.dumps(request) + "\n")
        stream.flush()
        return json.loads(stream.readline())


def serve(address, respond):
    """Listen on exactly this address, and return the server."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                self.wfile.write(json.dumps(respond(json.loads(line))).encode() + b"\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    return Server(address, Handler)


def parse_address(text):
    host, _, port = text.rpartition(":")
    return host.rpartition("//")[2].rpartition("@")[2], int(port)


def find_brokers():
    """Ask the first bootstrap server that responds for the addresses that the brokers advertise."""
    for text in os.environ["BOOTSTRAP_SERVERS"].split(","):
        try:
            return [tuple(address) for address in ask(parse_address(text), {"get": "brokers"})]
        except OSError as error:
            print(f"{text}: {error}")
    raise ConnectionError("no bootstrap server responds")


def choose_leader(brokers, key):
    return brokers[zlib.crc32(key.encode()) % len(brokers)]
