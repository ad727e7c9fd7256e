"""The load of the end-to-end tests: successes, failures and retries."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from dev import prober

Reply = Callable[[int, int], bytes | None]
"""Takes the numbers of the connection and of its request, both from 1. Returns None to close the connection."""


class Server(socketserver.ThreadingTCPServer):
    """A minimal HTTP server. The test chooses each response."""

    daemon_threads = True
    reply: Reply
    connections = 0
    requests = 0


class Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.server.connections += 1
        connection, request = self.server.connections, 0
        while self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            request += 1
            self.server.requests += 1
            response = self.server.reply(connection, request)
            if response is None:
                return
            self.wfile.write(response)


def format_response(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 2", *headers, "", "ok"]).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send_requests(server: Server, reply: Reply, *, requests: int = 0, timeout: float = 5) -> prober.Prober:
    """Send requests from one thread until the server has received this many; without a number, until one has failed."""
    server.reply = reply
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    with prober.Prober(url, threads=1, per_second=50, timeout=timeout) as load:
        prober.wait_until(
            lambda: server.requests >= requests and (requests or load.failures), seconds=300, interval=0.01
        )
    return load


OK = format_response("200 OK")


def test_complete_2xx_response_is_a_success(server: Server) -> None:
    load = send_requests(server, lambda *_: OK, requests=3)
    assert load.failures == []
    assert load.answered == server.requests
    assert server.connections == 1, "it keeps its connection alive, as browsers do"
    assert load.bodies == {"ok"}


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "429 Too Many Requests", "502 Bad Gateway"])
def test_any_other_status_is_a_failure(server: Server, status: str) -> None:
    load = send_requests(server, lambda *_: format_response(status, "Location: /elsewhere"), requests=2)
    assert load.answered == 0
    assert len(load.failures) == server.requests, "no request is retried, no redirect is followed"
    assert all(status[:3] in failure for failure in load.failures)


def test_request_on_a_closed_connection_is_retried_once(server: Server) -> None:
    load = send_requests(server, lambda _, request: OK if request == 1 else None, requests=5)
    assert load.failures == []
    assert load.answered > 1


def test_failed_retry_is_a_failure(server: Server) -> None:
    load = send_requests(server, lambda *_: OK if server.requests == 1 else None, requests=3)
    assert load.answered == 1
    assert "also on a new connection" in load.failures[0]


def test_closed_first_connection_is_a_failure(server: Server) -> None:
    load = send_requests(server, lambda *_: None, requests=2)
    assert load.answered == 0
    assert len(load.failures) == server.requests == server.connections
    assert "disconnected" in load.failures[0]


def test_incomplete_response_is_a_failure(server: Server) -> None:
    assert send_requests(server, lambda _, request: OK[:-1] if request == 1 else None, timeout=0.2).answered == 0


def test_timeout_on_an_open_connection_is_a_failure(server: Server) -> None:
    def reply(_connection: int, request: int) -> bytes | None:
        return OK if request == 1 else time.sleep(0.5)

    (failure,) = send_requests(server, reply, timeout=0.2).failures[:1]
    assert "ReadTimeout" in failure
    assert "new connection" not in failure


def test_refused_connection_is_a_failure() -> None:
    with socket.socket() as bound:  # has the port and does not listen
        bound.bind(("127.0.0.1", 0))
        with prober.Prober(f"http://127.0.0.1:{bound.getsockname()[1]}/", threads=1, per_second=50) as load:
            prober.wait_until(lambda: load.failures, seconds=300, interval=0.01)
    assert load.answered == 0
    assert "ConnectError" in load.failures[0]


def test_other_machines_are_rejected() -> None:
    with pytest.raises(ValueError, match="may target only this machine"):
        prober.Prober("http://192.0.2.1:80/").__enter__()
