"""The load that the end-to-end tests trust: what it counts as answered, as failed, and when it asks again."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest

from dev import prober

Reply = Callable[[int, int], bytes | None]
"""The number of the connection and of the request on it, both from 1; None closes without an answer."""


class Server(socketserver.ThreadingTCPServer):
    """Speaks just enough HTTP, and lets the test choose each answer."""

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
            answer = self.server.reply(connection, request)
            if answer is None:
                return
            self.wfile.write(answer)


def answer(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 2", *headers, "", "ok"]).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def asked(server: Server, reply: Reply, *, requests: int, patience: float = 5) -> prober.Prober:
    """One thread that asks until the server has seen so many requests; none is under way then."""
    server.reply = reply
    with prober.Prober(url(server), threads=1, per_second=50, patience=patience) as load:
        prober.wait_until(lambda: server.requests >= requests, seconds=300, every=0.01)
    return load


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/"


def test_a_whole_answer_of_2xx_is_answered(server: Server) -> None:
    load = asked(server, lambda *_: answer("200 OK"), requests=3)
    assert load.failures == []
    assert load.answered == server.requests
    assert server.connections == 1, "it keeps its connection, as browsers do"
    assert load.bodies == {"ok"}


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "429 Too Many Requests", "502 Bad Gateway"])
def test_any_other_status_is_a_failure(server: Server, status: str) -> None:
    load = asked(server, lambda *_: answer(status, "Location: /elsewhere"), requests=2)
    assert load.answered == 0
    assert len(load.failures) == server.requests, "nothing is asked again, no redirect is followed"
    assert all(status[:3] in failure for failure in load.failures)


def test_a_kept_connection_that_was_closed_is_asked_again_once(server: Server) -> None:
    load = asked(server, lambda _, request: answer("200 OK") if request == 1 else None, requests=5)
    assert load.failures == []
    assert load.answered > 1


def test_the_second_try_is_the_last(server: Server) -> None:
    load = asked(server, lambda connection, _: answer("200 OK") if server.requests == 1 else None, requests=3)
    assert load.answered == 1
    assert "on a fresh connection too" in load.failures[0]


def test_a_first_connection_that_is_closed_is_a_failure(server: Server) -> None:
    load = asked(server, lambda *_: None, requests=2)
    assert load.answered == 0
    assert len(load.failures) == server.requests == server.connections
    assert "disconnected" in load.failures[0]


def test_half_an_answer_is_a_failure(server: Server) -> None:
    def half(_connection: int, request: int) -> bytes | None:
        return answer("200 OK")[:-1] if request == 1 else None

    server.reply = half
    with prober.Prober(url(server), threads=1, per_second=50, patience=0.2) as load:
        prober.wait_until(lambda: load.failures, seconds=300, every=0.01)
    assert load.answered == 0


def test_a_timeout_is_a_failure_on_a_kept_connection_too(server: Server) -> None:
    ended = threading.Event()

    def late(_connection: int, request: int) -> bytes | None:
        if request > 1:
            ended.wait(10)
            return None
        return answer("200 OK")

    server.reply = late
    with prober.Prober(url(server), threads=1, per_second=50, patience=0.2) as load:
        prober.wait_until(lambda: load.failures, seconds=300, every=0.01)
        ended.set()
    assert "ReadTimeout" in load.failures[0]
    assert "fresh" not in load.failures[0]


def test_nobody_there_is_a_failure() -> None:
    with socket.socket() as deaf:  # has the port and does not listen
        deaf.bind(("127.0.0.1", 0))
        with prober.Prober(f"http://127.0.0.1:{deaf.getsockname()[1]}/", threads=1, per_second=50) as load:
            prober.wait_until(lambda: load.failures, seconds=300, every=0.01)
    assert load.answered == 0
    assert "ConnectError" in load.failures[0]


def test_it_asks_no_other_machine() -> None:
    with pytest.raises(ValueError, match="only ever goes to this machine"):
        prober.Prober("http://192.0.2.1:80/").__enter__()
