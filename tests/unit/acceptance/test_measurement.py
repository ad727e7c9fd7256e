"""The program that sends requests, against a real server, and how its figures are judged."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from seaway.acceptance import availability, load, measurement, performance
from seaway.model import application, slo
from tests.support import rendering

FIGURES: dict[str, Any] = {
    "requests": 1000,
    "failed": 0,
    "errors": {},
    "perSecond": 33.3,
    "p50": 20.0,
    "p99": 250.0,
    "longestPause": 0.2,
}
FAILED = FIGURES | {"failed": 2, "errors": {"reset": 1, "no answer in time": 1}}
SILENT = FIGURES | {"failed": 1000, "errors": {"refused": 1000}, "p50": None, "p99": None}

ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "until the end": b"HTTP/1.0 404 Not Found\r\n\r\nno",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}
FAILURES = {
    "status": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "cut in the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "cut in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok",
    "cut in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok",
    "nothing": b"",
    "not HTTP": b"hello\r\n\r\n",
}


async def measure(answer: bytes, *, keep_alive: bool, served: int = 3) -> dict[str, Any]:
    """Send requests to a server that closes each connection after so many answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(served):
            if not await reader.read(4096):
                break
            writer.write(answer)
            await writer.drain()
            if answer not in (ANSWERS["length"], ANSWERS["chunks"], ANSWERS["no content"]):
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        options = load.Options("127.0.0.1", port, connections=2, seconds=0.3, interval=0.01, keep_alive=keep_alive)
        return await load.Load(options).run()


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("name", ANSWERS)
def test_complete_answers(name: str, keep_alive: bool) -> None:
    """Also where the server closes a connection that is kept: such a request is repeated."""
    figures = asyncio.run(measure(ANSWERS[name], keep_alive=keep_alive))
    assert (figures["failed"], figures["errors"]) == (0, {})
    assert figures["requests"] > 3
    assert figures["p50"] <= figures["p99"]


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str) -> None:
    figures = asyncio.run(measure(FAILURES[name], keep_alive=True, served=1))
    assert figures["requests"] == figures["failed"] > 0
    assert figures["p99"] is None
    assert figures["longestPause"] >= 0.3


@pytest.mark.parametrize(
    ("figures", "objectives", "outcome"),
    [
        (FIGURES, None, "passed"),
        (FIGURES, application.Slo(p99="250ms", errors="0%"), "passed"),
        (FIGURES, application.Slo(p99="0.2s"), "failed"),
        (FAILED, None, "passed"),
        (FAILED, application.Slo(errors="0.2%"), "passed"),
        (FAILED, application.Slo(errors="0.1%"), "failed"),
        (SILENT, None, "failed"),
    ],
)
def test_performance(figures: dict[str, Any], objectives: application.Slo | None, outcome: str) -> None:
    assert performance.judge(rendering.service(slo=objectives), figures, "from here").outcome == outcome


@pytest.mark.parametrize(
    ("figures", "more", "outcome"),
    [
        (FIGURES, {"replicas": 1}, "passed"),
        (FAILED, {"replicas": 2}, "failed"),
        (FIGURES, {"replicas": 2, "recovered": False}, "failed"),
    ],
)
def test_availability(figures: dict[str, Any], more: dict[str, Any], outcome: str) -> None:
    assert availability.judge("web", "restarted", figures, "from here", **more).outcome == outcome


def list_messages() -> Iterator[str]:
    judged = [
        performance.judge(rendering.service(slo=application.Slo(p99="0.2s", errors="0.1%")), FAILED, "from here"),
        performance.judge(rendering.service(), SILENT, "from here"),
        availability.judge("web", "restarted", FAILED, "from here", replicas=2),
        availability.judge("web", "pod-deleted", FAILED, "from here", replicas=1),
        availability.judge("web", "pod-deleted", FIGURES, "from here", replicas=2, recovered=False),
    ]
    for result in judged:
        yield f"{result.message}; {result.hint}"


def test_wording_of_figures(wording: object) -> None:
    assert [*list_messages()] == wording


def test_figures_of_a_program_that_is_stopped() -> None:
    async def run() -> measurement.Figures:
        options = {"host": "127.0.0.1", "port": 1, "http": False}
        source = measurement.Source(description="here", options=options, caller=None)
        async with source.start(seconds=60, interval=0.01) as finish:
            await asyncio.sleep(1)
            return await finish()

    figures = asyncio.run(run())
    assert figures["seconds"] < 60
    assert figures["requests"] == figures["failed"]


@pytest.mark.parametrize(
    ("text", "latency", "share"),
    [("300ms", 300, None), ("1.5s", 1500, None), ("0ms", None, None), ("0.5%", None, 0.005), ("101%", None, None)],
)
def test_objectives(text: str, latency: float | None, share: float | None) -> None:
    assert (slo.parse_latency(text), slo.parse_share(text)) == (latency, share)
