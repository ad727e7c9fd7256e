"""The log of a build, from the history that BuildKit keeps.

The docker-build provider streams the log to the display, drops the end of a long output, and stops at a line of more
than 64 KiB. BuildKit's own record is complete. buildx, which the provider contains, notes the id of each build below
``$BUILDX_CONFIG/refs``. https://github.com/moby/buildkit/blob/master/api/services/control/control.proto
"""

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, timestamp_pb2

TIMEOUT = 10.0
"""Seconds for the answer of BuildKit."""

_STATUS = "/moby.buildkit.v1.Control/Status"

_MESSAGES = """
name: "seaway/buildkit.proto" package: "seaway.buildkit" syntax: "proto3"
dependency: "google/protobuf/timestamp.proto"
message_type { name: "Request" field { name: "ref" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }
message_type { name: "Vertex"
  field { name: "digest" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "name" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "started" number: 5 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "error" number: 7 type: TYPE_STRING label: LABEL_OPTIONAL } }
message_type { name: "Log"
  field { name: "vertex" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "timestamp" number: 2 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "msg" number: 4 type: TYPE_BYTES label: LABEL_OPTIONAL } }
message_type { name: "Response"
  field { name: "vertexes" number: 1 type: TYPE_MESSAGE type_name: ".seaway.buildkit.Vertex" label: LABEL_REPEATED }
  field { name: "logs" number: 3 type: TYPE_MESSAGE type_name: ".seaway.buildkit.Log" label: LABEL_REPEATED } }
"""
"""The fields that are read."""


class Unavailable(Exception):  # noqa: N818 - as errors.Unavailable
    """The log cannot be read; the text is the reason, in one line."""


def _load_messages() -> tuple[Any, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(text_format.Parse(_MESSAGES, descriptor_pb2.FileDescriptorProto()).SerializeToString())
    names = ("seaway.buildkit.Request", "seaway.buildkit.Response")
    request, response = (message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names)
    return request, response


async def read_log(context: Path, *, since: float) -> str:
    """The plain log of the newest build of a folder, as ``docker buildx build --progress=plain`` prints it.

    ``since``: the time before the build, in seconds since the epoch.

    Raises:
        Unavailable: there is no such build, or its builder does not answer.
    """
    folder = _find_buildx_folder()
    builder, ref = _find_build(folder, context, since)
    try:
        async with asyncio.timeout(TIMEOUT), _connect(folder, builder) as address:
            return await _read_status(address, ref)
    except (grpc.RpcError, TimeoutError, OSError) as error:
        reason = error.details() if isinstance(error, grpc.aio.AioRpcError) else str(error) or "no answer"
        raise Unavailable(f"the builder {builder} does not show its history: {reason}") from error


def _find_buildx_folder() -> Path:
    docker = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    return Path(os.environ.get("BUILDX_CONFIG") or Path(docker, "buildx"))


def _find_build(folder: Path, context: Path, since: float) -> tuple[str, str]:
    """The builder and the id of the newest build of a context: ``refs/BUILDER/NODE/ID``."""
    newest: tuple[float, str, str] | None = None
    for file in folder.glob("refs/*/*/*"):
        with contextlib.suppress(OSError, ValueError):  # buildx removes old files
            time = file.stat().st_mtime
            if time < since or (newest is not None and time <= newest[0]):
                continue
            if json.loads(file.read_text()).get("LocalPath") == str(context):
                newest = time, file.parent.parent.name, file.name
    if newest is None:
        raise Unavailable(f"{folder / 'refs'} has no build of {context}")
    return newest[1:]


@contextlib.asynccontextmanager
async def _connect(folder: Path, builder: str) -> AsyncGenerator[str]:
    """The address of BuildKit. `docker buildx dial-stdio` reaches the builders that have no socket on this machine."""
    try:
        instance: Mapping[str, Any] = json.loads((folder / "instances" / builder).read_text())
    except (OSError, ValueError):
        instance = {}
    endpoint = str(instance["Nodes"][0]["Endpoint"]) if instance.get("Nodes") else ""
    if instance.get("Driver") == "remote" and endpoint.startswith("unix://"):
        yield endpoint
        return

    pipes: list[asyncio.Task[None]] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipes.append(asyncio.create_task(_pipe(builder, reader, writer)))

    with tempfile.TemporaryDirectory() as private:
        server = await asyncio.start_unix_server(connect, f"{private}/socket")
        try:
            yield f"unix://{private}/socket"
        finally:
            server.close()
            for pipe in pipes:
                pipe.cancel()
            await asyncio.gather(*pipes, return_exceptions=True)


async def _pipe(builder: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    command = ("docker", "buildx", "--builder", builder, "dial-stdio")
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process: asyncio.subprocess.Process | None = None
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere)
        assert process.stdin and process.stdout  # noqa: S101 - both are pipes
        await asyncio.gather(_copy(reader, process.stdin), _copy(process.stdout, writer))
    finally:
        writer.close()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(65536):
        target.write(chunk)
        await target.drain()
    target.close()


async def _read_status(address: str, ref: str) -> str:
    request, response = _load_messages()
    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_stream(
            _STATUS, request_serializer=request.SerializeToString, response_deserializer=response.FromString
        )
        return await _format_log(call(request(ref=ref)))


async def _format_log(responses: AsyncIterator[Any]) -> str:
    vertices: dict[str, Any] = {}
    outputs: dict[str, list[tuple[float, bytes]]] = {}
    async for response in responses:
        vertices |= {vertex.digest: vertex for vertex in response.vertexes}
        for log in response.logs:
            outputs.setdefault(log.vertex, []).append((log.timestamp.ToNanoseconds() / 1e9, log.msg))
    lines: list[str] = []
    for number, (digest, vertex) in enumerate(vertices.items(), start=1):
        lines.append(f"#{number} {vertex.name}")
        started, text = vertex.started.ToNanoseconds() / 1e9, b""
        for time, part in outputs.get(digest, ()):  # a part may end within a line
            *complete, text = (text + part).split(b"\n")
            lines += [f"#{number} {time - started:.3f} {line.decode(errors='replace')}" for line in complete]
        lines += [f"#{number} 0.000 {text.decode(errors='replace')}"] if text else []
        lines += [f"#{number} ERROR: {vertex.error}"] if vertex.error else []
    return "\n".join(lines) + "\n"
