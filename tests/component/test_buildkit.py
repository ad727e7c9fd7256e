"""The log of a build, from a server that answers as BuildKit does."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from components import buildkit

REF = "abc123"
START = 1_700_000_000


def encode_field(number: int, content: bytes) -> bytes:
    """A field of bytes, as Protocol Buffers encode it."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def encode_time(seconds: int) -> bytes:
    digits = bytearray([8])
    while seconds > 127:
        digits.append(seconds & 127 | 128)
        seconds >>= 7
    return bytes([*digits, seconds])


def encode_vertex(digest: str, name: str, error: str = "") -> bytes:
    fields = encode_field(1, digest.encode()) + encode_field(3, name.encode()) + encode_field(5, encode_time(START))
    return encode_field(1, fields + encode_field(7, error.encode()))


def encode_output(digest: str, text: bytes) -> bytes:
    return encode_field(
        3, encode_field(1, digest.encode()) + encode_field(2, encode_time(START + 2)) + encode_field(4, text)
    )


RESPONSES = [
    encode_vertex("b", "[2/2] RUN false"),
    encode_output("b", b"first li"),
    encode_vertex("a", "[internal] load build context") + encode_output("b", b"ne\nsecond"),
    encode_vertex("b", "[2/2] RUN false", "exit code: 1") + encode_output("b", b" line"),
]


@contextlib.asynccontextmanager
async def serve(address: str) -> AsyncIterator[None]:
    """Serve the status of one build."""

    async def status(request: bytes, context: Any) -> AsyncIterator[bytes]:
        if request != encode_field(1, REF.encode()):
            await context.abort(grpc.StatusCode.NOT_FOUND, "no build has this id")
        for response in RESPONSES:
            yield response

    server = grpc.aio.server()
    handlers = {"Status": grpc.unary_stream_rpc_method_handler(status)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("moby.buildkit.v1.Control", handlers)])
    server.add_insecure_port(address)
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


def add_build(folder: Path, context: Path, ref: str, age: float = 0.0, builder: str = "seaway") -> None:
    """Note a build as buildx does."""
    file = folder / "refs" / builder / f"{builder}0" / ref
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"Target": "default", "LocalPath": str(context)}))
    os.utime(file, (time.time() - age, time.time() - age))


def add_builder(folder: Path, endpoint: str, driver: str = "remote") -> None:
    (folder / "instances").mkdir(parents=True, exist_ok=True)
    instance = {"Name": "seaway", "Driver": driver, "Nodes": [{"Name": "seaway0", "Endpoint": endpoint}]}
    (folder / "instances" / "seaway").write_text(json.dumps(instance))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    return tmp_path


def read(folder: Path) -> str:
    async def run() -> str:
        async with serve(f"unix://{folder}/socket"):
            return await buildkit.read_log(Path("/project/web"), since=time.time() - 60)

    return asyncio.run(run())


LOG = """#1 [2/2] RUN false
#1 2.000 first line
#1 0.000 second line
#1 ERROR: exit code: 1
#2 [internal] load build context
"""


def test_the_log_is_that_of_the_newest_build_of_the_context(folder: Path) -> None:
    add_builder(folder, f"unix://{folder}/socket")
    add_build(folder, Path("/project/web"), "older", age=30)
    add_build(folder, Path("/project/web"), REF, age=5)
    add_build(folder, Path("/project/other"), "newer")
    (folder / "refs" / "seaway" / "seaway0" / "broken").write_text("{")
    assert read(folder) == LOG


def test_docker_buildx_reaches_a_builder_without_a_socket(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_builder(folder, "unix:///var/run/docker.sock", driver="docker-container")
    add_build(folder, Path("/project/web"), REF)
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        f"#!/bin/sh\ntest \"$*\" = 'buildx --builder seaway dial-stdio' && exec python3 -c '{DIAL}' {folder}/socket\n"
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    assert read(folder) == LOG


def test_docker_buildx_ends_with_the_attempt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_builder(folder, "unix:///var/run/docker.sock", driver="docker-container")
    add_build(folder, Path("/project/web"), REF)
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\nexec sleep 60\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(buildkit, "TIMEOUT", 2.0)

    async def read_log() -> None:
        with pytest.raises(buildkit.Unavailable):
            await buildkit.read_log(Path("/project/web"), since=time.time() - 60)
        with pytest.raises(ProcessLookupError):
            os.kill(int((folder / "pid").read_text()), 0)

    asyncio.run(read_log())


DIAL = """
import os, socket, sys, threading
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
def send():
    while chunk := os.read(0, 65536):
        server.sendall(chunk)
    server.shutdown(socket.SHUT_WR)
threading.Thread(target=send, daemon=True).start()
while chunk := server.recv(65536):
    os.write(1, chunk)
"""


def test_a_build_before_the_run_is_not_read(folder: Path) -> None:
    add_builder(folder, f"unix://{folder}/socket")
    add_build(folder, Path("/project/web"), REF, age=120)
    with pytest.raises(buildkit.Unavailable, match="has no build of /project/web"):
        read(folder)


def test_the_reason_is_known_if_the_builder_does_not_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    add_builder(folder, f"unix://{folder}/nothing")
    add_build(folder, Path("/project/web"), "other")
    with pytest.raises(buildkit.Unavailable, match="the builder seaway does not show its history: "):
        read(folder)
    add_builder(folder, "", driver="docker-container")
    with pytest.raises(buildkit.Unavailable, match="the builder seaway does not show its history: "):
        read(folder)
    add_builder(folder, f"unix://{folder}/socket")
    with pytest.raises(buildkit.Unavailable, match="no build has this id"):
        read(folder)
