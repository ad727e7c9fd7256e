"""Lines for the user, through the engine's own display.

https://pulumi-developer-docs.readthedocs.io/latest/docs/_generated/proto/engine.html
"""

from typing import Any

import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2

LOG_TIMEOUT = 2.0
"""Seconds that a line may take. Losing one is better than holding up what it tells about."""


class Engine:
    """The engine that started this plugin.

    Args:
        address: where it listens, as ``127.0.0.1:41234``.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._log: Any = None

    async def send_log(self, request: engine_pb2.LogRequest) -> None:
        """Have it shown. Never fails: a display that is gone must not end a rollout."""
        try:
            if self._log is None:
                # Made late: most runs have nothing to tell.
                self._log = grpc.aio.insecure_channel(self._address).unary_unary(
                    "/pulumirpc.Engine/Log",
                    request_serializer=engine_pb2.LogRequest.SerializeToString,
                    response_deserializer=empty_pb2.Empty.FromString,
                )
            await self._log(request, timeout=LOG_TIMEOUT)
        except (grpc.RpcError, OSError, ValueError):
            return


class Log:
    """Lines about one resource."""

    def __init__(self, engine: Engine, urn: str) -> None:
        self._engine = engine
        self._urn = urn

    @property
    def stack(self) -> str:
        """The stack in the resource's URN: ``urn:pulumi:stack::project::parents$type::name``."""
        return self._urn.split(":")[2]

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self._urn.split("::", 3)[3]

    async def status(self, text: str) -> None:
        """Shown in the resource's row until the next line."""
        await self._engine.send_log(
            engine_pb2.LogRequest(severity=engine_pb2.INFO, urn=self._urn, message=text, ephemeral=True)
        )

    async def info(self, text: str) -> None:
        """Stays on the screen."""
        await self._engine.send_log(engine_pb2.LogRequest(severity=engine_pb2.INFO, urn=self._urn, message=text))

    async def warning(self, text: str) -> None:
        """Stays on the screen, as a warning."""
        await self._engine.send_log(engine_pb2.LogRequest(severity=engine_pb2.WARNING, urn=self._urn, message=text))
