"""Shows lines and errors to the user, through the engine's display.

https://pulumi-developer-docs.readthedocs.io/latest/docs/_generated/proto/engine.html
"""

import re
from typing import Any

import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2

from seaway.project import application_option
from seaway.syntax import diagnosis

LOG_TIMEOUT = 2.0
"""Seconds for one line. A lost line is better than a delayed operation."""


class ResourceError(Exception):
    """The operation failed. The user sees the text, with the stable ``code`` at the end of its first line."""

    def __init__(self, message: str, *, code: str = "") -> None:
        first, newline, rest = message.partition("\n")
        super().__init__(f"{first} [{code}]{newline}{rest}" if code else message)
        self.code = code


_NAME = re.compile(
    r"(?:(?P<application>.+?)-)??(?:objects|cluster|destroy-guard|release|(?:stores|late-jobs|jobs|services)(?:-\d+)?)"
)
"""A logical name of the resources whose messages name commands. That of a further application has a prefix."""


def add_application(text: str, urn: str) -> str:
    """A message of a resource with ``--application`` in its commands, if it belongs to a further application."""
    name = _NAME.fullmatch(urn.rpartition("::")[2])
    return application_option.add_to_commands(text, name["application"] if name else None)


class Engine:
    """The engine that started this plugin, and listens at ``address``: ``127.0.0.1:41234``."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._log: Any = None

    async def send_log(self, request: engine_pb2.LogRequest) -> None:
        """Show a line. Never raises: an engine that is gone must not end a rollout."""
        try:
            if self._log is None:
                # Connect on first use: most runs show no line.
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
        """Show a line in the resource's row until the next line."""
        await self._send(text, engine_pb2.INFO, ephemeral=True)

    async def info(self, text: str) -> None:
        """Show a line that stays on the screen."""
        await self._send(text, engine_pb2.INFO)

    async def warning(self, text: str) -> None:
        """Show a warning that stays on the screen."""
        await self._send(text, engine_pb2.WARNING)

    async def _send(self, text: str, severity: engine_pb2.LogSeverity.ValueType, *, ephemeral: bool = False) -> None:
        message = diagnosis.clean_lines(add_application(text, self._urn))
        request = engine_pb2.LogRequest(severity=severity, urn=self._urn, message=message, ephemeral=ephemeral)
        await self._engine.send_log(request)
