"""The streams to a pod, against a stand-in for the API server's websockets, and errors of the client."""

import asyncio
import contextlib
import http.server
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seaway import errors
from seaway.kubernetes.cluster import client, streams, websocket
from tests.support import apiserver, websocket_server

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    return tmp_path


def run_with_server(
    folder: Path,
    handler: websocket_server.Handler,
    work: Callable[[client.KubeClient], Awaitable[Any]],
    protocol: str = V5,
) -> Any:
    async def run() -> Any:
        async with websocket_server.serve(handler, protocol) as port:
            (folder / "kubeconfig").write_text(apiserver.kubeconfig(f"http://127.0.0.1:{port}"))
            cluster = client.KubeClient(context="work", timeout=10)
            try:
                return await asyncio.wait_for(work(cluster), 60)
            finally:
                await cluster.close()

    return asyncio.run(run())


def open_web(cluster: client.KubeClient, *command: str, tty: bool = False) -> Any:
    place = streams.Place(cluster=cluster, namespace="shop-dev", pod="web-1", container="web")
    return place.open_command(command, tty=tty)


async def collect(stream: streams.Stream) -> list[tuple[int, bytes]]:
    return [message async for message in stream.receive()]


def test_a_command_has_channels_and_an_end_of_input(folder: Path) -> None:
    sockets: list[websocket_server.Socket] = []

    async def answer(socket: websocket_server.Socket) -> None:
        sockets.append(socket)
        await socket.send(b"\1")  # empty: the connection is established
        await socket.read(2)
        await socket.send(b"\1out")
        await socket.send(b"\2err")
        await socket.close()

    async def work(cluster: client.KubeClient) -> list[tuple[int, bytes]]:
        async with open_web(cluster, "cat", "a b") as stream:
            await stream.send(streams.STDIN, b"in")
            await stream.end_input()
            return await collect(stream)

    assert run_with_server(folder, answer, work) == [(1, b"out"), (2, b"err")]
    assert sockets[0].messages == [b"\0in", b"\xff\0"]
    assert sockets[0].target == (
        "/api/v1/namespaces/shop-dev/pods/web-1/exec"
        "?container=web&stdin=true&stdout=true&stderr=true&tty=false&command=cat&command=a+b"
    )


def test_an_older_server_cannot_end_the_input(folder: Path) -> None:
    async def answer(socket: websocket_server.Socket) -> None:
        await socket.read(1)
        await socket.close()

    async def work(cluster: client.KubeClient) -> bool:
        async with open_web(cluster, tty=True) as stream:
            await stream.end_input()
            await stream.send(streams.STDIN, b"in")
            assert await collect(stream) == []
            return stream.has_end_of_input

    assert run_with_server(folder, answer, work, V4) is False


@pytest.mark.parametrize("size", [streams.CHUNK_BYTES, 300_000])
def test_messages_of_any_size(folder: Path, size: int) -> None:
    async def answer(socket: websocket_server.Socket) -> None:
        [message] = await socket.read(1)
        await socket.send(b"\1" + message[1:])
        await socket.close()

    async def work(cluster: client.KubeClient) -> list[tuple[int, bytes]]:
        async with open_web(cluster, "cat") as stream:
            await stream.send(streams.STDIN, b"x" * size)
            return await collect(stream)

    assert run_with_server(folder, answer, work) == [(1, b"x" * size)]


def test_output_that_is_not_read_is_not_stored(folder: Path) -> None:
    """The server waits: the client holds a few messages, whatever the server sends."""
    sent: list[int] = []

    async def answer(socket: websocket_server.Socket) -> None:
        for number in range(2000):
            await socket.send(b"\1" + bytes(streams.CHUNK_BYTES))
            sent.append(number)
        await socket.close()

    async def work(cluster: client.KubeClient) -> int:
        async with open_web(cluster, "yes") as stream:
            await asyncio.sleep(1)
            before = len(sent)
            assert len(await collect(stream)) == 2000
            return before

    assert run_with_server(folder, answer, work) < 1000


def test_a_lost_connection_is_reported(folder: Path) -> None:
    async def answer(socket: websocket_server.Socket) -> None:
        await socket.send(b"\1out")

    async def work(cluster: client.KubeClient) -> None:
        async with open_web(cluster, "cat") as stream:
            await collect(stream)

    with pytest.raises(errors.Unavailable, match="connection to pod web-1 was lost"):
        run_with_server(folder, answer, work)


@pytest.mark.parametrize(
    ("input_bytes", "reading_seconds", "lost"),
    [(10, 0, True), (10_000, 0.3, True), (10, 1.5, False), (10_000, 0, False)],
    ids=["dead", "dead after input", "the command prints nothing", "the command reads nothing"],
)
def test_a_silent_connection(
    folder: Path, monkeypatch: pytest.MonkeyPatch, input_bytes: int, reading_seconds: float, lost: bool
) -> None:
    """It is lost if pings are not answered, unless they wait behind input."""
    monkeypatch.setattr(websocket, "PING_SECONDS", 0.05)
    monkeypatch.setattr(websocket, "SILENCE_SECONDS", 0.4)

    async def answer(socket: websocket_server.Socket) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(socket.read(2), reading_seconds)
        await asyncio.sleep(1.5 - reading_seconds)
        await socket.send(b"\1out")
        await socket.close()

    async def work(cluster: client.KubeClient) -> list[tuple[int, bytes]]:
        async with open_web(cluster, "sleep", "3600") as stream:
            await stream.send(streams.STDIN, bytes(input_bytes))
            return await collect(stream)

    with pytest.raises(errors.Unavailable, match="was lost") if lost else contextlib.nullcontext():
        assert run_with_server(folder, answer, work) == [(1, b"out")]


def test_the_exit_code() -> None:
    failure = {"status": "Failure", "reason": "NonZeroExitCode"}
    causes = {"details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}
    assert streams.parse_status(b'{"metadata": {}, "status": "Success"}') == 0
    assert streams.parse_status(json.dumps(failure | causes).encode()) == 3
    with pytest.raises(streams.NotStartedError) as caught:
        streams.parse_status(b'{"status": "Failure", "reason": "InternalError", "message": "no runtime"}')
    assert str(caught.value) == "no runtime"
    assert not caught.value.is_missing


@pytest.mark.parametrize(
    ("message", "is_missing"),
    [
        ('exec failed: unable to start container process: exec: "sh": executable file not found in $PATH', True),
        ("executable file `sh` not found in $PATH: No such file or directory", True),
        ('exec: "/bin/sh": stat /bin/sh: no such file or directory', True),
        ("failed to resolve reference registry.example.com/web:2: not found", False),
        ('container "proxy" not found', False),
    ],
)
def test_a_missing_program(message: str, is_missing: bool) -> None:
    assert streams.is_program_missing(message) is is_missing


REFUSED = 'pods "web-1" is forbidden: User "dev" cannot get resource "pods/exec" in API group "" in the namespace "n"'
QUOTA = 'pods "web-1" is forbidden: exceeded quota: seaway, requested: pods=1, used: pods=4, limited: pods=4'


@contextlib.contextmanager
def serve_refusal(message: str) -> Iterator[int]:
    """A server that answers every request with 403 and a message."""

    class Refusal(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"kind": "Status", "status": "Failure", "message": message, "code": 403}).encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("message", "error_class"), [(REFUSED, errors.Forbidden), (QUOTA, errors.Unavailable)], ids=["rbac", "quota"]
)
def test_a_refusal_has_its_reason(folder: Path, message: str, error_class: type[Exception], wording: object) -> None:
    async def use(cluster: client.KubeClient) -> None:
        try:
            if message == QUOTA:
                await cluster.create("/api/v1/namespaces/n/pods", {})
            else:
                async with open_web(cluster, "cat"):
                    pass
        finally:
            await cluster.close()

    with serve_refusal(message) as port:
        (folder / "kubeconfig").write_text(apiserver.kubeconfig(f"http://127.0.0.1:{port}"))
        with pytest.raises(error_class) as caught:
            asyncio.run(use(client.KubeClient(context="work", timeout=10)))
    assert type(caught.value) is error_class
    assert [str(caught.value).replace(str(port), "PORT")] == wording
